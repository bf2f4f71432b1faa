"""Who looks at whom: the weights of attention as one table of grey cells for each head."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbook.heat_map import HeatMap

MOST_TOKENS = 16
MOST_HEADS = 12
NEAR = 1e-2  # what bfloat16 and float16 leave of a sum of 1

READING = "Each row is a word that looks (query), each column a word that is looked at (key)."

Tokens = str | Sequence[str] | None


@dataclass(frozen=True)
class AttentionMaps:
    """Heat maps and the sentences below them; a notebook shows it by itself."""

    maps: Sequence[HeatMap]
    said: Sequence[str]

    def _repr_html_(self) -> str:
        """The tables, then the sentences."""
        shown = "".join(each._repr_html_() for each in self.maps)
        return shown + "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.said)

    def __repr__(self) -> str:
        return "\n\n".join([*map(repr, self.maps), *self.said])


def show_attention(
    weights: Any, tokens: Tokens = None, keys: Tokens = None, caption: str | None = None
) -> AttentionMaps:
    """Show weights as one table a head: a row for each word that looks, a column for each key.

    weights (L, S), (H, L, S) or (B, H, L, S), numbers or a bool mask. `tokens` is a sentence or a
    list of words for the rows, `keys` the same for the columns when they are other words.
    """
    said: list[str] = []
    numbers = _numbers(weights)
    if isinstance(numbers, str):
        return AttentionMaps([], [numbers])
    if numbers.ndim == 4:
        if len(numbers) > 1:
            said.append(
                f"These are the weights of {len(numbers)} sentences, and sentence 0 is shown. "
                "For sentence 1, call show_attention(weights[1], ...)."
            )
        numbers = numbers[0]
    one_map = numbers.ndim == 2
    heads = numbers[None] if one_map else numbers
    rows, columns = _names(heads.shape[1], heads.shape[2], tokens, keys, said)
    for each, what in ((rows, "rows"), (columns, "columns")):
        if len(each) > MOST_TOKENS:
            said.append(f"Only the first {MOST_TOKENS} of {len(each)} {what} are shown.")
    if len(heads) > MOST_HEADS:
        said.append(f"Only the first {MOST_HEADS} of {len(heads)} heads are shown.")
    said += _doubts(heads, rows)
    what = caption or ("Who may look at whom" if heads.dtype == np.bool_ else "Who looks at whom")
    maps = [
        HeatMap(
            head[:MOST_TOKENS, :MOST_TOKENS],
            rows[:MOST_TOKENS],
            columns[:MOST_TOKENS],
            what if one_map else f"{what}, head {index}",
            corner="query \\ key",
            span=(0.0, 1.0),
        )
        for index, head in enumerate(heads[:MOST_HEADS])
    ]
    return AttentionMaps(maps, [READING, *said])


def _numbers(weights: Any) -> NDArray[Any] | str:
    """The weights as an array of 2 to 4 axes, none empty; else a sentence that says why not."""
    kind = type(weights).__name__
    if isinstance(weights, tuple):
        return (
            f"This is a tuple of {len(weights)}, not the weights alone. Attention returns two "
            "things: write `output, weights = ...` first, then show_attention(weights, ...)."
        )
    if hasattr(weights, "detach"):  # a tensor, of whatever library
        weights = weights.detach().cpu()
        weights = (weights.float() if weights.dtype.is_floating_point else weights).numpy()
    try:
        numbers = np.asarray(weights)
    except ValueError:  # rows of different lengths
        return f"Weights are a matrix, and the rows of this {kind} differ in length."
    if numbers.dtype.kind not in "biuf":
        of = "" if numbers.dtype.kind in "OU" else f" of {numbers.dtype}"
        return f"Weights are a tensor or an array of real numbers, and this is a {kind}{of}."
    if not 2 <= numbers.ndim <= 4:
        return (
            f"These weights have shape {numbers.shape}. A map needs (L, S), or (H, L, S) with "
            "heads, or (B, H, L, S) with a batch of sentences: queries and keys come last."
        )
    if numbers.size == 0:
        return f"These weights have shape {numbers.shape}: a size of 0 leaves nothing to show."
    return numbers


def _names(
    length: int, key_length: int, tokens: Tokens, keys: Tokens, said: list[str]
) -> tuple[list[str], list[str]]:
    """The names of rows and columns; positions, where the words do not fit."""
    row_words, key_words = _words(tokens), _words(keys)
    if key_words is None and row_words is not None:
        key_words = row_words if len(row_words) == key_length else None
        if key_words is not None and length < key_length:
            row_words = row_words[-length:]
            many = "1 query is" if length == 1 else f"{length} queries are"
            said.append(f"The {many} taken to be the last of the {key_length} words.")
    for words, size, what in ((row_words, length, "rows"), (key_words, key_length, "columns")):
        if words is not None and len(words) != size:
            said.append(
                f"The weights have {size} {what}, but there are {len(words)} words for them, so "
                "positions stand in their place. Each row and each column needs one word."
            )
    return _fitting(row_words, length), _fitting(key_words, key_length)


def _words(tokens: Tokens) -> list[str] | None:
    if tokens is None:
        return None
    return tokens.split() if isinstance(tokens, str) else [str(token) for token in tokens]


def _fitting(words: list[str] | None, size: int) -> list[str]:
    return words if words is not None and len(words) == size else [str(i) for i in range(size)]


def _doubts(heads: NDArray[Any], rows: list[str]) -> list[str]:
    """What cannot be the weights of attention, and what to look at."""
    if heads.dtype == np.bool_:
        return []
    numbers = heads.astype(np.float64)
    if np.isnan(numbers).any():
        return [
            "Some weights are NaN. A row whose keys are all blocked divides 0 by 0 in softmax; "
            "such a row should be 0."
        ]
    low, high = numbers.min(), numbers.max()
    if low < -NEAR or high > 1 + NEAR:
        return [
            f"Weights lie between 0 and 1, and here are numbers from {low:.2f} to {high:.2f}: "
            "these may be scores that softmax has not seen yet."
        ]
    sums = numbers.sum(-1)
    empty = ~numbers.any(-1)
    off = (np.abs(sums - 1) > NEAR) & ~empty
    if off.any():
        head, row = (int(index) for index in np.argwhere(off)[0])
        where = f"row {row} ({rows[row]})" + (f" of head {head}" if len(heads) > 1 else "")
        by_columns = bool((np.abs(numbers.sum(-2) - 1) < NEAR).all())
        why = " The columns do: did softmax run along the wrong axis?" if by_columns else ""
        return [
            f"Each row should sum to 1, and {int(off.sum())} of {off.size} do not; {where} sums "
            f"to {sums[head, row]:.2f}.{why}"
        ]
    if empty.any():
        head, row = (int(index) for index in np.argwhere(empty)[0])
        return [f"Row {row} ({rows[row]}) is all 0: that query may look at nothing."]
    return []

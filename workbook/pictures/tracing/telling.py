"""What each step is called, what it does, and how one number of it is worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from workbook.pictures.tracing.step import TracedStep

COLUMNS = ("bidirectional: every word looks at every word", "causal: no word looks at a later one")
VECTORS = ("query: what a word looks for", "key: what it is found by", "value: what it passes on")
FEW = 4  # terms of a sum that are written out


@dataclass(frozen=True)
class Told:
    """The words around the matrices of one step; `matrices` is one name for each column."""

    title: str
    idea: str
    shapes: str
    columns: tuple[str, ...]
    matrices: tuple[str, ...]
    by_hand: str = ""


Steps = Mapping[str, TracedStep]


def told(step: TracedStep, steps: Steps, words: Sequence[str]) -> Told:
    """Put one step into words. What is worked out by hand has the right numbers."""
    return _TELLERS[step.key](steps, words)


def _of_words(steps: Steps, words: Sequence[str]) -> Told:
    query, key, value = (tuple(x.shape) for x in steps["words"].shown)
    many = "1 word" if len(words) == 1 else f"{len(words)} words"
    return Told(
        "words become vectors",
        "Every word gets a query, a key and a value. Here they are made from its letters, in small "
        "whole numbers, so that you can check by hand; in a network, training finds them.",
        f"{many} → query {query}, key {key}, value {value}",
        VECTORS,
        ("query", "key", "value"),
    )


def _of_split(steps: Steps, words: Sequence[str]) -> Told:
    before, after = _shape(steps["words"].right[0]), _shape(steps["split"].right[0])
    return Told(
        "split into heads",
        f"Each of the {after[0]} heads gets {after[-1]} of the {before[-1]} numbers of every word; "
        "the columns say which.",
        f"query, key and value: {before} → {after}",
        VECTORS,
        ("query", "key", "value"),
    )


def _of_scores(steps: Steps, words: Sequence[str]) -> Told:
    query, key, _ = _vectors(steps)
    size = query.shape[-1]
    i, j = 0, min(1, len(words) - 1)
    q, k = (x[0] if x.ndim == 3 else x for x in (query, key))
    products = " + ".join(f"{a:.0f}·{b:.0f}" for a, b in zip(q[i], k[j], strict=True))
    dot = float(q[i] @ k[j])
    return Told(
        "compare and scale",
        "Each query meets each key in a dot product, which is then divided by the root of E = "
        f"{size}, the number of products in it.",
        f"query {_shape(query)}, key {_shape(key)} → scores {_shape(steps['scores'].right[1])}",
        ("dot products: query times key", f"scores: divided by √{size}"),
        ("dot products", "scores"),
        f"{_at(steps)}, row {words[i]}, column {words[j]}: {products} = {dot:.0f}, and {dot:.0f} / "
        f"√{size} = {dot / math.sqrt(size):.2f}.",
    )


def _of_mask(steps: Steps, words: Sequence[str]) -> Told:
    scores, mask = _shape(steps["scores"].right[1]), _shape(steps["mask"].right[1])
    return Told(
        "mask",
        "Where the mask says no, the score becomes -∞, and e to the power of -∞ is 0.",
        f"scores {scores}, mask {mask} → scores {scores}",
        COLUMNS,
        _both("mask"),
    )


def _of_softmax(steps: Steps, words: Sequence[str]) -> Told:
    shape = _shape(steps["softmax"].right[0])
    row = _first(steps["scores"].right[1])[0]
    j = min(1, len(words) - 1)
    total = _sum([f"e^{score:.2f}" for score in row])
    weight = float(_first(steps["softmax"].right[0])[0, j])
    return Told(
        "softmax",
        "The scores of each row become weights, which sum to 1 along the row.",
        f"scores {shape} → weights {shape}",
        COLUMNS,
        _both("weights"),
        f"{_at(steps)}, bidirectional, row {words[0]}, column {words[j]}: e^{row[j]:.2f} / "
        f"({total}) = {weight:.2f}.",
    )


def _of_sum(steps: Steps, words: Sequence[str]) -> Told:
    weights, output = steps["softmax"].right[0], steps["sum"].right[0]
    value = _vectors(steps)[2]
    row, column = _first(weights)[0], _first(value)[:, 0]
    terms = [f"{weight:.2f}·{number:.0f}" for weight, number in zip(row, column, strict=True)]
    return Told(
        "weighted sum",
        "Each word takes up a mixture of the values, by its own row of weights.",
        f"weights {_shape(weights)}, value {_shape(value)} → output {_shape(output)}",
        COLUMNS,
        _both("output"),
        f"{_at(steps)}, bidirectional, row {words[0]}, column 0: {_sum(terms)} = "
        f"{float(_first(output)[0, 0]):.2f}.",
    )


def _of_merge(steps: Steps, words: Sequence[str]) -> Told:
    return Told(
        "merge the heads",
        "The pieces of every word stand side by side again. (MultiHeadAttention is run with "
        "projections that change nothing.)",
        f"{_shape(steps['sum'].right[0])} → output {_shape(steps['merge'].right[0])}",
        COLUMNS,
        _both("output"),
    )


_TELLERS: dict[str, Callable[[Steps, Sequence[str]], Told]] = {
    "words": _of_words,
    "split": _of_split,
    "scores": _of_scores,
    "mask": _of_mask,
    "softmax": _of_softmax,
    "sum": _of_sum,
    "merge": _of_merge,
}


def _vectors(steps: Steps) -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = steps["split" if "split" in steps else "words"].right
    return query, key, value


def _shape(x: Tensor) -> tuple[int, ...]:
    return tuple(x.shape)


def _both(what: str) -> tuple[str, str]:
    return f"{what}, bidirectional", f"{what}, causal"


def _first(x: Tensor) -> Tensor:
    return x[0] if x.ndim == 3 else x


def _at(steps: Steps) -> str:
    return "By hand, head 0" if "split" in steps else "By hand"


def _sum(terms: list[str]) -> str:
    return " + ".join([*terms[:FEW], "..."] if len(terms) > FEW else terms)

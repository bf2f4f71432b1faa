"""What a model may write next, and the tree of a beam search, as tables of one's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbook.result_table import Marked, Piece, Table, Words

MOST_TOKENS = 12
MOST_ROWS = 60

Tokens = Sequence[str] | None  # a text gives a token for each character


def show_next_token(distributions: Mapping[str, Any], tokens: Tokens = None) -> Table:
    """Show distributions over the next token side by side, a row for each token.

    Each value is a row of probabilities (V,), such as next_token_probabilities returns it. Tokens
    stand in the order of the first, the largest on top; what has probability 0 is "out".
    """
    columns = {name: _floats(row) for name, row in distributions.items()}
    first = next(iter(columns.values()), [])
    order = sorted(range(len(first)), key=lambda token: -first[token])
    shown, rest = order[:MOST_TOKENS], order[MOST_TOKENS:]
    rows: list[list[Words]] = [
        [_token(token, tokens), *(_percent(column, [token]) for column in columns.values())]
        for token in shown
    ]
    if rest:
        others = f"the other {len(rest)}"
        rows.append([others, *(_percent(column, rest) for column in columns.values())])
    rows.append(["together", *(_percent(column, order) for column in columns.values())])
    rows.append(
        ["tokens left", *(str(sum(each > 0 for each in column)) for column in columns.values())]
    )
    return Table(
        "What may come next, in per cent", ["token", *columns], rows, ["out: probability 0."]
    )


def show_beams(
    beam_search: Callable[..., Any],
    log_probabilities: Callable[[list[list[int]]], Any],
    start: Sequence[int],
    beam_size: int,
    max_new_tokens: int,
    stop_id: int,
    length_penalty: float = 1.0,
    tokens: Tokens = None,
) -> Table:
    """Show the tree of a beam search, a row for each hypothesis that it asks about.

    `beam_search` is the function to be watched; it is called with all the other arguments.
    """
    asked: list[tuple[list[int], list[float]]] = []

    def noted(sequences: list[list[int]]) -> Any:
        result = log_probabilities(sequences)
        asked.extend(
            ([*map(int, each)], _floats(row)) for each, row in zip(sequences, result, strict=True)
        )
        return result

    found = beam_search(noted, start, beam_size, max_new_tokens, stop_id, length_penalty)
    results = [([*map(int, sequence)], float(score)) for sequence, score in found]
    begun = len(start)
    rows: list[list[Words]] = []
    for sequence, row in asked:
        children = [each for each, _ in asked if each[:-1] == sequence]
        ends = [each for each, _ in results if each[:-1] == sequence and each not in children]
        rows.append(
            [
                f"step {len(sequence) - begun + 1}",
                _in_a_row(sequence, tokens),
                _sum(sequence, begun, asked),
                _in_a_row([row.index(max(row))] if row else [], tokens),
                _became(children, ends, tokens),
            ]
        )
    for place, (sequence, score) in enumerate(results, 1):
        said = f"score {score:.3f}"
        how = "finished" if len(sequence) > begun and sequence[-1] == stop_id else "still open"
        rows.append(
            [
                f"result {place}",
                _in_a_row(sequence, tokens),
                _sum(sequence, begun, asked),
                "",
                f"{how}, {said}",
            ]
        )
    below = []
    if len(rows) > MOST_ROWS:
        below = [f"Only the first {MOST_ROWS} of {len(rows)} rows are shown."]
    return Table(
        f"A beam search with a beam of {beam_size}, step by step",
        ["", "hypothesis", "log probability", "likeliest next", "what became of it"],
        rows[:MOST_ROWS],
        below,
    )


def _sum(
    sequence: Sequence[int], begun: int, asked: Sequence[tuple[list[int], list[float]]]
) -> str:
    """The log probability, from what the model said of each token; a question mark without that."""
    said = {tuple(each): row for each, row in asked}
    total = 0.0
    for place in range(begun, len(sequence)):
        row = said.get(tuple(sequence[:place]), [])
        if not 0 <= sequence[place] < len(row):
            return "?"
        total += row[sequence[place]]
    return f"{total:.3f}"


def _became(children: Sequence[list[int]], ends: Sequence[list[int]], tokens: Tokens) -> Words:
    if not children and not ends:
        return "dropped"
    parts: list[Piece] = []
    for word, found in (("goes on with ", children), ("in the result with ", ends)):
        if found:
            parts += [", " if parts else "", word]
            parts += _in_a_row([each[-1] for each in found], tokens)
    return parts


def _floats(row: Any) -> list[float]:
    """Plain numbers of a tensor, an array or a list of one dimension."""
    return [float(each) for each in row]


def _percent(column: Sequence[float], places: Sequence[int]) -> str:
    """Their sum in per cent; "out" where it is exactly 0, "?" where a number is missing or NaN."""
    if any(place >= len(column) or math.isnan(column[place]) for place in places):
        return "?"
    total = sum(column[place] for place in places)
    if total == 0:
        return "out"
    return f"{100 * total:.1f}" if total >= 5e-4 else "below 0.1"


def _token(number: int, tokens: Tokens) -> Piece:
    """A token in quotes, as Python writes it, so that a space can be seen."""
    known = tokens is not None and 0 <= number < len(tokens)
    return Marked(repr(tokens[number]) if tokens is not None and known else str(number), "code")


def _in_a_row(sequence: Sequence[int], tokens: Tokens) -> list[Piece]:
    row: list[Piece] = []
    for number in sequence:
        row += [*([" "] if row else []), _token(number, tokens)]
    return row

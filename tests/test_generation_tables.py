"""Tables of what may come next and of a beam search, in a terminal, in a notebook and aloud."""

from __future__ import annotations

import math

import torch
from bs4 import BeautifulSoup

from solutions.generation import beam_search
from workbook import show_beams, show_next_token

AFTER = torch.tensor([[0, 0, 0, 1], [0.4, 0.3, 0.3, 0], [0.9, 0.05, 0.05, 0], [0, 0.6, 0.4, 0]])


def after_the_last(sequences: list[list[int]]) -> torch.Tensor:
    return AFTER.log()[[each[-1] for each in sequences]]


def cells(table: object) -> list[list[str]]:
    """The rows of the HTML, as a screen reader meets them."""
    page = BeautifulSoup(table._repr_html_(), "html.parser")  # type: ignore[attr-defined]
    return [[each.text for each in row.find_all(["th", "td"])] for row in page.find_all("tr")]


def test_distributions_stand_side_by_side() -> None:
    """The largest of the first on top; what was cut says so."""
    rows = cells(
        show_next_token(
            {"all": torch.tensor([0.25, 0.5, 0.2499, 0.0001]), "top-k": [0.0, 1.0, 0.0, 0.0]},
            "ab c",
        )
    )

    assert rows == [
        ["token", "all", "top-k"],
        ["'b'", "50.0", "100.0"],
        ["'a'", "25.0", "out"],
        ["' '", "25.0", "out"],
        ["'c'", "below 0.1", "out"],
        ["together", "100.0", "100.0"],
        ["tokens left", "4", "1"],
    ]


def test_a_long_vocabulary_is_summed_up() -> None:
    rows = cells(show_next_token({"even": [1 / 20] * 20}))

    assert rows[1] == ["0", "5.0"]
    assert rows[13] == ["the other 8", "40.0"]


def test_the_tree_of_a_beam_search() -> None:
    """Each hypothesis that was asked about, what became of it, and the result."""
    table = show_beams(beam_search, after_the_last, [3], 2, 2, 0, tokens=[".", "a", "b", "<s>"])
    rows = cells(table)

    assert rows[1] == ["step 1", "'<s>'", "0.000", "'a'", "goes on with 'a' 'b'"]
    assert rows[2][:3] == ["step 2", "'<s>' 'a'", f"{math.log(0.6):.3f}"]
    assert rows[3][4] == "in the result with '.'"
    assert rows[4][0] == "result 1"
    assert rows[4][1] == "'<s>' 'b' '.'"
    assert rows[4][4] == f"finished, score {math.log(0.36) / 2:.3f}"


def test_what_a_mistake_makes_is_shown_too() -> None:
    """NaN, rows that are too short, and sequences that nobody asked about."""
    assert "?" in repr(show_next_token({"one": [math.nan, 1.0], "other": [1.0]}))
    found = show_beams(lambda *_: [([3, 9], -1.0)], after_the_last, [3], 1, 1, 0)
    assert cells(found)[1] == ["result 1", "3 9", "?", "", "still open, score -1.000"]


def test_markup_in_a_token_is_text() -> None:
    assert "<b>" not in show_next_token({"one": [1.0]}, ["<b>"])._repr_html_()

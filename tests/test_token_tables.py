"""Tables of a tokenizer's merges and tokens, in a terminal, in a notebook and aloud."""

from __future__ import annotations

import pytest
import torch
from bs4 import BeautifulSoup

from workbook import show_merges, show_tokens

LOW = [(108, 111), (256, 119), (32, 257), (258, 101), (115, 116)]


def cells(table: object) -> list[list[str]]:
    """The rows of the HTML, as a screen reader meets them."""
    page = BeautifulSoup(table._repr_html_(), "html.parser")  # type: ignore[attr-defined]
    return [[each.text for each in row.find_all(["th", "td"])] for row in page.find_all("tr")]


def test_merges_stand_one_after_another() -> None:
    """Each row says what is joined, what it becomes and what the word is then."""
    rows = cells(show_merges(" lowest", LOW))

    assert rows[0] == ["step", "what it joins", "pieces", "how many"]
    assert rows[1] == ["the bytes", "", "' ' 'l' 'o' 'w' 'e' 's' 't'", "7"]
    assert rows[2] == ["merge 0", "(108, 111) is 256", "' ' 'lo' 'w' 'e' 's' 't'", "6"]
    assert rows[-1] == ["merge 4", "(115, 116) is 260", "' lowe' 'st'", "2"]


@pytest.mark.parametrize(
    ("word", "merges", "pieces"),
    [
        ("aaaaa", [(97, 97), (256, 256)], "'aaaa' 'a'"),  # from left to right, without overlap
        ("abc", [(98, 99), (97, 98), (257, 99)], "'a' 'bc'"),  # the lowest merge, not the longest
        ("ababab", [(97, 98)], "'ab' 'ab' 'ab'"),
        ("é", [], r"b'\xc3' b'\xa9'"),
        ("é", [(195, 169)], "'é'"),
    ],
)
def test_the_last_row_is_what_encoding_gives(
    word: str, merges: list[tuple[int, int]], pieces: str
) -> None:
    """The rules of the notebook, by hand."""
    assert cells(show_merges(word, merges))[-1][2] == pieces


def test_a_word_that_no_merge_changes_says_so() -> None:
    assert "No merge joins any two of its bytes." in repr(show_merges("xyz", LOW))
    assert cells(show_merges("", LOW))[1] == ["the bytes", "", "", "0"]


def test_tokens_stand_beside_their_bytes() -> None:
    """Special tokens too; a tensor of ids does as well as a list."""
    ids = torch.tensor([257, 258, 195, 261])
    table = show_tokens(ids, LOW, ["<|end|>"])

    assert cells(table)[1:] == [
        ["'low'", "257", "108 111 119"],
        ["' low'", "258", "32 108 111 119"],
        [r"b'\xc3'", "195", "195"],
        ["'<|end|>'", "261", "60 124 101 110 100 124 62"],
    ]
    assert "15 bytes in 4 tokens." in repr(table)


def test_what_a_mistake_makes_is_shown_too() -> None:
    """Ids that are none, merges of what is not there yet, and a long text."""
    said = repr(show_tokens([999, 256], [(300, 301)]))
    assert "A question mark stands for an id" in said
    assert repr(show_merges("ab", [(97, 98), (97, 98)])).count("merge") == 2  # the title's, and one
    assert "Only the first 40 of 41 tokens are shown." in repr(show_tokens([97] * 41, []))


def test_markup_in_a_text_is_text() -> None:
    """What a reader types cannot become a part of the page."""
    page = show_merges("<b>&", [])._repr_html_() + show_tokens([60, 98, 62], [])._repr_html_()

    assert "<b>" not in page

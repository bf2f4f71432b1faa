"""A matrix as a table that reads well on a screen, in grey print, by ear and in a terminal."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

from autograder.verdict.present import clean_html
from tests import browser
from workbook.heat_map import HeatMap
from workbook.pictures.attention_maps import MOST_HEADS, MOST_TOKENS, show_attention

NUMBERS = np.array([[0.5, 0.25, -0.001], [1.0, np.nan, -np.inf]])
MARKED = np.array([[False, True, False], [False, False, True]])


def heat_map(numbers: Any = NUMBERS, **options: Any) -> HeatMap:
    names = [f"{letter}<b>" for letter in "abc"]
    array = np.asarray(numbers)
    rows, columns = array.shape
    return HeatMap(array, names[:rows], names[:columns], "scores & more", **options)


def tree(shown: Any) -> BeautifulSoup:
    return BeautifulSoup(shown._repr_html_(), "html.parser")


def cells(shown: Any) -> list[str]:
    return [cell.get_text() for cell in tree(shown).tbody.find_all("td")]


def test_the_number_stands_in_every_cell() -> None:
    """Two digits, no negative zero; what is not finite has a name."""
    assert cells(heat_map()) == ["0.50", "0.25", "0.00", "1.00", "NaN", "-∞"]


def test_whole_numbers_have_no_digits_behind_the_point() -> None:
    """They can be checked by hand as they stand."""
    assert cells(heat_map([[1.0, -2.0], [0.0, np.inf]])) == ["1", "-2", "0", "∞"]


def test_large_numbers_stay_narrow() -> None:
    """Three digits are enough to see what happened."""
    assert cells(heat_map([[12345.678, 0.5]])) == ["1.23e+04", "0.5"]


def test_truth_values_are_words() -> None:
    """Yes and no, not shades."""
    assert cells(heat_map([[True, False]])) == ["yes", "no"]


@pytest.mark.parametrize("answers", [[[True, False]], [[True, True]], [[False, False]]])
def test_yes_is_dark_and_no_is_white(answers: list[list[bool]]) -> None:
    """Also where all entries are alike."""
    styles = [cell["style"] for cell in tree(heat_map(answers)).tbody.find_all("td")]

    assert ["#fff" not in each for each in styles] == answers[0]


def test_a_mark_is_a_sign_and_bold() -> None:
    """Marked entries differ without any colour, in both forms."""
    shown = heat_map(marked=MARKED)

    assert [each.get_text() for each in tree(shown).find_all("strong")] == ["≠0.25", "≠-∞"]
    assert repr(shown).count("≠") == 2


def test_black_is_readable_on_every_shade() -> None:
    """WCAG 2.2's contrast of black text and each background, at least 7 : 1 (AAA)."""
    styles = [cell["style"] for cell in tree(heat_map()).tbody.find_all("td")]
    shades = [re.search(r"background-color:#(..)(..)(..);color:#000;", each) for each in styles]

    assert all(shades)
    for shade in shades:
        assert shade is not None
        red, green, blue = shade.groups()
        assert red == green == blue
        level = int(red, 16) / 255
        luminance = ((level + 0.055) / 1.055) ** 2.4
        assert (luminance + 0.05) / 0.05 >= 7


def test_more_is_darker() -> None:
    """The shade follows the number; what is not finite stays white."""
    styles = [cell["style"] for cell in tree(heat_map()).tbody.find_all("td")]
    levels = [int(each.split("#")[1][:2], 16) for each in styles]

    assert levels[3] < levels[0] < levels[1] < levels[2] == levels[4] == levels[5] == 255


def test_caption_and_headers() -> None:
    """The table says what it is, and which header each number belongs to; all of it is text."""
    table = tree(heat_map(corner="query \\ key")).table

    assert table.caption.get_text() == "scores & more"
    assert [(th["scope"], th.get_text()) for th in table.find_all("th")] == [
        *[("col", each) for each in ("query \\ key", "a<b>", "b<b>", "c<b>")],
        *[("row", each) for each in ("a<b>", "b<b>")],
    ]
    assert {each.name for each in table.find_all()} == {
        *("caption", "thead", "tbody", "tr", "th", "td")
    }
    assert {name for each in table.find_all() for name in each.attrs} == {"style", "scope"}


def test_it_survives_the_sanitiser() -> None:
    """Without styles and scopes the words and numbers are all there."""
    shown = heat_map(marked=MARKED)

    assert BeautifulSoup(clean_html(shown._repr_html_()), "html.parser").get_text() == (
        tree(shown).get_text()
    )


def test_plain_text_is_aligned() -> None:
    """A terminal shows the same, numbers under each other."""
    shown = HeatMap(np.array([[0.5, 0.25], [1.0, 0.0]]), ["the", "cat"], ["the", "cat"], "weights")

    assert repr(shown).splitlines() == [
        "weights",
        "        the   cat",
        "  the  0.50  0.25",
        "  cat  1.00  0.00",
    ]


def test_a_long_word_is_cut() -> None:
    """It would push the rest off the page."""
    shown = HeatMap(np.zeros((1, 1)), ["x" * 40], ["y" * 40], "long")

    assert "x" * 15 not in repr(shown)
    assert "y" * 15 not in shown._repr_html_()


# show_attention


def weights(*shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.softmax(torch.randn(*shape), dim=-1)


def captions(shown: Any) -> list[str]:
    return [each.get_text() for each in tree(shown).find_all("caption")]


@pytest.mark.parametrize(
    ("shape", "maps"), [((3, 3), 1), ((2, 3, 3), 2), ((1, 2, 3, 3), 2), ((4, 2, 3, 3), 2)]
)
def test_one_map_for_each_head(shape: tuple[int, ...], maps: int) -> None:
    """Heads get their number; one map needs none."""
    shown = show_attention(weights(*shape), "the cat sat")

    assert len(shown.maps) == maps
    assert captions(shown) == (
        ["Who looks at whom"]
        if maps == 1
        else ["Who looks at whom, head 0", "Who looks at whom, head 1"]
    )
    for each in shown.maps:
        assert list(each.rows) == list(each.columns) == ["the", "cat", "sat"]
    assert any("4 sentences, and sentence 0 is shown" in said for said in shown.said) == (
        shape[0] == 4
    )


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x,
        lambda x: x.numpy(),
        lambda x: x.tolist(),
        lambda x: x.bfloat16(),
        lambda x: x.clone().requires_grad_(),
    ],
    ids=["tensor", "array", "list", "bfloat16", "gradient"],
)
def test_whatever_holds_numbers_is_shown(made: Any) -> None:
    """Tensors of any floating type, with gradients too, arrays and lists; without complaint."""
    shown = show_attention(made(weights(3, 3)), ["the", "cat", "sat"], caption="mine")

    assert captions(shown) == ["mine"]
    assert len(shown.said) == 1
    assert np.allclose(shown.maps[0].numbers.astype(float), weights(3, 3).numpy(), atol=4e-3)


def test_other_words_are_looked_at() -> None:
    """Queries from one sentence, keys from another."""
    (shown,) = show_attention(weights(2, 3), "le chat", keys="the cat sat").maps

    assert list(shown.rows) == ["le", "chat"]
    assert list(shown.columns) == ["the", "cat", "sat"]


def test_the_last_words_look() -> None:
    """As many words as keys, fewer queries: they are the last words, and it is said."""
    shown = show_attention(weights(1, 3), "the cat sat")

    assert list(shown.maps[0].rows) == ["sat"]
    assert "The 1 query is taken" in " ".join(shown.said)


def test_a_mask_is_shown_in_words() -> None:
    """Truth values have no sums to look at."""
    shown = show_attention(torch.ones(3, 3).tril().bool(), "the cat sat")

    assert cells(shown.maps[0]) == ["yes", "no", "no", "yes", "yes", "no", "yes", "yes", "yes"]
    assert len(shown.said) == 1


def test_only_the_first_words_and_heads_are_shown() -> None:
    """40 words would not fit on a page; it is said what is left out."""
    shown = show_attention(weights(20, 40, 40), " ".join(map(str, range(40))))

    assert len(shown.maps) == MOST_HEADS
    assert shown.maps[0].numbers.shape == (MOST_TOKENS, MOST_TOKENS)
    assert f"Only the first {MOST_TOKENS} of 40 rows are shown." in shown.said
    assert f"Only the first {MOST_TOKENS} of 40 columns are shown." in shown.said
    assert f"Only the first {MOST_HEADS} of 20 heads are shown." in shown.said


ZERO_ROW = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
DOUBTFUL = [
    (torch.tensor([[0.5, 0.5], [0.2, 0.2]]), "row 1 (cat) sums to 0.40"),
    (torch.tensor([[0.9, 0.7], [0.1, 0.3]]), "did softmax run along the wrong axis?"),
    (torch.tensor([[3.0, -1.0], [0.0, 2.0]]), "softmax has not seen yet"),
    (torch.tensor([[1.0, 0.0], [torch.nan, 0.5]]), "Some weights are NaN"),
    (ZERO_ROW, "Row 1 (cat) is all 0: that query may look at nothing."),
    (ZERO_ROW.expand(3, 2, 2) * 0.5, "row 0 (the) of head 0 sums to 0.50"),
]


@pytest.mark.parametrize(("doubtful", "said"), DOUBTFUL, ids=[said for _, said in DOUBTFUL])
def test_what_cannot_be_weights_is_said_below_the_map(doubtful: torch.Tensor, said: str) -> None:
    """A sentence, and the map all the same."""
    shown = show_attention(doubtful, "the cat")

    assert said in " ".join(shown.said)
    assert said in repr(shown)
    assert shown.maps


def test_words_that_do_not_fit_give_way_to_positions() -> None:
    """Both numbers are said."""
    shown = show_attention(weights(3, 3), "the cat")

    assert list(shown.maps[0].rows) == list(shown.maps[0].columns) == ["0", "1", "2"]
    assert "The weights have 3 rows, but there are 2 words for them" in " ".join(shown.said)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((weights(3, 4), weights(3, 3)), "`output, weights = ...`"),
        (weights(3), "(3,). A map needs (L, S)"),
        (torch.zeros(1, 1, 1, 3, 3), "A map needs (L, S)"),
        (torch.zeros(0, 0), "a size of 0"),
        ("the cat", "this is a str"),
        (None, "this is a NoneType"),
        ([[1.0], [1.0, 2.0]], "differ in length"),
        (torch.zeros(2, 2, dtype=torch.complex64), "this is a Tensor of complex64"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_cannot_be_shown_is_answered_by_a_sentence(wrong: Any, said: str) -> None:
    """No exception and no map."""
    shown = show_attention(wrong, "the cat sat")

    assert not list(shown.maps)
    assert said in repr(shown)
    assert tree(shown).get_text()


@browser.needs_chromium
def test_nothing_serious_is_inaccessible() -> None:
    """axe finds nothing serious or critical, on a white page and a dark one."""
    shown = show_attention(weights(2, 4, 4), "the cat sat down")._repr_html_()

    assert browser.serious_in(shown + heat_map(marked=MARKED)._repr_html_()) == []
    assert browser.serious_in(shown, "background:#111;color:#eee") == []

"""Wrong numbers in words: how they differ, never what they should be."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from autograder.verdict.describe import in_words

RIGHT = np.random.default_rng(0).normal(size=(2, 4, 4))
ROW_2 = np.arange(4)[:, None] == 2


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (np.sqrt(8) * RIGHT, "all are 2.83 times what they should be"),
        (-RIGHT, "the sign is wrong"),
        (RIGHT + 1e-4, "none is off by more than a thousandth of the largest"),
        (RIGHT.swapaxes(-1, -2), "the rows and columns are exchanged"),
        (RIGHT + 0.3, "all are off by one and the same amount"),
        (RIGHT[:, ::-1], "the same numbers in another order"),
        (0 * RIGHT, "all of them are 0"),
        (np.where(ROW_2, np.nan, RIGHT), "8 are NaN"),
        (np.where(ROW_2, np.inf, RIGHT), "8 are infinite"),
        (np.where(ROW_2, 9.0, RIGHT), "8 of 32 entries differ, all in row 2, first at (0, 2, 0)"),
        (RIGHT**2, "32 of 32 entries differ"),
    ],
)
def test_simple_relations_are_named(found: NDArray[np.float64], said: str) -> None:
    """A student learns what kind of wrong it is."""
    sentence = in_words(found, RIGHT, ~np.isclose(found, RIGHT))

    assert sentence.endswith(said)


def test_an_inverted_table_of_truth_is_named() -> None:
    """The commonest mistake with truth values."""
    right = np.tril(np.ones((3, 5), bool))

    assert in_words(~right, right, np.ones_like(right)).endswith("every entry is the opposite")


def test_no_number_of_the_right_answer_is_said() -> None:
    """Random numbers do not occur in what is said about others."""
    other = np.random.default_rng(1).normal(size=RIGHT.shape)

    sentence = in_words(other, RIGHT, ~np.isclose(other, RIGHT))

    assert not any(f"{number:.3g}" in sentence for number in RIGHT.flatten())

"""Two pieces of evidence say the same where they differ by rounding, and not where by more."""

from __future__ import annotations

import pytest
import torch

from autograder.observe import collecting, observe
from autograder.verdict.agreement import agree
from autograder.verdict.evidence import Record, decode


def gave(*numbers: float, dtype: torch.dtype) -> Record:
    """The record of an observation with this result."""
    with collecting() as records, observe("one") as seen:
        seen.result = torch.tensor(numbers, dtype=dtype)
    return decode(records[0])


@pytest.mark.parametrize(
    ("dtype", "rounding", "small"),
    [(torch.float64, 1e-15, 1e-12), (torch.float32, 1e-6, 1e-3)],
)
def test_rounding_is_small_beside_what_was_expected(
    dtype: torch.dtype, rounding: float, small: float
) -> None:
    """What is left of a gradient that is 0 differs from machine to machine; a small one is one."""
    right = gave(1.0, 2.0, dtype=dtype)
    nothing, nothing_else, little, less = (
        gave(each, 0.0, dtype=dtype) for each in (rounding, -rounding, small, -small)
    )

    assert agree(nothing, nothing_else, right)
    assert not agree(nothing, nothing_else)
    assert not agree(little, less, right)
    assert not agree(little, nothing, right)
    assert not agree(right, nothing, right)

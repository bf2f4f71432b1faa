"""What a wrong version makes of a public example, as a picture with its errors marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograder.course.catalogue import Picture
from autograder.errors import MalformedEvidenceError
from autograder.verdict.evidence import Array, decode
from autograder.verdict.verdict import Drawing

MAX_CELLS_OF_A_PICTURE = 256


def matrix(records: Sequence[bytes]) -> Array | None:
    """The small matrix in the evidence of a picture, if there is one."""
    try:
        (record,) = map(decode, records)
        found = record.arrays[record.values["picture"]["key"]]
    except (MalformedEvidenceError, ValueError, KeyError, TypeError):
        return None
    small = found.numbers.ndim == 2 and 0 < found.numbers.size <= MAX_CELLS_OF_A_PICTURE
    return found if small else None


def drawing(picture: Picture, right: Array, wrong: Array) -> list[Drawing]:
    """The wrong matrix with what differs from the right one marked; none where nothing does."""
    if right.numbers.shape != wrong.numbers.shape:
        marked = np.zeros(wrong.numbers.shape, bool)
    else:
        same = np.isclose(
            right.numbers.astype(float), wrong.numbers.astype(float), atol=5e-3, equal_nan=True
        )
        marked = ~same
    if right.numbers.shape == wrong.numbers.shape and not marked.any():
        return []
    numbers = wrong.numbers.astype(float).tolist()
    return [
        Drawing(
            picture.caption,
            picture.rows,
            picture.columns,
            wrong.dtype == "bool",
            tuple(map(tuple, numbers)),
            tuple(map(tuple, marked.tolist())),
        )
    ]

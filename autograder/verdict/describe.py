"""Wrong numbers in words: which entries differ and, if it is simple, how; never what is right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def in_words(found: NDArray[Any], expected: NDArray[Any], differs: NDArray[np.bool_]) -> str:
    """Where the entries differ and, if it can be said in few words, how."""
    shape = tuple(found.shape)
    first = tuple(int(index) for index in np.argwhere(differs)[0])
    count = int(differs.sum())
    parts = [f"shape {shape} is right", f"{count} of {differs.size} entries differ"]
    parts[1] += f"{_rows(differs)}, first at {first}" if count < differs.size else ""
    how = _how(found, expected, differs)
    return "; ".join([*parts, how] if how else parts)


def _rows(differs: NDArray[np.bool_]) -> str:
    """In which rows (the axis before the last), where that says something."""
    if differs.ndim < 2:
        return ""
    rows = np.asarray(np.moveaxis(differs, -2, 0).reshape(differs.shape[-2], -1).any(axis=1))
    wrong = np.flatnonzero(rows)
    if len(wrong) == len(rows):
        return ""
    few = ", ".join(str(row) for row in wrong[:5]) + (", ..." if len(wrong) > 5 else "")
    return f", all in {'row' if len(wrong) == 1 else 'rows'} {few}"


def _how(found: NDArray[Any], expected: NDArray[Any], differs: NDArray[np.bool_]) -> str | None:
    if found.dtype.kind == "b":
        return "every entry is the opposite" if differs.all() and differs.size > 1 else None
    if found.dtype.kind != "f":
        return None
    wide, other = expected.astype(np.float64), found.astype(np.float64)
    unexpected = np.isnan(other) & ~np.isnan(wide)
    if unexpected.any():
        return f"{int(unexpected.sum())} are NaN"
    infinite = np.isinf(other) & ~np.isinf(wide)
    if infinite.any():
        return f"{int(infinite.sum())} are infinite"
    if not (np.isfinite(wide).all() and np.isfinite(other).all()) or differs.size < 3:
        return None
    return _pattern(wide, other)


def _pattern(wide: NDArray[np.float64], other: NDArray[np.float64]) -> str | None:
    """A simple relation between the two, found to within a thousandth of their size."""
    size = float(np.abs(wide).max())
    near = 1e-3 * max(size, float(np.abs(other).max()))

    def same(one: NDArray[np.float64], two: NDArray[np.float64]) -> bool:
        return bool((np.abs(one - two) <= near).all())

    if same(wide, other):
        return "none is off by more than a thousandth of the largest"
    if not other.any():
        return "all of them are 0"
    if not wide.any():
        return None
    if wide.ndim > 1 and wide.shape[-1] == wide.shape[-2] and same(wide.swapaxes(-1, -2), other):
        return "the rows and columns are exchanged"
    factor = float((wide * other).sum() / (wide * wide).sum())
    if abs(factor) > near / max(size, near) and same(factor * wide, other):
        return (
            "the sign is wrong"
            if abs(factor + 1) < 1e-2
            else f"all are {factor:.3g} times what they should be"
        )
    shift = float((other - wide).mean())
    if same(wide + shift, other):
        return "all are off by one and the same amount"
    if same(np.sort(wide, axis=None), np.sort(other, axis=None)):
        return "the same numbers in another order"
    return None

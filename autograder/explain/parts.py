"""What an observation recorded, in parts to show: numbers as matrices, the rest as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.verdict.compare import TOLERANCE, difference
from autograder.verdict.evidence import Array, Record

Node = Mapping[str, Any]
MOST_ROWS, MOST_COLUMNS = 12, 12
LONGEST_TEXT = 300


@dataclass(frozen=True)
class Shown:
    """One tensor as far as it is shown: the matrix `at` these indices, from this row and column.

    `marked` are the entries that differ from what was expected.
    """

    kind: str
    matrix: NDArray[Any]
    marked: NDArray[np.bool_]
    at: tuple[int, ...] = ()
    row: int = 0
    column: int = 0
    is_whole: bool = True


@dataclass(frozen=True)
class Part:
    """One recorded value by its name: what was expected and what came, and what is wrong with it.

    Each is a matrix or a text; `expected` is None for what is only an input, `got` where nothing
    came.
    """

    name: str
    expected: Shown | str | None
    got: Shown | str | None
    wrong: str | None = None


def inputs(record: Record, node: Node, name: str) -> Iterator[Part]:
    """The parts of one recorded input."""
    for path, leaf in _leaves(node, name):
        array = _array(leaf, record)
        yield Part(path, None, _whole(array) if array is not None else _text(leaf))


def compared(expected: Record, got: Record | None) -> Iterator[Part]:
    """The parts of what one check recorded, side by side."""
    for name, node in expected.values.items():
        there = dict(_leaves(got.values[name], name)) if got and name in got.values else {}
        for path, leaf in _leaves(node, name):
            yield _beside(path, leaf, expected, there.pop(path, None), got)
        for path, leaf in there.items():
            assert got is not None
            array = _array(leaf, got)
            came = _whole(array) if array is not None else _text(leaf)
            yield Part(path, "nothing", came, "is not asked for")


def _beside(
    path: str, leaf: Node, expected: Record, found: Node | None, got: Record | None
) -> Part:
    right = _array(leaf, expected)
    if found is None or got is None:
        return Part(path, _text(leaf) if right is None else _whole(right), None)
    try:
        wrong = difference(leaf, expected.arrays, found, got.arrays)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
        wrong = "is not what a check records"
    came = _array(found, got)
    if right is None or came is None or right.numbers.shape != came.numbers.shape:
        return Part(
            path,
            _text(leaf) if right is None else _whole(right),
            _text(found) if came is None else _whole(came),
            wrong,
        )
    marked = _differs(right, came, leaf)
    where = tuple(np.argwhere(marked)[0].tolist()) if marked.any() else None
    none = np.zeros_like(marked)
    return Part(path, _shown(right, none, where), _shown(came, marked, where), wrong)


def _leaves(node: Node, name: str) -> Iterator[tuple[str, Node]]:
    kind = node.get("kind")
    if kind in ("tuple", "list") and not _is_plain(node):
        for place, each in enumerate(node["items"]):
            yield from _leaves(each, f"{name}[{place}]")
    elif kind == "dict":
        for key, each in node["items"].items():
            yield from _leaves(each, f"{name}[{key}]")
    else:
        yield name, node


def _is_plain(node: Node) -> bool:
    """Whether a sequence holds no tensor, so that it can be written in a line."""
    if node.get("kind") in ("tuple", "list"):
        return all(_is_plain(each) for each in node["items"])
    return node.get("kind") in ("int", "float", "bool", "str", "NoneType")


def _array(node: Node, record: Record) -> Array | None:
    if node.get("kind") not in ("tensor", "array"):
        return None
    return record.arrays.get(str(node.get("key")))


def _text(node: Node) -> str:
    kind = node.get("kind")
    if kind in ("tuple", "list"):
        inside = ", ".join(map(_text, node["items"]))
        text = f"({inside})" if kind == "tuple" else f"[{inside}]"
    elif kind == "other":
        text = f"an object of type {node.get('type')}"
    elif kind == "too large":
        text = f"too large to be recorded, of shape {node.get('shape')}"
    elif kind == "NoneType":
        text = "None"
    elif kind == "str":
        text = repr(node.get("value"))
    else:
        text = str(node.get("value"))
    if node.get("rule") == "at_most":
        text = f"at most {node['limit']:g}"
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."


def _whole(array: Array) -> Shown:
    return _shown(array, np.zeros(array.numbers.shape, bool), None)


def _shown(array: Array, marked: NDArray[np.bool_], where: tuple[int, ...] | None) -> Shown:
    """The matrix of a tensor in which `where` stands, or its first."""
    numbers = array.numbers
    kind = f"{array.dtype} {tuple(numbers.shape)}"
    if numbers.size == 0:
        return Shown(kind, numbers.reshape(0, 0), marked.reshape(0, 0))
    rows = numbers.reshape((1,) * (2 - numbers.ndim) + numbers.shape)
    signs = marked.reshape(rows.shape)
    place = (0,) * (rows.ndim - numbers.ndim) + (where or (0,) * numbers.ndim)
    at, (row, column) = place[:-2], place[-2:]
    row, column = _from(row, rows.shape[-2], MOST_ROWS), _from(column, rows.shape[-1], MOST_COLUMNS)
    window: Any = (*at, slice(row, row + MOST_ROWS), slice(column, column + MOST_COLUMNS))
    matrix = rows[window]
    return Shown(kind, matrix, signs[window], at, row, column, matrix.size == numbers.size)


def _from(place: int, size: int, most: int) -> int:
    """From where as many as can be shown hold the place."""
    return max(0, min(place - most // 2, size - most)) if size > most else 0


def _differs(right: Array, came: Array, leaf: Node) -> NDArray[np.bool_]:
    if right.numbers.dtype.kind != "f" or came.numbers.dtype.kind != "f":
        return np.asarray(right.numbers != came.numbers)
    wide, other = right.numbers.astype(np.float64), came.numbers.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    size = float(np.abs(finite).max(initial=0.0))
    near = float(leaf.get("tolerance", TOLERANCE.get(right.dtype, 0.0))) * size
    if leaf.get("rule") == "exactly":
        near = 0.0
    return ~np.isclose(wide, other, rtol=0.0, atol=near, equal_nan=True)

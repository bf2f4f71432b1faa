"""What builds on what, laid out: a place for each notebook, below all that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from workbook.studying.lesson import Lesson

ACROSS = 156  # what a box takes of its row
THIN = 34  # what a line that passes by a row takes of it
PASSING = ">"


def direct(books: Mapping[str, Lesson]) -> dict[str, tuple[str, ...]]:
    """The prerequisites of each, without those that another one already needs."""
    return {
        name: tuple(
            each
            for each in book.prerequisites
            if not any(
                each in everything_before(books, other)
                for other in book.prerequisites
                if other != each
            )
        )
        for name, book in books.items()
    }


def everything_before(books: Mapping[str, Lesson], name: str) -> set[str]:
    """All that a notebook stands on, directly or not."""
    found: set[str] = set()
    for each in books[name].prerequisites:
        found |= {each} | everything_before(books, each)
    return found


def depths(needs: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """In which row each stands: one below the lowest that it needs.

    Raises: ValueError, when notebooks need each other in a circle.
    """
    found: dict[str, int] = {}
    while len(found) < len(needs):
        ready = {
            name: 1 + max((found[each] for each in needed), default=-1)
            for name, needed in needs.items()
            if name not in found and all(each in found for each in needed)
        }
        if not ready:
            raise ValueError("notebooks need each other in a circle")
        found |= ready
    return found


def ways(needs: Mapping[str, tuple[str, ...]]) -> list[list[str]]:
    """For each line its two ends, and between them a place in each row that it passes."""
    depth = depths(needs)
    return [
        [
            each,
            *(f"{each}{PASSING}{name}@{row}" for row in range(depth[each] + 1, depth[name])),
            name,
        ]
        for name, needed in needs.items()
        for each in needed
    ]


def places(needs: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, tuple[float, int]], float]:
    """The middle and the row of each box and passing line, and how wide all of it is."""
    depth = depths(needs)
    above: dict[str, list[str]] = {name: [] for name in needs}
    for way in ways(needs):
        for before, after in pairwise(way):
            above.setdefault(after, []).append(before)
            depth.setdefault(after, int(after.rpartition("@")[2]) if PASSING in after else 0)
    found: dict[str, tuple[float, int]] = {}
    widest = 0.0
    for row in range(1 + max(depth.values())):
        members = [name for name in depth if depth[name] == row]
        wanted = {
            name: sum(found[each][0] for each in above[name]) / max(1, len(above[name]))
            for name in members
        }
        members.sort(key=lambda name: wanted[name])
        takes = [THIN if PASSING in name else ACROSS for name in members]
        x = -sum(takes) / 2
        for name, wide in zip(members, takes, strict=True):
            found[name] = (x + wide / 2, row)
            x += wide
        widest = max(widest, sum(takes))
    return found, widest

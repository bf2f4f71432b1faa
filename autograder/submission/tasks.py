"""Tasks, as nbgrader calls them: what a student puts below such a cell is what it is marked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbformat import NotebookNode

from autograder.course.assignment import nbgrader_of

OWN = "own-"  # how the ids of a student's own cells begin in a rebuilt notebook


def is_task(cell: Mapping[str, Any]) -> bool:
    """Whether this cell asks for whatever the student puts below it."""
    return bool(nbgrader_of(cell).get("task"))


def below(places: Sequence[int | None], book: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Which cells of a submission stand below a task, by position, and at which place that is.

    `places` has for each of the student's cells the index of the instructor's that it is, or None.
    """
    found: dict[int, int] = {}
    last: int | None = None
    for position, place in enumerate(places):
        if place is not None:
            last = place if is_task(book[place]) else None
        elif last is not None:
            found[position] = last
    return found


def work_for(task: NotebookNode, cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The student's cells of a rebuilt notebook that stand below a task."""
    start = next(index for index, cell in enumerate(cells) if cell is task) + 1
    found = []
    for cell in cells[start:]:
        if not _is_own(cell):
            break
        found.append(cell)
    return found


def is_own_text(cell: Mapping[str, Any]) -> bool:
    """Whether a cell of a rebuilt notebook is a text that a student put below a task."""
    return _is_own(cell) and cell["cell_type"] != "code"


def _is_own(cell: Mapping[str, Any]) -> bool:
    return not nbgrader_of(cell) and str(cell.get("id", "")).startswith(OWN)

"""A verdict as the gradebook takes it: made where the notebook ran, sent to its one writer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import nbformat
from nbformat import NotebookNode
from nbgrader import utils

from autograder.course.assignment import grade_id_of
from autograder.verdict.result import Graded

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GradebookEntry:
    """The verdict and what becomes of it in the gradebook and the autograded folder.

    `scores` by grade_id are what nbgrader reads out of the notebook: None where a person decides.
    `comments` are nbgrader's own. `notebook` is the text of the file, None where nothing ran.
    """

    graded: Graded
    notebook: str | None = None
    scores: Mapping[str, float | None] = field(default_factory=dict)
    comments: Mapping[str, str | None] = field(default_factory=dict)


def entry_of(graded: Graded) -> GradebookEntry:
    """What is to be recorded of a verdict, by nbgrader's own rules."""
    if graded.notebook is None:
        return GradebookEntry(graded)
    cells = graded.notebook.cells
    return GradebookEntry(
        replace(graded, notebook=None),
        # What nbformat.writes does after it has validated; the rebuilt notebook is well formed.
        nbformat.versions[4].writes_json(graded.notebook),
        {
            _name(cell): utils.determine_grade(cell, _log)[0]
            for cell in cells
            if utils.is_grade(cell)
        },
        {_name(cell): _comment(cell) for cell in cells if _can_be_commented(cell)},
    )


def _name(cell: NotebookNode) -> str:
    return grade_id_of(cell) or ""


def _can_be_commented(cell: NotebookNode) -> bool:
    return bool(utils.is_solution(cell) or utils.is_task(cell))


def _comment(cell: NotebookNode) -> str | None:
    """As nbgrader's SaveAutoGrades: an answer left as it was released is no response."""
    untouched = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
    return "No response." if untouched and not utils.is_task(cell) else None

"""A verdict as the gradebook takes it: made where the notebook ran, sent to its one writer."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import utils

from autograder.course.assignment import grade_id_of, is_test
from autograder.submission.handed_in import digest
from autograder.submission.tasks import work_for
from autograder.verdict.result import Graded

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GradebookEntry:
    """The verdict and what becomes of it in the gradebook and the autograded folder.

    `scores` by grade_id are what nbgrader reads out of the notebook: None where a person decides.
    `comments` are nbgrader's own. `notebook` is the text of the file, None where nothing ran.
    `answers` are digests of what the points of a cell are given for, by its grade_id.
    """

    graded: Graded
    notebook: str | None = None
    scores: Mapping[str, float | None] = field(default_factory=dict)
    comments: Mapping[str, str | None] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)


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
        answers_of(cells),
    )


def answers_of(cells: Sequence[NotebookNode]) -> dict[str, str]:
    """A digest of what the points of each graded cell are given for, by grade_id.

    A written answer is its own text and pictures, a task what stands below it; a test is of all
    code that is not a test.
    """
    code = digest({str(n): c.source.encode("utf-8", "replace") for n, c in enumerate(_code(cells))})
    return {
        _name(cell): code if is_test(cell) else _answer(cell, cells)
        for cell in cells
        if utils.is_grade(cell) or utils.is_task(cell)
    }


def answers_in(path: Path) -> dict[str, str]:
    """The same of an autograded notebook; nothing where there is none that can be read."""
    try:
        return answers_of(nbformat.read(path, as_version=4).cells)
    except Exception:  # of an older version, or not ours: as if there were none
        return {}


def _code(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    return [cell for cell in cells if cell.cell_type == "code" and not is_test(cell)]


def _answer(cell: NotebookNode, cells: Sequence[NotebookNode]) -> str:
    if not utils.is_task(cell):
        return digest(_content(cell))
    work = enumerate(work_for(cell, cells))
    return digest({f"{n} {part}": c for n, one in work for part, c in _content(one).items()})


def _content(cell: Mapping[str, Any]) -> dict[str, bytes]:
    pictures = json.dumps(cell.get("attachments") or {}, sort_keys=True)
    return {
        "text": cell["source"].encode("utf-8", "replace"),
        "pictures": pictures.encode("utf-8", "replace"),
    }


def _name(cell: NotebookNode) -> str:
    return grade_id_of(cell) or ""


def _can_be_commented(cell: NotebookNode) -> bool:
    return bool(utils.is_solution(cell) or utils.is_task(cell))


def _comment(cell: NotebookNode) -> str | None:
    """As nbgrader's SaveAutoGrades: an answer left as it was released is no response."""
    untouched = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
    return "No response." if untouched and not utils.is_task(cell) else None

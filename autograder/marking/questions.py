"""The written questions of an assignment: what is asked, the rubric and the model answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.course.assignment import RUBRIC, Assignment, grade_id_of, is_solution, nbgrader_of
from autograder.errors import CourseError
from autograder.submission.tasks import is_task

_REGION = re.compile(r"^[^\n]*(?:BEGIN|END) (?:MARK SCHEME|SOLUTION)[^\n]*\n?", re.M)


@dataclass(frozen=True)
class WrittenQuestion:
    """A question that a person marks; its texts are Markdown, with the pictures of their cells."""

    name: str
    asked: str
    rubric: str
    model: str
    asked_pictures: Mapping[str, Any] | None = None
    model_pictures: Mapping[str, Any] | None = None


def written_questions(assignment: Assignment) -> list[WrittenQuestion]:
    """The Markdown cells that students write and people mark, in the notebook's order.

    Raises: CourseError, when there are none.
    """
    found = []
    above: Mapping[str, Any] = {"source": ""}
    for cell in assignment.notebook.cells:
        if cell.cell_type != "markdown":
            continue
        if is_solution(cell) and nbgrader_of(cell).get("grade"):
            found.append(_question(grade_id_of(cell) or "", above, cell))
        above = cell
    if not found:
        cells = assignment.notebook.cells
        others = [str(grade_id_of(each)) for each in cells if is_task(each) or _is_code(each)]
        here = f"; {', '.join(others)} of it, code or a task, is marked in the formgrader"
        raise CourseError(
            f"{assignment.name} has no written question: that is a Markdown cell that is graded by "
            f"hand (in Create Assignment, Manually graded answer){here if others else ''}"
        )
    return found


def _is_code(cell: Mapping[str, Any]) -> bool:
    """Whether this is code that a person marks."""
    is_marked = is_solution(cell) and bool(nbgrader_of(cell).get("grade"))
    return is_marked and cell["cell_type"] == "code"


def _question(name: str, above: Mapping[str, Any], cell: Mapping[str, Any]) -> WrittenQuestion:
    # The rubric may stand below the question, as here, or in the answer's own cell, as in nbgrader.
    rubrics = [each for text in (above, cell) for each in RUBRIC.findall(text["source"])]
    return WrittenQuestion(
        name,
        RUBRIC.sub("", above["source"]).strip(),
        "\n\n".join(_REGION.sub("", each).strip() for each in rubrics),
        _REGION.sub("", RUBRIC.sub("", cell["source"])).strip(),
        above.get("attachments"),
        cell.get("attachments"),
    )

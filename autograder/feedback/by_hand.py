"""What a person marks, as the page shows it: written answers, code, and what is below a task."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from nbformat import NotebookNode

from autograder.course.assignment import RUBRIC, grade_id_of, is_solution, nbgrader_of
from autograder.feedback.markdown import rendered
from autograder.submission.tasks import is_task, work_for
from autograder.verdict.standing import GradebookStanding

WRITTEN, CODE, TASK = "written answer", "code that a person marks", "task"


@dataclass(frozen=True)
class Answer:
    """What a student gave that a person marks, what was asked, and what the one who marked it says.

    `score` is None where nobody marked it yet; `is_stale` where it changed after it was marked.
    """

    kind: str
    question: Markup
    text: Markup
    score: float | None
    points: float
    comment: str | None
    is_stale: bool = False


def answers(cells: Sequence[NotebookNode], standing: GradebookStanding | None) -> list[Answer]:
    """All of a graded notebook, in its order."""
    found = []
    question = ""
    for cell in cells:
        flags = nbgrader_of(cell)
        if is_task(cell):
            asked, text = cell.source, _shown(work_for(cell, cells))
            found.append(_answer(cell, TASK, asked, text, standing))
        elif is_solution(cell) and flags.get("grade"):
            kind = WRITTEN if cell.cell_type == "markdown" else CODE
            found.append(_answer(cell, kind, question, _shown([cell]), standing))
        if cell.cell_type == "markdown":
            question = cell.source
    return found


def _answer(
    cell: NotebookNode, kind: str, question: str, text: Markup, standing: GradebookStanding | None
) -> Answer:
    name, flags = grade_id_of(cell) or "", nbgrader_of(cell)
    is_marked = standing is not None and name not in standing.unmarked
    return Answer(
        kind,
        Markup(rendered(RUBRIC.sub("", question))),
        text,
        standing.points.get(name) if standing and is_marked else None,
        float(flags["points"]),
        flags.get("comment"),
        standing is not None and name in standing.mark_again,
    )


def _shown(cells: Sequence[NotebookNode]) -> Markup:
    return Markup(
        "\n".join(
            f'<pre tabindex="0"><code>{html.escape(cell.source)}</code></pre>'
            if cell.cell_type == "code"
            else rendered(cell.source, cell.get("attachments"), links=False)
            for cell in cells
        )
    )

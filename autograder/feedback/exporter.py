"""Makes the feedback page of one graded notebook, from the verdicts that were written into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbformat import NotebookNode
from traitlets import Unicode

from autograder.course.assignment import (
    RUBRIC,
    grade_id_of,
    headings,
    is_solution,
    is_test,
    nbgrader_of,
)
from autograder.feedback.by_hand import answers
from autograder.feedback.guide import Guide, guide_of
from autograder.feedback.markdown import rendered
from autograder.feedback.marks import Today, today
from autograder.feedback.templates import PAGE_STYLE, styles, templates
from autograder.feedback.words import Words, todays_words
from autograder.ordinary.outcome import was_ordinary
from autograder.verdict.present import VERDICT
from autograder.verdict.standing import GradebookStanding, cents

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Definition:
    """One definition on the page: its verdict, the student's text and where it is explained.

    `by_hand` are the points that a person gave in place of the verdict's, None where none did.
    """

    name: str
    verdict: Mapping[str, Any]
    source: str
    comment: str | None
    explained: str | None
    causes: Sequence[Mapping[str, Any]] = field(default=())
    by_hand: float | None = None

    @property
    def score(self) -> float:
        """The points that count."""
        return float(self.verdict["score"] if self.by_hand is None else self.by_hand)


class FeedbackExporter(Exporter):
    """One page that works offline, in print, on a phone and without scripts."""

    guide = Unicode(
        help="Where on the web students find the guide, if anywhere: pages then link to it."
    ).tag(config=True)

    def _file_extension_default(self) -> str:
        return ".html"

    output_mimetype = "text/html"

    def from_notebook_node(  # type: ignore[override]  # as every exporter of text
        self, nb: NotebookNode, resources: Any = None, **kw: Any
    ) -> tuple[str, Any]:
        """The page of a graded notebook; the gradebook's scores, where `resources` hold some."""
        preprocessed, resources = super().from_notebook_node(nb, resources, **kw)
        gradebook = resources.get("nbgrader", {})
        root = Path(str(self.config.CourseDirectory.get("root") or Path.cwd()))
        name = str(gradebook.get("assignment"))
        words, now = todays_words(root, name), today(gradebook, self.config)
        guide = guide_of(root / "release", name, self.guide)
        return page(preprocessed, gradebook, words, now, guide), resources


def page(
    notebook: NotebookNode,
    gradebook: Mapping[str, Any],
    words: Words | None = None,
    now: Today | None = None,
    guide: Guide | None = None,
) -> str:
    """The page as text. `gradebook` has `student`, and `now` the points that count.

    `words` of misconceptions, by id, are shown in place of those of the grading.
    """
    standing = None if now is None else now.standing
    is_plain = was_ordinary(notebook)
    definitions = _definitions(notebook.cells, words or {}, standing)
    given = answers(notebook.cells, standing)
    about = notebook.metadata.get("workbook", {})
    shown: str = _template().render(
        title=about.get("title") or gradebook.get("notebook") or "Your work",
        reason=about.get("reason"),
        notes=about.get("notes", ()),
        student=gradebook.get("student"),
        standing=standing,
        deadline="" if now is None else now.deadline,
        score=cents(sum(each.score for each in definitions)),
        max_score=sum(each.verdict["max_score"] for each in definitions),
        definitions=definitions,
        answers=given,
        waiting=sum(each.score is None for each in given),
        is_ordinary=is_plain,
        passages=_passages(notebook.cells, definitions),
        guide=guide,
    )
    return shown


@cache
def _template() -> Any:
    environment = templates(HERE)
    environment.globals["css"] = styles(PAGE_STYLE)
    return environment.get_template("page.html.j2")


def _definitions(
    cells: Sequence[NotebookNode], words: Words, standing: GradebookStanding | None
) -> list[Definition]:
    by_id = {name: cell for cell in cells if (name := grade_id_of(cell))}
    found = []
    nearest = None  # of an ordinary assignment, where no name says what a test is of
    for cell in cells:
        if cell.cell_type == "code" and is_solution(cell):
            nearest = cell
        if not is_test(cell) or VERDICT not in cell.metadata:
            continue
        verdict = cell.metadata[VERDICT]
        name = verdict["grade_id"].removeprefix("test-")
        named = by_id.get(name)
        solution = named if named is not None and is_solution(named) else nearest
        found.append(
            Definition(
                name,
                verdict,
                solution.source if solution else "",
                nbgrader_of(solution).get("comment") if solution else None,
                _text_above(cells, solution) if solution else None,
                [words.get(id, graded) for id, graded in verdict["misconceptions"].items()],
                standing.points[verdict["grade_id"]]
                if standing and verdict["grade_id"] in standing.by_hand
                else None,
            )
        )
    return found


def _text_above(cells: Sequence[NotebookNode], solution: NotebookNode) -> str | None:
    """The id of the Markdown cell with the heading under which a solution cell stands."""
    above = None
    for cell in cells:
        if cell is solution:
            return above
        if cell.cell_type == "markdown" and cell.source.lstrip().startswith("#"):
            above = cell.get("id")
    return None


def _passages(
    cells: Sequence[NotebookNode], definitions: Sequence[Definition]
) -> dict[str, Mapping[str, Any]]:
    """The parts of the notebook that the page sends its reader to, by the ids of their cells."""
    wanted = {
        name
        for each in definitions
        if each.verdict["score"] < each.verdict["max_score"]
        for name in (each.explained, *(cause["explained"] for cause in each.causes))
    }
    above = headings(cells)
    return {
        cell.id: {
            "heading": above[cell.id] or "the notebook's text",
            "body": Markup(rendered(RUBRIC.sub("", cell.source))),
        }
        for cell in cells
        if cell.get("id") in wanted and cell.cell_type == "markdown"
    }

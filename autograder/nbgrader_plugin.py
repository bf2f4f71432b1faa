"""The same grading behind nbgrader's own commands and the formgrader's buttons.

This module is the public surface of the grader: `__all__` is what an `nbgrader_config.py` may name,
in this course and in others. Whatever else moves, these names stay.

`SubmissionExporter` reads what was handed in once it is seen to be a file. `Rebuild`,
`ExecuteAndJudge`, `SaveGrades` and `WithoutHiddenTests` take the places of nbgrader's own
preprocessors, `FeedbackExporter` writes the page that a student gets, `CsvExport` the table of
`nbgrader export`, `LatePolicy` says what being late costs, and the filters `clean_html` and
`rendered` make safe what the formgrader shows.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from traitlets.config import Config

from autograder.course.assignment import (
    RUBRIC,
    grade_id_of,
    is_solution,
    is_test,
    nbgrader_of,
    without_hidden,
)
from autograder.course.course import CONFIG, Course
from autograder.errors import UnreadableError
from autograder.feedback import markdown
from autograder.feedback.exporter import FeedbackExporter
from autograder.gradebook.behind_nbgrader import correct_time, marks_kept
from autograder.gradebook.export import CsvExport
from autograder.gradebook.late_policy import LatePolicy
from autograder.grading.grade import Key, execute_and_judge
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess
from autograder.submission.cells import read_cells
from autograder.submission.handed_in import HandedIn, plain_files, read_alone
from autograder.submission.recognise import other_than
from autograder.verdict.present import clean_html

__all__ = [
    "CsvExport",
    "ExecuteAndJudge",
    "FeedbackExporter",
    "LatePolicy",
    "Rebuild",
    "SaveGrades",
    "SubmissionExporter",
    "WithoutHiddenTests",
    "clean_html",
    "rendered",
]

Resources = dict[str, Any]


@pass_context
def rendered(context: Context, text: str) -> str:
    """The HTML of a Markdown cell with its pictures, as the formgrader shows it.

    Links are followed from what is surely the instructor's only.
    """
    cell = context.get("cell", {})
    is_theirs = bool(nbgrader_of(cell).get("locked")) and not is_solution(cell)
    return markdown.rendered(text, cell.get("attachments"), is_theirs)


@lru_cache(maxsize=32)
def _answer_key(root: Path, name: str, changed: int) -> Key:
    """The key of an assignment, kept in a process: one reference for all submissions.

    `changed` makes it anew in a server that runs on while the course is edited.
    """
    course = _course(root, changed)
    return answer_keys(course, course.chosen([name]), ThisProcess(), Seeds())[name]


@lru_cache(maxsize=2)
def _course(root: Path, changed: int) -> Course:
    return Course(root)


def _last_change(root: Path) -> int:
    files = [root / CONFIG, *root.glob("source/*/*"), *root.glob("solutions/**/*.*")]
    return max((file.stat().st_mtime_ns for file in files if file.is_file()), default=0)


def _root(config: Config) -> Path:
    return Path(str(config.CourseDirectory.get("root") or Path.cwd()))


def _key_of(config: Config, resources: Resources) -> Key:
    root = _root(config)
    return _answer_key(root, resources["nbgrader"]["assignment"], _last_change(root))


class SubmissionExporter(NotebookExporter):
    """nbgrader's own, which would follow links and wait for pipes to be written to."""

    def from_filename(  # type: ignore[override]  # as every exporter of notebooks
        self, filename: str, resources: Any = None, **kw: Any
    ) -> tuple[str, Any]:
        """The converted notebook of a file.

        Raises: UnreadableError, where it is no file, or a link lies beside it.
        """
        read_alone(Path(filename))
        done: tuple[Any, Any] = super().from_filename(filename, resources, **kw)
        return done


class Rebuild(NbGraderPreprocessor):  # type: ignore[misc]
    """Pours the submission into a fresh copy of the instructor's notebook."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Return the rebuilt notebook.

        Raises: UnreadableError, where it is of another assignment, or a link.
        """
        if folder := resources.get("metadata", {}).get("path"):
            read_alone(Path(folder, f"{resources['nbgrader']['notebook']}.ipynb"))
        key = _key_of(self.config, resources)
        root, student = _root(self.config), resources["nbgrader"]["student"]
        cells = read_cells(nb, "the notebook")
        course = _course(root, _last_change(root))
        if problem := other_than(course, key.assignment, cells, student):
            raise UnreadableError(problem)
        return key.rebuilder.rebuild(cells), resources


class ExecuteAndJudge(NbGraderPreprocessor):  # type: ignore[misc]
    """Runs the rebuilt notebook in the sandbox and writes the judge's verdicts into it."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Return the judged notebook."""
        folder = Path(resources["metadata"]["path"])
        handed_in = HandedIn(str(folder), None, files=plain_files(folder))
        if problem := correct_time(self.config, resources["nbgrader"], folder):
            self.log.error("%s needs attention: %s", folder, problem)
        graded = execute_and_judge(_key_of(self.config, resources), nb, handed_in)
        if graded.reason:
            self.log.error("%s needs attention: %s", folder, graded.reason)
        assert graded.notebook is not None
        return graded.notebook, resources


class SaveGrades(SaveAutoGrades):  # type: ignore[misc]
    """nbgrader's own, but what was marked is to be marked again only where its answer changed."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Write what the autograder found into the gradebook."""
        with marks_kept(resources["nbgrader"], nb.cells):
            done: tuple[NotebookNode, Resources] = super().preprocess(nb, resources)
        return done


class WithoutHiddenTests(NbGraderPreprocessor):  # type: ignore[misc]
    """Leaves in a feedback page what a student may see: verdicts, never a hidden test.

    What student code printed while it was graded goes too: it could read the tests by then.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, index: int
    ) -> tuple[NotebookNode, Resources]:
        """Return the cell without hidden tests, mark schemes and printed output."""
        if not is_solution(cell) and grade_id_of(cell):
            cell.source = RUBRIC.sub("", without_hidden(cell.source))
        if cell.cell_type == "code" and not is_test(cell):
            cell.outputs = []
        return cell, resources

"""The same grading behind nbgrader's own commands and the formgrader's buttons.

`nbgrader_config.py` names these classes; they take the places of nbgrader's own preprocessors.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.config import Config

from autograder.assignment import (
    RUBRIC,
    Assignment,
    grade_id_of,
    is_solution,
    is_test,
    without_hidden,
)
from autograder.course import CONFIG, Course
from autograder.grade import Grader
from autograder.rebuild import read_cells

Resources = dict[str, Any]


@lru_cache(maxsize=1)
def _course(root: Path, changed: int) -> tuple[Course, Grader]:
    """The course and its grader, kept in a process: one run, one seed, one reference.

    `changed` makes them anew in a server that runs on while the course is edited.
    """
    course = Course(root)
    return course, Grader(course.solutions, secrets.randbelow(2**31), config=course.config)


def _last_change(root: Path) -> int:
    files = [root / CONFIG, *root.glob("source/*/*"), *root.glob("solutions/**/*.py")]
    return max((file.stat().st_mtime_ns for file in files if file.is_file()), default=0)


def _found(config: Config, resources: Resources) -> tuple[Assignment, Grader]:
    root = Path(str(config.CourseDirectory.get("root") or Path.cwd()))
    course, grader = _course(root, _last_change(root))
    return course.chosen([resources["nbgrader"]["assignment"]])[0], grader


class Rebuild(NbGraderPreprocessor):  # type: ignore[misc]
    """Pours the submission into a fresh copy of the instructor's notebook."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Return the rebuilt notebook."""
        assignment, grader = _found(self.config, resources)
        return grader.rebuild(assignment, read_cells(nb, "the notebook")), resources


class ExecuteAndJudge(NbGraderPreprocessor):  # type: ignore[misc]
    """Runs the rebuilt notebook in the sandbox and writes the judge's verdicts into it."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Return the judged notebook."""
        assignment, grader = _found(self.config, resources)
        folder = Path(resources["metadata"]["path"])
        graded = grader.run(assignment, nb, folder / f"{assignment.name}.ipynb", handed_in=folder)
        if graded.reason:
            self.log.error("%s needs attention: %s", folder, graded.reason)
        assert graded.notebook is not None
        return graded.notebook, resources


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

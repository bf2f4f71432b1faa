"""Writes verdicts into nbgrader's gradebook and its autograded folder; one writer at a time."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import nbformat
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    SaveAutoGrades,
    SaveCells,
)
from nbgrader.utils import parse_utc
from sqlalchemy.exc import SQLAlchemyError

from autograder.assignment import Assignment, CourseError
from autograder.course import Course, Submission
from autograder.handed_in import copy_files
from autograder.result import Graded

# The steps of nbgrader's generate_assignment up to the one that writes the gradebook.
REGISTERING = (
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
)
# In the metadata of an autograded notebook: the digest of the file that was graded.
MARK = "graded_sha256"
MAX_TIMESTAMP_BYTES = 1_024


@contextmanager
def _gradebook_errors(url: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, InvalidEntry) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise CourseError(f"the gradebook {url} cannot be used: {reason}") from error


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def submitted_at(folder: Path) -> datetime | None:
    """The time in `timestamp.txt`, or None: students write that file, so it may be anything."""
    path = folder / "timestamp.txt"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_TIMESTAMP_BYTES:
        return None
    try:
        return cast("datetime | None", parse_utc(path.read_text(encoding="utf-8").strip()))
    except (ValueError, OverflowError, OSError):
        return None


class Recorder:
    """The one writer of a grading run."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._db_url = course.directory.db_url
        self._registered: set[str] = set()

    def register(self, assignment: Assignment) -> None:
        """Make the gradebook know the assignment as `source/` has it today.

        Raises: CourseError, when cells came or went after work was handed in, or the gradebook
        cannot be used.
        """
        if assignment.name in self._registered:
            return
        notebook = copy.deepcopy(assignment.notebook)
        resources = self._resources(assignment.name)
        try:
            with _gradebook_errors(self._db_url):
                with Gradebook(self._db_url, self._course.directory.course_id) as gradebook:
                    gradebook.update_or_create_assignment(assignment.name)
                for step in REGISTERING:
                    notebook, resources = step(config=self._course.config).preprocess(
                        notebook, resources
                    )
        except RuntimeError as error:
            raise CourseError(f"the gradebook refuses {assignment.name}: {error}") from error
        self._registered.add(assignment.name)

    def record(self, submission: Submission, graded: Graded) -> None:
        """Write one verdict: the scores, then the autograded notebook.

        In this order, because the notebook is what says that a submission was graded.

        Raises: CourseError, when the gradebook cannot be written.
        """
        self.register(submission.assignment)
        with _gradebook_errors(self._db_url):
            self._write_scores(submission, graded)
        self._write_files(submission, graded)

    def is_recorded(self, submission: Submission) -> bool:
        """Whether this very file was graded before, to its end."""
        try:
            text = (self._folder(submission) / submission.path.name).read_text(encoding="utf-8")
            return bool(json.loads(text)["metadata"][MARK] == _digest(submission.path))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _write_scores(self, submission: Submission, graded: Graded) -> None:
        name = submission.assignment.name
        with Gradebook(self._db_url, self._course.directory.course_id) as gradebook:
            gradebook.update_or_create_student(submission.student)
            timestamp = submitted_at(submission.folder)
            given: dict[str, datetime] = {"timestamp": timestamp} if timestamp else {}
            gradebook.update_or_create_submission(name, submission.student, **given)
            if graded.notebook is None:
                self._needs_attention(gradebook, submission)
                return
        resources = self._resources(name, submission.student)
        for step in (SaveAutoGrades, AssignLatePenalties):
            step(config=self._course.config).preprocess(graded.notebook, resources)

    def _needs_attention(self, gradebook: Gradebook, submission: Submission) -> None:
        """Leave no earlier score standing where nothing could be graded this time."""
        try:
            notebook = gradebook.find_submission_notebook(
                submission.assignment.name, submission.assignment.name, submission.student
            )
        except MissingEntry:
            return
        for grade in notebook.grades:
            grade.auto_score = None
            grade.needs_manual_grade = True
        gradebook.db.commit()

    def _resources(self, assignment: str, student: str = "") -> dict[str, Any]:
        return {
            "nbgrader": {
                "notebook": assignment,
                "assignment": assignment,
                "student": student,
                "db_url": self._db_url,
            }
        }

    def _folder(self, submission: Submission) -> Path:
        return self._course.folder("autograded", submission.student, submission.assignment.name)

    def _write_files(self, submission: Submission, graded: Graded) -> None:
        """Replace the autograded folder as a whole, so that no half of one is ever seen."""
        folder = self._folder(submission)
        if graded.notebook is None:
            shutil.rmtree(folder, ignore_errors=True)
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        try:
            copy_files(submission.folder, new)
            notebook = new / submission.path.name
            if graded.reason is None:
                graded.notebook.metadata[MARK] = _digest(submission.path)
            nbformat.write(graded.notebook, notebook)
            notebook.chmod(0o444)
            new.chmod(0o755)
            if folder.exists():
                old = Path(tempfile.mkdtemp(prefix=".old-", dir=folder.parent))
                os.replace(folder, old / folder.name)
                try:
                    os.replace(new, folder)
                except OSError:
                    os.replace(old / folder.name, folder)
                    raise
                shutil.rmtree(old)
            else:
                os.replace(new, folder)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise

"""Writes verdicts into nbgrader's gradebook and its autograded folder; the one writer of a run."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, cast

from nbgrader.api import Comment, Grade, Gradebook, InvalidEntry, SubmittedNotebook
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    SaveCells,
)
from nbgrader.utils import parse_utc
from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from autograder.course.assignment import Assignment
from autograder.course.course import CONFIG, Course, Submission
from autograder.errors import CourseError
from autograder.gradebook.autograded import remove_folder, remove_leftovers, replace_folder
from autograder.gradebook.create import create
from autograder.gradebook.entry import GradebookEntry
from autograder.gradebook.graded_digests import (
    create_digests,
    gradebook_errors,
    write_digest,
)
from autograder.gradebook.one_writer import OneWriter
from autograder.submission.handed_in import HandedIn

# The steps of nbgrader's generate_assignment up to the one that writes the gradebook.
REGISTERING = (
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
)
MAX_TIMESTAMP_BYTES = 1_024


def submitted_at(files: Mapping[str, bytes]) -> datetime | None:
    """The time in `timestamp.txt`, or None: students write that file, so it may be anything."""
    content = files.get("timestamp.txt", b"")
    if not content or len(content) > MAX_TIMESTAMP_BYTES:
        return None
    try:
        return cast("datetime | None", parse_utc(content.decode("utf-8").strip()))
    except (ValueError, OverflowError):
        return None


class Recorder:
    """The one writer of a grading run; a context, in which the gradebook is open.

    Raises: CourseError, when the gradebook cannot be used.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._url = course.db_url
        self._penalties = _penalties(course)
        self._registered: set[str] = set()
        self._opened = ExitStack()

    def __enter__(self) -> Recorder:
        with gradebook_errors(self._url), ExitStack() as opened:
            self._one_writer = opened.enter_context(OneWriter(self._url))
            with self._one_writer.writing():
                create(self._url, self._course.course_id, self._course.is_shared)
                self._gradebook = Gradebook(self._url, self._course.course_id)
                opened.callback(self._gradebook.close)
                create_digests(self._gradebook.engine)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def register(self, assignment: Assignment) -> None:
        """Make the gradebook know the assignment as `source/` has it today.

        Raises: CourseError, when cells came or went after work was handed in, or the gradebook
        cannot be used.
        """
        notebook = copy.deepcopy(assignment.notebook)
        resources: dict[str, Any] = {
            "nbgrader": {
                "notebook": assignment.name,
                "assignment": assignment.name,
                "student": "",
                "db_url": self._url,
            }
        }
        try:
            with gradebook_errors(self._url), self._one_writer.writing():
                self._gradebook.update_or_create_assignment(assignment.name)
                for step in REGISTERING:
                    notebook, resources = step(config=self._course.config).preprocess(
                        notebook, resources
                    )
        except RuntimeError as error:
            raise CourseError(f"the gradebook refuses {assignment.name}: {error}") from error
        self._registered.add(assignment.name)

    def record(
        self, submission: Submission, handed_in: HandedIn, entry: GradebookEntry, digest: str
    ) -> None:
        """Write one verdict: the autograded folder and the scores, in one transaction.

        `digest` is of what was graded; it is kept where that came to its end. The folder is in its
        place before the scores count, so a run that is killed between the two grades this
        submission again.

        Raises: CourseError, when the gradebook cannot be written; OSError, when the folder cannot.
        """
        name, student = submission.assignment.name, submission.student
        if name not in self._registered:
            self.register(submission.assignment)
        folder = self._course.folder("autograded", student, name)
        with gradebook_errors(self._url), self._transaction() as gradebook:
            gradebook.update_or_create_student(student)
            timestamp = submitted_at(handed_in.files)
            given: dict[str, datetime] = {"timestamp": timestamp} if timestamp else {}
            gradebook.update_or_create_submission(name, student, **given)
            self._write_scores(gradebook, submission, entry)
            done = entry.graded.reason is None
            write_digest(gradebook.db, student, name, digest if done else None)
            remove_leftovers(folder.parent)
            if entry.notebook is None:
                remove_folder(folder)
            else:
                shared = self._course.is_shared
                replace_folder(folder, f"{name}.ipynb", entry.notebook, handed_in.files, shared)

    def _write_scores(
        self, gradebook: Gradebook, submission: Submission, entry: GradebookEntry
    ) -> None:
        """As nbgrader's SaveAutoGrades and AssignLatePenalties, which open a gradebook each."""
        name, student = submission.assignment.name, submission.student
        notebook = gradebook.find_submission_notebook(name, name, student)
        for grade_id, grade in _by_cell(gradebook, notebook, Grade):
            # Where nothing could be graded this time, no earlier score is left standing.
            grade.auto_score = entry.scores.get(grade_id)
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        for grade_id, comment in _by_cell(gradebook, notebook, Comment):
            comment.auto_comment = entry.comments.get(grade_id)
        notebook.late_submission_penalty = None
        gradebook.db.flush()
        late = notebook.assignment.total_seconds_late
        if late > 0 and entry.notebook is not None:
            gradebook.db.refresh(notebook)
            plugin = self._penalties.plugin_inst
            penalty = plugin.late_submission_penalty(student, notebook.score, late)
            if penalty is not None:
                penalty = self._penalties._check_late_penalty(notebook, penalty)
                notebook.late_submission_penalty = penalty

    @contextmanager
    def _transaction(self) -> Iterator[Gradebook]:
        """The gradebook, with all its changes written at once at the end, or none."""
        with self._one_writer.writing():
            yield from self._whole_or_nothing()

    def _whole_or_nothing(self) -> Iterator[Gradebook]:
        session = self._gradebook.db
        commit = session.commit
        session.commit = session.flush  # nbgrader's API commits after each of its steps
        try:
            yield self._gradebook
            commit()
        except InvalidEntry as error:  # nbgrader's word for whatever the database says
            session.rollback()
            raise error.__context__ or error from error
        except BaseException:
            session.rollback()
            raise
        finally:
            session.commit = commit
            session.expunge_all()  # what was written is not needed again; memory stays level


def _by_cell(gradebook: Gradebook, notebook: SubmittedNotebook, kind: Any) -> list[tuple[str, Any]]:
    """A notebook's grades or comments with the grade_ids of their cells, read at once."""
    wanted = select(kind).where(kind.notebook_id == notebook.id).join(kind.cell)
    found = gradebook.db.scalars(wanted.options(contains_eager(kind.cell)))
    return [(each.cell.name, each) for each in found]


def _penalties(course: Course) -> AssignLatePenalties:
    """nbgrader's preprocessor, with the plugin that the configuration names.

    Raises: CourseError, when the plugin cannot be used.
    """
    try:
        penalties = AssignLatePenalties(config=course.config)
        penalties.init_plugin()
    except Exception as error:
        named = course.config.AssignLatePenalties.get("plugin_class")
        raise CourseError(
            f"{course.root / CONFIG} names the late plugin {named!r}, which cannot be used "
            f"({type(error).__name__}: {error}); it is expected in a module beside that file, or "
            "installed"
        ) from error
    return penalties

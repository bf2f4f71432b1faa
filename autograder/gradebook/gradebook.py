"""Writes verdicts into nbgrader's gradebook and its autograded folder; the one writer of a run."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any

from nbgrader.api import Gradebook, InvalidEntry
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    SaveCells,
)

from autograder.course.assignment import Assignment
from autograder.course.course import Course, Submission
from autograder.errors import CourseError
from autograder.gradebook.autograded import remove_folder, remove_leftovers, replace_folder
from autograder.gradebook.create import create
from autograder.gradebook.entry import GradebookEntry, answers_in
from autograder.gradebook.gradings import (
    Grading,
    create_gradings,
    gradebook_errors,
    read_grading,
    write_grading,
)
from autograder.gradebook.one_writer import OneWriter
from autograder.gradebook.penalties import Penalties, clock_of
from autograder.gradebook.same_cells import prove_same_cells
from autograder.gradebook.scores import standing_of, write_comments, write_scores
from autograder.submission.handed_in import HandedIn
from autograder.submission.submitted_at import submitted_at
from autograder.verdict.result import Graded
from autograder.verdict.standing import GradebookStanding

# The steps of nbgrader's generate_assignment up to the one that writes the gradebook.
REGISTERING = (
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
)


class Recorder:
    """The one writer of a grading run; a context, in which the gradebook is open.

    Raises: CourseError, when the gradebook cannot be used.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._url = course.db_url
        self._penalties = Penalties(course.config)
        self._registered: set[str] = set()
        self._opened = ExitStack()

    def __enter__(self) -> Recorder:
        with gradebook_errors(self._url), ExitStack() as opened:
            self._one_writer = opened.enter_context(OneWriter(self._url))
            with self._one_writer.writing():
                create(self._url, self._course.course_id, self._course.is_shared)
                self._gradebook = Gradebook(self._url, self._course.course_id)
                opened.callback(self._gradebook.close)
                create_gradings(self._gradebook.engine)
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

        Raises: CellsChangedError, when cells came or went after work was handed in; CourseError,
        when the gradebook cannot be used.
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
                prove_same_cells(self._gradebook, assignment)
                self._gradebook.update_or_create_assignment(assignment.name)
                for step in REGISTERING:
                    notebook, resources = step(config=self._course.config).preprocess(
                        notebook, resources
                    )
        except RuntimeError as error:
            raise CourseError(f"the gradebook refuses {assignment.name}: {error}") from error
        self._registered.add(assignment.name)

    def record(
        self,
        submission: Submission,
        handed_in: HandedIn,
        entry: GradebookEntry,
        parts: Mapping[str, str],
    ) -> Graded:
        """Write one verdict: the autograded folder and the scores, in one transaction.

        `parts` are digests of what was graded; they are kept where that came to its end. The folder
        is in its place before the scores count, so a run that is killed between the two grades this
        submission again. Returns the verdict with how it stands then.

        Raises: CourseError, when the gradebook cannot be written; OSError, when the folder cannot.
        """
        name, student = submission.assignment.name, submission.student
        if name not in self._registered:
            self.register(submission.assignment)
        folder = self._course.folder("autograded", student, name)
        answers = entry.answers if entry.notebook is not None else None
        at = submitted_at(handed_in.timestamp, clock_of(self._course.config))
        with gradebook_errors(self._url), self._transaction() as gradebook:
            gradebook.update_or_create_student(student)
            # Also where it is not known: what was handed in before says nothing of this work.
            gradebook.update_or_create_submission(name, student, timestamp=at.time)
            notebook = gradebook.find_submission_notebook(name, name, student)
            before = read_grading(gradebook.db, student, name) or Grading(
                answers=answers_in(folder / f"{name}.ipynb")
            )
            again = write_scores(gradebook, notebook, entry.scores, answers, before)
            write_comments(gradebook, notebook, entry.comments)
            self._penalties.write(gradebook, notebook)
            graded = _settled(entry.graded, standing_of(gradebook, notebook, at.problem))
            grading = Grading(
                parts if graded.reason is None else {}, {**before.answers, **entry.answers}, again
            )
            write_grading(gradebook.db, student, name, grading)
            remove_leftovers(folder.parent)
            if entry.notebook is None:
                remove_folder(folder)
            else:
                shared = self._course.is_shared
                replace_folder(folder, f"{name}.ipynb", entry.notebook, handed_in.files, shared)
        return graded

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


def _settled(graded: Graded, standing: GradebookStanding) -> Graded:
    """The verdict with its standing; a person is asked where nobody can say whether it is late."""
    reason = graded.reason
    if reason is None and standing.time_problem and standing.seconds_late is None:
        reason = f"nobody can say whether it is late: {standing.time_problem}"
    return replace(graded, standing=standing, reason=reason)

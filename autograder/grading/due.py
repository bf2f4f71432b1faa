"""Which submissions there is something to do for: those that changed since they were graded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from autograder.course.course import Course, Submission
from autograder.gradebook.marks import Marks, read_marks, reading
from autograder.reference.fingerprint import fingerprint
from autograder.reference.package import package_of
from autograder.submission.handed_in import HandedIn, digest, read_handed_in

_DATES = text("SELECT name, duedate FROM assignment WHERE duedate IS NOT NULL")


@dataclass(frozen=True)
class Due:
    """A submission that is to be graded, and the fingerprint of what it is graded by.

    `date` is until when it had to be handed in, on which the penalty depends.
    """

    submission: Submission
    fingerprint: str
    date: str

    def read(self) -> HandedIn:
        """What was handed in, as it is on the disk now."""
        submission = self.submission
        if submission.is_link:
            problem = "its folder is a link to another place, not work that was handed in"
            return HandedIn(submission.name, submission.student, problem=problem)
        return read_handed_in(
            submission.path, submission.name, submission.student, submission.folder
        )

    def mark(self, handed_in: HandedIn) -> str:
        """The digest of all that the verdict depends on."""
        parts = {"work": handed_in.digest, "by": self.fingerprint, "until": self.date}
        return digest({name: part.encode() for name, part in parts.items()})


def due(course: Course, submissions: Sequence[Submission], force: bool) -> list[Due]:
    """The submissions that were not graded to their end as they are now, or all of them.

    Raises: CourseError, when the gradebook cannot be used.
    """
    by = {
        assignment.name: fingerprint(course, assignment, package_of(course, assignment))
        for assignment in {submission.assignment for submission in submissions}
    }
    until = _dates(course.db_url)
    each = [
        Due(one, by[one.assignment.name], until.get(one.assignment.name, "")) for one in submissions
    ]
    if force:
        return each
    marks = read_marks(course.db_url)
    return [one for one in each if not _is_graded(course, one, marks)]


def _dates(url: str) -> dict[str, str]:
    """By assignment, until when it has to be handed in, where that is set."""
    with reading(url, "assignment") as gradebook:
        rows = gradebook.execute(_DATES) if gradebook else ()
        return {name: str(date) for name, date in rows}


def _is_graded(course: Course, one: Due, marks: Marks) -> bool:
    student, name = one.submission.student, one.submission.assignment.name
    mark = marks.get((student, name))
    autograded = course.folder("autograded", student, name) / f"{name}.ipynb"
    return mark is not None and autograded.is_file() and mark == one.mark(one.read())

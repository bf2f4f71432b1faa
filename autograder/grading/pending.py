"""Which submissions there is something to do for: those that changed since they were graded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from autograder.course.assignment import Assignment
from autograder.course.course import Course, Submission
from autograder.gradebook.graded_digests import read_digests, reading
from autograder.reference.fingerprint import fingerprint
from autograder.reference.package import package_of
from autograder.submission.handed_in import HandedIn, digest, read_handed_in

_DEADLINES = text("SELECT name, duedate FROM assignment WHERE duedate IS NOT NULL")


@dataclass(frozen=True)
class Pending:
    """A submission that is to be graded, and the fingerprint of what it is graded by.

    `deadline` is until when it had to be handed in, on which the penalty depends; empty without.
    """

    submission: Submission
    fingerprint: str
    deadline: str

    @property
    def name(self) -> str:
        """What results call it."""
        return self.submission.name

    @property
    def assignment(self) -> Assignment:
        """What it is graded as."""
        return self.submission.assignment

    def read(self) -> HandedIn:
        """What was handed in, as it is on the disk now."""
        submission = self.submission
        if submission.is_link:
            problem = "its folder is a link to another place, not work that was handed in"
            return HandedIn(submission.name, submission.student, problem=problem)
        return read_handed_in(
            submission.path, submission.name, submission.student, submission.folder
        )

    def digest(self, handed_in: HandedIn) -> str:
        """The digest of all that the verdict depends on."""
        parts = {"work": handed_in.digest, "by": self.fingerprint, "until": self.deadline}
        return digest({name: part.encode() for name, part in parts.items()})


def pending(course: Course, submissions: Sequence[Submission], force: bool) -> list[Pending]:
    """The submissions that were not graded to their end as they are now, or all of them.

    Raises: CourseError, when the gradebook cannot be used.
    """
    fingerprints = {
        assignment.name: fingerprint(course, assignment, package_of(course, assignment))
        for assignment in {submission.assignment for submission in submissions}
    }
    deadlines = _deadlines(course.db_url)
    each = [
        Pending(one, fingerprints[one.assignment.name], deadlines.get(one.assignment.name, ""))
        for one in submissions
    ]
    if force:
        return each
    graded = read_digests(course.db_url)
    return [one for one in each if not _is_graded(course, one, graded)]


def _deadlines(url: str) -> dict[str, str]:
    """By assignment, until when it has to be handed in, where that is set."""
    with reading(url, "assignment") as gradebook:
        rows = gradebook.execute(_DEADLINES) if gradebook else ()
        return {name: str(deadline) for name, deadline in rows}


def _is_graded(course: Course, one: Pending, graded: Mapping[tuple[str, str], str]) -> bool:
    student, name = one.submission.student, one.assignment.name
    known = graded.get((student, name))
    autograded = course.folder("autograded", student, name) / f"{name}.ipynb"
    return known is not None and autograded.is_file() and known == one.digest(one.read())

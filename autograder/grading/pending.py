"""Which submissions there is something to do for: those that changed since they were graded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import text

from autograder.course.assignment import Assignment
from autograder.course.course import Course, Submission
from autograder.gradebook.gradings import read_parts, reading
from autograder.reference.fingerprint import parts
from autograder.reference.package import package_of
from autograder.submission.handed_in import HandedIn, read_handed_in

_DEADLINES = text(
    "SELECT a.name, s.student_id, a.duedate, s.extension FROM assignment a "
    "LEFT JOIN submitted_assignment s ON s.assignment_id = a.id WHERE a.duedate IS NOT NULL"
)
_LATE = text(
    "SELECT 1 FROM assignment a JOIN submitted_assignment s ON s.assignment_id = a.id "
    "WHERE s.timestamp > a.duedate LIMIT 1"
)
SHOWN = 3  # of those graded again for the same reason, so many are named
FORCED = "it was asked for by --force"
UNKNOWN = "the gradebook has no record that it was graded to its end"
# Why a submission is graded again, by what it depends on.
CHANGED = {
    "work": "what was handed in changed",
    "source": "the assignment's source or solution changed",
    "settings": "nbgrader_config.py or the late plugin changed",
    "grader": "the grader, or a package that it stands on, changed",
    "deadline": "the due date or an extension changed",
}


@dataclass(frozen=True)
class Pending:
    """A submission that is to be graded, and the digests of what it is graded by.

    `deadline` is until when it had to be handed in, on which the penalty depends; empty without.
    `why` says why it is graded again; empty for what is new.
    """

    submission: Submission
    by: Mapping[str, str]
    deadline: str
    why: str = ""

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

    def parts(self, handed_in: HandedIn) -> dict[str, str]:
        """Digests of all that the verdict depends on."""
        return {"work": handed_in.digest, **self.by, "deadline": self.deadline}


def pending(course: Course, submissions: Sequence[Submission], force: bool) -> list[Pending]:
    """The submissions that were not graded to their end as they are now, or all of them.

    Raises: CourseError, when the gradebook cannot be used.
    """
    by = {
        assignment.name: parts(course, assignment, package_of(course, assignment))
        for assignment in {submission.assignment for submission in submissions}
    }
    deadlines = _deadlines(course.db_url)
    graded = read_parts(course.db_url)
    due = []
    for each in submissions:
        name = each.assignment.name
        deadline = deadlines.get((name, each.student), deadlines.get((name, None), ""))
        one = Pending(each, by[name], deadline)
        known = graded.get((each.student, name))
        why = _why(course, one, known, force)
        if why is not None:
            due.append(replace(one, why=why))
    return due


def reasons(due: Sequence[Pending]) -> list[str]:
    """Why submissions are to be graded again: a line for each reason, with how many and who.

    It is said before anything is graded, and a run may still stop.
    """
    from autograder.grading.table import printable  # late, as it takes long

    again: dict[str, list[str]] = {}
    for one in due:
        if one.why:
            again.setdefault(one.why, []).append(printable(one.submission.student))
    return [
        f"{len(names)} to be graded again "
        f"({', '.join(names[:SHOWN])}{', ...' * (len(names) > SHOWN)}): {why}."
        for why, names in again.items()
    ]


def some_are_late(url: str) -> bool:
    """Whether anything was handed in after it was due, extensions left aside.

    Raises: CourseError, when the gradebook cannot be used.
    """
    with reading(url, "submitted_assignment") as gradebook:
        return gradebook is not None and gradebook.execute(_LATE).first() is not None


def _deadlines(url: str) -> dict[tuple[str, str | None], str]:
    """Until when work has to be handed in, by assignment and student, where that is set."""
    with reading(url, "assignment") as gradebook:
        rows = gradebook.execute(_DEADLINES) if gradebook else ()
        found: dict[tuple[str, str | None], str] = {}
        for name, student, until, extension in rows:
            found[name, None] = str(until)
            found[name, student] = str(until) if extension is None else f"{until} and {extension}"
        return found


def _why(course: Course, one: Pending, known: Mapping[str, str] | None, force: bool) -> str | None:
    """Why it is graded again, empty where it is new, None where it is left as it is."""
    name = one.assignment.name
    autograded = course.folder("autograded", one.submission.student, name) / f"{name}.ipynb"
    is_there = autograded.is_file()
    if known is None and not is_there:
        return ""
    if force:
        return FORCED
    if not known:
        return UNKNOWN
    if not is_there:
        return "its autograded notebook is gone"
    now = one.parts(one.read())
    changed = [words for part, words in CHANGED.items() if known.get(part) != now[part]]
    return ", and ".join(changed) or None

"""One check of one graded submission, found by what a person calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from autograder.course.course import Course, Submission
from autograder.errors import CourseError
from autograder.gradebook.gradings import SEED, read_parts
from autograder.grading.pending import Pending
from autograder.ordinary.rule import refuse_ordinary
from autograder.report.handed_in_work import UNRUN, Verdict, verdicts
from autograder.submission.handed_in import HandedIn


@dataclass(frozen=True)
class GradedCheck:
    """A check as the verdict has it, and the seed that its inputs were drawn from.

    `ideas` are what the verdict says of its cause.
    """

    submission: Submission
    test: str
    name: str
    passed: bool
    points: float
    message: str
    ideas: tuple[str, ...]
    seed: int

    @property
    def definition(self) -> str:
        """What the check is of."""
        return self.test.removeprefix("test-")

    @property
    def handed_in(self) -> HandedIn:
        """The submission as it lies on the disk now."""
        return Pending(self.submission, {}, "").read()


def graded_checks(course: Course, student: str, name: str) -> list[GradedCheck]:
    """All checks of a student's graded submission, in order.

    Raises: CourseError, when it was not graded, or nothing of it could be run.
    """
    (assignment,) = course.chosen([name])
    refuse_ordinary(
        course,
        assignment,
        "no reference says what was to come out. Its feedback page says which test cell stopped, "
        "and where; the formgrader shows the whole notebook",
    )
    (submission,) = course.submissions([assignment], [student])
    path = course.folder("autograded", student, name) / f"{name}.ipynb"
    graded = read_parts(course.db_url).get((student, name))
    if graded is not None and not path.is_file():
        raise CourseError(f"{name} of {student}: {UNRUN}")
    seed = (graded or {}).get(SEED)
    if seed is None:
        raise CourseError(
            f"{name} of {student} has no verdict with recorded inputs; workbook grade {name} "
            f"--student {student} --force makes one"
        )
    reason, tests = verdicts(json.loads(path.read_text(encoding="utf-8")))
    if not tests:
        raise CourseError(f"nothing of it could be run: {reason}")
    return [
        _check(submission, test, verdict, check, int(seed))
        for test, verdict in tests.items()
        if test in assignment.tests
        for check in verdict["checks"]
    ]


def chosen(checks: list[GradedCheck], called: str) -> GradedCheck:
    """The check that is called so, by its whole name or a part of it that no other holds.

    `DEFINITION: CHECK` chooses among checks of one name.

    Raises: CourseError, when it is none or several.
    """
    wanted = called.strip().lower()
    whole = [each for each in checks if wanted in (each.name.lower(), _full(each).lower())]
    found = whole or [each for each in checks if wanted in _full(each).lower()]
    if len(found) == 1:
        return found[0]
    listed = "\n".join(f"  {_full(each)}" for each in found or checks)
    said = "several checks are" if found else "no check is"
    raise CourseError(f"{said} called {called!r}; these are there:\n{listed}")


def _full(check: GradedCheck) -> str:
    return f"{check.definition}: {check.name}"


def _check(
    submission: Submission, test: str, verdict: Verdict, check: Mapping[str, object], seed: int
) -> GradedCheck:
    because = check["because"]
    assert isinstance(because, list)
    named = [verdict["misconceptions"][each] for each in because]
    ideas = [f"{each['name']} {each['effect']}" for each in named]
    if not check["passed"] and verdict["follows_from"]:
        ideas.append(f"It follows from {', '.join(verdict['follows_from'])}.")
    return GradedCheck(
        submission,
        test,
        str(check["name"]),
        bool(check["passed"]),
        float(str(check["points"])),
        str(check["message"]),
        tuple(ideas),
        seed,
    )

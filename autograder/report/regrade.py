"""Grades again after a test, a solution or a table changed, and says who gains and who loses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.course.course import Course, Submission
from autograder.grading.batch import RunOptions, batch
from autograder.grading.pending import pending
from autograder.report.handed_in_work import verdicts
from autograder.verdict.result import Graded
from autograder.verdict.standing import cents

Whose = tuple[str, str]  # student and assignment
Checks = Mapping[str, bool]  # whether each passed


@dataclass(frozen=True)
class Difference:
    """One submission whose verdict is not what it was; checks are `DEFINITION: CHECK`.

    `before` and `after` are points of the test cells as they are judged, None where nothing
    could be run.
    """

    student: str
    assignment: str
    before: float | None
    after: float | None
    gained: tuple[str, ...] = field(default=())
    lost: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        points = f"{_said(self.before)} -> {_said(self.after)}"
        checks = [f"+ {name}" for name in self.gained] + [f"- {name}" for name in self.lost]
        return "\n".join(
            [f"{self.student} {self.assignment}: {points}", *(f"  {c}" for c in checks)]
        )


def regrade(
    course: Course, submissions: Sequence[Submission], options: RunOptions, dry_run: bool
) -> tuple[list[Difference], int]:
    """Grade what was graded before, and return what differs and how many were compared.

    Inputs are those of the last run, where no other seed is given, so that only what changed makes
    a difference. A dry run writes nothing. Marks and comments by hand stay in either.

    Raises: CourseError, SandboxUnavailableError, InterruptedRunError.
    """
    before = {
        (one.student, one.assignment.name): kept
        for one in submissions
        if (kept := _kept(course, one)) is not None
    }
    known = [one for one in submissions if (one.student, one.assignment.name) in before]
    if not known:
        return [], 0
    if dry_run:
        results = batch(course, [one.path for one in known], options)
    else:
        results = batch(course, pending(course, known, True), options)
    by_file = {name: one for one in known for name in (str(one.path), one.name)}
    found: list[Difference] = []
    for graded in results:
        submission = by_file[graded.file]
        whose = submission.student, submission.assignment.name
        difference = _difference(whose, before[whose], _of(graded))
        if difference is not None:
            found.append(difference)
    return found, len(known)


def _said(points: float | None) -> str:
    return "needs attention" if points is None else f"{cents(points):g}"


def _kept(course: Course, one: Submission) -> tuple[float | None, Checks] | None:
    """Points and checks of the last grading, None where there was none."""
    name = one.assignment.name
    path = course.folder("autograded", one.student, name) / f"{name}.ipynb"
    if not path.is_file():
        return None
    _, tests = verdicts(json.loads(path.read_text(encoding="utf-8")))
    points = sum(float(each["score"]) for each in tests.values()) if tests else None
    return points, dict(_checks(tests))


def _checks(tests: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, bool]]:
    for test, verdict in tests.items():
        for check in verdict["checks"]:
            yield f"{test.removeprefix('test-')}: {check['name']}", bool(check["passed"])


def _of(graded: Graded) -> tuple[float | None, Checks]:
    points = sum(each.score for each in graded.tests.values()) if graded.tests else None
    return points, {
        f"{test.removeprefix('test-')}: {check.name}": check.passed
        for test, result in graded.tests.items()
        for check in result.checks
    }


def _difference(
    whose: Whose, before: tuple[float | None, Checks], after: tuple[float | None, Checks]
) -> Difference | None:
    (was, old), (now, new) = before, after
    # Of a check that came or went only the points can tell.
    both = [name for name in new if name in old]
    gained = tuple(name for name in both if new[name] and not old[name])
    lost = tuple(name for name in both if old[name] and not new[name])
    same = was == now or (was is not None and now is not None and abs(was - now) < 0.005)
    if same and not gained and not lost:
        return None
    return Difference(*whose, was, now, gained, lost)

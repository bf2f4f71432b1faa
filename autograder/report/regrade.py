"""Grades again after a test, a solution or a table changed, and says who gains and who loses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.course.course import Course, Submission
from autograder.grading.batch import RunOptions, batch
from autograder.grading.pending import pending
from autograder.report.handed_in_work import Verdict, verdicts
from autograder.verdict.standing import cents
from autograder.verdict.verdict import as_data

Whose = tuple[str, str]  # student and assignment
Judged = tuple[float | None, Mapping[str, bool]]  # points, and whether each check passed


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
        after = _judged({name: as_data(result) for name, result in graded.tests.items()})
        difference = _difference(whose, before[whose], after)
        if difference is not None:
            found.append(difference)
    return found, len(known)


def _said(points: float | None) -> str:
    return "needs attention" if points is None else f"{cents(points):g}"


def _kept(course: Course, one: Submission) -> Judged | None:
    """What the last grading said, None where there was none."""
    name = one.assignment.name
    path = course.folder("autograded", one.student, name) / f"{name}.ipynb"
    if not path.is_file():
        return None
    _, tests = verdicts(json.loads(path.read_text(encoding="utf-8")))
    return _judged(tests)


def _judged(tests: Mapping[str, Verdict]) -> Judged:
    points = sum(float(each["score"]) for each in tests.values()) if tests else None
    return points, {
        f"{test.removeprefix('test-')}: {check['name']}": bool(check["passed"])
        for test, verdict in tests.items()
        for check in verdict["checks"]
    }


def _difference(whose: Whose, before: Judged, after: Judged) -> Difference | None:
    (was, old), (now, new) = before, after
    # Of a check that came or went only the points can tell.
    both = [name for name in new if name in old]
    gained = tuple(name for name in both if new[name] and not old[name])
    lost = tuple(name for name in both if old[name] and not new[name])
    same = was == now or (was is not None and now is not None and abs(was - now) < 0.005)
    if same and not gained and not lost:
        return None
    return Difference(*whose, was, now, gained, lost)

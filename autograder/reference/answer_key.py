"""All that judging one assignment takes: its notebook and the evidence of the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.course.assignment import Assignment
from autograder.errors import BrokenReferenceError, CourseError
from autograder.reference.kept_versions import KeptVersions
from autograder.reference.package import Package, checked_catalogue
from autograder.reference.wrong_versions import WrongVersions
from autograder.sandbox import Limits
from autograder.sandbox.execute import execute
from autograder.sandbox.execution import Execution
from autograder.sandbox.limits import limits_of
from autograder.submission.handed_in import plain_files
from autograder.submission.rebuild import Rebuilder
from autograder.verdict.judge import judge


@dataclass(frozen=True)
class AnswerKey:
    """What every submission of an assignment is rebuilt from and judged by, on one seed.

    It can be sent to another machine: nothing more is read there.
    """

    assignment: Assignment
    rebuilder: Rebuilder
    files: Mapping[str, bytes]
    seed: int
    evidence: Mapping[str, list[bytes]]
    limits: Limits
    wrong: WrongVersions


def answer_key(
    assignment: Assignment,
    config: Any,
    seed: int,
    evidence: Mapping[str, list[bytes]],
    package: Package,
    kept: KeptVersions | None = None,
) -> AnswerKey:
    """The answer key with evidence that the reference, of this package, gave on `seed`.

    `kept` is where evidence of wrong versions on this seed is.

    Raises: CourseError, when the table of wrong versions or a limit cannot be used.
    """
    catalogue = checked_catalogue(assignment, package)
    return AnswerKey(
        assignment,
        Rebuilder(assignment, config),
        plain_files(assignment.path.parent),
        seed,
        evidence,
        limits_of(assignment),
        WrongVersions(assignment, catalogue, package.modules, seed, evidence, kept, package.tried),
    )


def reference_evidence(
    assignment: Assignment, modules: Mapping[str, bytes], seed: int
) -> dict[str, list[bytes]]:
    """Run the reference once and return its evidence by test cell.

    `modules` are those of `solutions/` that it needs, by their paths there.

    Raises: CourseError, when the reference does not run through or fails its own tests.
    """
    packages = {f"solutions/{path}": source for path, source in modules.items()}
    limits = limits_of(assignment)
    run = execute(assignment.reference(), seed=seed, limits=limits, packages=packages)
    missing = [name for name in assignment.tests if name not in run.evidence]
    problems = [
        *(f"{name} stopped with {error}" for name, error in run.stopped.items()),
        *([run.problem] if run.problem else []),
        *([f"no evidence for {', '.join(missing)}"] if missing else []),
    ]
    # A reference that failed would pass every submission that fails alike.
    problems = problems or _not_passed_by_itself(assignment, run)
    if problems:
        raise CourseError(
            f"the reference of {assignment.name} does not run: {problems[0]}; look at "
            f"{assignment.path} and {assignment.module}"
        )
    return run.evidence


def _not_passed_by_itself(assignment: Assignment, run: Execution) -> list[str]:
    try:
        results = [
            judge(name, 1.0, run.evidence[name], run.evidence[name], assignment.forbidden(cell))
            for name, cell in assignment.tests.items()
        ]
    except BrokenReferenceError as error:
        return [str(error)]
    return [
        f"{result.grade_id}, {check.name}: {check.message}"
        for result in results
        for check in result.checks
        if not check.passed
    ]

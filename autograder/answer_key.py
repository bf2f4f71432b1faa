"""All that judging one assignment takes: its notebook and the evidence of the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.assignment import Assignment, CourseError, nbgrader_of
from autograder.execute import Execution, execute
from autograder.handed_in import plain_files
from autograder.judge import BrokenReference, CellResult, judge
from autograder.rebuild import Rebuilder
from autograder.sandbox import Limits


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

    def judge(self, run: Execution) -> dict[str, CellResult]:
        """The verdicts on the test cells of one run."""
        results = {}
        for name, cell in self.assignment.tests.items():
            reason = ""
            if name in run.slow:
                reason = f"did not end within {self.limits.cell_seconds:g} seconds"
            elif run.problem:
                reason = f"did not run: {run.problem}"
            elif stopped := run.stopped.get(name.removeprefix("test-")):
                reason = f"the cell that defines it stopped with {stopped}"
            results[name] = judge(
                name,
                float(nbgrader_of(cell)["points"]),
                self.evidence[name],
                run.evidence.get(name, []),
                self.assignment.forbidden(cell),
                reason,
            )
        return results


def answer_key(
    assignment: Assignment, config: Any, seed: int, evidence: Mapping[str, list[bytes]]
) -> AnswerKey:
    """The answer key with evidence that the reference gave on `seed`."""
    files = plain_files(assignment.path.parent)
    return AnswerKey(assignment, Rebuilder(assignment, config), files, seed, evidence, Limits())


def reference_evidence(
    assignment: Assignment, solutions: Mapping[str, bytes], seed: int
) -> dict[str, list[bytes]]:
    """Run the reference once and return its evidence by test cell.

    `solutions` are the files of the reference package.

    Raises: CourseError, when the reference does not run through or fails its own tests.
    """
    packages = {f"solutions/{name}": content for name, content in solutions.items()}
    run = execute(assignment.reference(), seed=seed, packages=packages)
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
    except BrokenReference as error:
        return [str(error)]
    return [
        f"{result.grade_id}, {check.name}: {check.message}"
        for result in results
        for check in result.checks
        if not check.passed
    ]

"""One submission from file to verdict: rebuild, execute, judge. Nothing is recorded here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from nbformat import NotebookNode

from autograder.assignment import Assignment, CourseError, nbgrader_of
from autograder.execute import Execution, execute
from autograder.handed_in import files_beside
from autograder.judge import BrokenReference, CellResult, judge
from autograder.present import write_verdicts
from autograder.rebuild import Rebuilder, Unreadable, read_submission
from autograder.result import Graded
from autograder.sandbox import Limits


class Grader:
    """Grades submissions of a course on one seed; the reference runs once an assignment."""

    def __init__(
        self, solutions: Path, seed: int, limits: Limits | None = None, config: Any = None
    ) -> None:
        self.seed = seed
        self.limits = limits or Limits()
        self._solutions = solutions
        self._config = config
        self._references: dict[str, dict[str, list[bytes]]] = {}
        self._rebuilders: dict[str, Rebuilder] = {}
        self._lock = threading.Lock()

    def grade(
        self,
        assignment: Assignment,
        path: Path,
        student: str | None = None,
        handed_in: Path | None = None,
    ) -> Graded:
        """Grade one submitted notebook, whatever it is; `handed_in` is the folder it came in.

        Raises: CourseError, SandboxUnavailable, when the fault is not the submission's.
        """
        try:
            rebuilt = self.rebuild(assignment, read_submission(path))
        except Unreadable as error:
            return self.ungraded(assignment, str(path), student, str(error))
        return self.run(assignment, rebuilt, path, student, handed_in)

    def ungraded(
        self, assignment: Assignment, file: str, student: str | None, reason: str
    ) -> Graded:
        """The outcome of a submission of which nothing could be run."""
        return Graded(file, assignment.name, self.seed, assignment.max_score, student, reason)

    def rebuild(self, assignment: Assignment, cells: Sequence[dict[str, Any]]) -> NotebookNode:
        """The notebook that will run for these submitted cells."""
        with self._lock:
            if assignment.name not in self._rebuilders:
                self._rebuilders[assignment.name] = Rebuilder(assignment, self._config)
        return self._rebuilders[assignment.name].rebuild(cells)

    def run(
        self,
        assignment: Assignment,
        rebuilt: NotebookNode,
        path: Path,
        student: str | None = None,
        handed_in: Path | None = None,
    ) -> Graded:
        """Execute a rebuilt notebook and judge it."""
        reference = self.reference(assignment)
        with files_beside(handed_in, assignment) as files:
            run = execute(rebuilt, seed=self.seed, limits=self.limits, handed_in=files)
        started = monotonic()
        results = self._judge(assignment, reference, run)
        write_verdicts(run.notebook, results)
        return Graded(
            file=str(path),
            assignment=assignment.name,
            seed=self.seed,
            max_score=assignment.max_score,
            student=student,
            reason=run.problem,
            tests=results,
            notebook=run.notebook,
            execute_seconds=run.seconds,
            judge_seconds=monotonic() - started,
        )

    def reference(self, assignment: Assignment) -> dict[str, list[bytes]]:
        """The evidence of the reference on this grader's seed.

        Raises: CourseError, when the reference does not run through.
        """
        with self._lock:
            if assignment.name not in self._references:
                run = execute(
                    assignment.reference(),
                    seed=self.seed,
                    limits=self.limits,
                    packages={"solutions": self._solutions},
                )
                _check_reference(assignment, run)
                self._references[assignment.name] = run.evidence
            return self._references[assignment.name]

    def _judge(
        self, assignment: Assignment, reference: dict[str, list[bytes]], run: Execution
    ) -> dict[str, CellResult]:
        results = {}
        for name, cell in assignment.tests.items():
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
                reference[name],
                run.evidence.get(name, []),
                assignment.forbidden(cell),
                reason,
            )
        return results


def _check_reference(assignment: Assignment, run: Execution) -> None:
    """A reference that failed would pass every submission that fails alike."""
    missing = [name for name in assignment.tests if name not in run.evidence]
    problems = [
        *(f"{name} stopped with {error}" for name, error in run.stopped.items()),
        *([run.problem] if run.problem else []),
        *([f"no evidence for {', '.join(missing)}"] if missing else []),
    ]
    if not problems:
        problems = _not_passed_by_itself(assignment, run)
    if problems:
        raise CourseError(
            f"the reference of {assignment.name} does not run: {problems[0]}; look at "
            f"{assignment.path} and {assignment.module}"
        )


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

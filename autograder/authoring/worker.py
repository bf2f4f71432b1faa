"""What one process of a proof does: it holds the assignment, and answers for a part of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.authoring import at_the_desk, right
from autograder.authoring.authored import read_authored
from autograder.authoring.findings import Findings, together
from autograder.authoring.in_process import InProcess, as_in_a_kernel
from autograder.authoring.naming import common_ones_named, named_rightly
from autograder.authoring.trial import Trial
from autograder.authoring.wrong import Wrong, found_of, reached_tests, wrong_versions
from autograder.course.assignment import noted
from autograder.course.course import Course
from autograder.course.tried import as_numbers
from autograder.observe._everywhere import note_everywhere
from autograder.release.mistakes import say_nothing
from autograder.verdict.versions import Swap
from workbook.answering.answers import Answers

Known = Mapping[tuple[str, Swap], Sequence[bytes]]


class Worker:
    """One assignment in a process of its own; `known` is what was run of wrong versions before."""

    def __init__(self, root: Path, name: str, known: Known, answers: Answers | None) -> None:
        self._course = Course(root)
        (assignment,) = self._course.chosen([name])
        self._authored = read_authored(self._course, assignment)
        self._process = InProcess(self._authored, known=dict(known))
        note_everywhere(noted(self._authored.assignment.notebook))
        self._answers = answers

    @cached_property
    def _trial(self) -> Trial:
        return Trial(self._authored, self._process)

    @cached_property
    def _wrong(self) -> list[Wrong]:
        return wrong_versions(self._authored)

    def run(self, numbers: Sequence[int]) -> Known:
        """Run these wrong versions in every test cell that they can reach."""
        for wrong in (self._wrong[number] for number in numbers):
            if wrong.is_misconception:
                tests = reached_tests(self._authored, wrong.definition)
                found_of(self._process, wrong, tests)
        chosen = [self._wrong[number] for number in numbers]
        for wrong in chosen:
            found_of(self._process, wrong, [wrong.test])
        swaps = {wrong.swap for wrong in chosen}
        return {key: found for key, found in self._process.known.items() if key[1] in swaps}

    def trial(self, question: str, *arguments: Any) -> Any:
        """Ask what `workbook try` wants to know of versions."""
        return getattr(self._trial, question)(*arguments)

    def named(self, numbers: Sequence[int]) -> Findings:
        """Diagnose these wrong versions."""
        return together(named_rightly(self._process, self._wrong[number]) for number in numbers)

    def failing(self) -> Findings:
        """Say which checks the misconceptions that were run fail."""
        process = self._process
        return Findings(
            failing={
                test: {
                    swap[0]: as_numbers(process.gathered.expected(test), fails)
                    for swap, fails in sorted(process.failing(test).items())
                    if fails
                }
                for test in self._authored.assignment.tests
            }
        )

    def right_on(self, seed: int) -> Findings:
        """Try all right work on one seed."""
        return right.right_work(InProcess(self._authored, seed))

    def without_seeds(self) -> Findings:
        """Try what no seed changes: the stubs, the sources, the whole notebook."""
        return together(
            [
                Findings(failures=tuple(say_nothing(self._process.reference))),
                right.no_work(self._process),
                right.nobody_accused(self._authored),
                right.runs_through(self._authored),
                common_ones_named(self._authored),
            ]
        )

    def recorded(self) -> tuple[Answers, Findings]:
        """What a release would record of the public examples, and whether they serve."""
        answers = at_the_desk.recorded(self._authored)
        config = self._course.config
        return answers, at_the_desk.examples_serve(self._authored, answers, config)

    def told(self, ids: Sequence[str]) -> Findings:
        """Ask the desk about these misconceptions."""
        assert self._answers is not None
        return at_the_desk.told_at_the_desk(self._authored, self._answers, ids)


_worker: Worker | None = None


def start(root: Path, name: str, known: Known, answers: Answers | None) -> None:
    """Set this process up."""
    global _worker
    warnings.simplefilter("ignore")  # wrong code overflows, and torch says so
    as_in_a_kernel()
    _worker = Worker(root, name, known, answers)


def ask(question: str, *arguments: Any) -> Any:
    """Call a method of this process's worker, by its name."""
    assert _worker is not None
    return getattr(_worker, question)(*arguments)

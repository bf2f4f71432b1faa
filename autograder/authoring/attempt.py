"""`workbook try`: in seconds, what the tests of a definition make of its wrong versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.authoring import at_the_desk
from autograder.authoring.authored import read_authored
from autograder.authoring.in_process import InProcess
from autograder.authoring.prove import parts, processes
from autograder.authoring.worker import ask
from autograder.authoring.wrong import (
    Wrong,
    failed_in,
    found_of,
    named_by_table,
    named_in,
    wrong_versions,
)
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.verdict.evidence import decode


@dataclass(frozen=True)
class TriedVersion:
    """What came of one wrong version: the checks that catch it, its names, examples that show it.

    `called` are the names by rows of the table, `promise` those of promises that are broken.
    """

    wrong: Wrong
    caught_by: tuple[str, ...]
    called: tuple[str, ...]
    promise: tuple[str, ...]
    shown_by: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether it is caught and called as the table says."""
        return bool(self.caught_by) and self.called == self.wrong.names


@dataclass(frozen=True)
class Attempt:
    """All wrong versions of one definition, and the observations of its test cell, in order."""

    definition: str
    tried: Sequence[TriedVersion]
    observations: Sequence[str]

    @property
    def idle(self) -> list[str]:
        """Observations without which every version would be caught as well."""
        alone = {each.caught_by[0] for each in self.tried if len(each.caught_by) == 1}
        return [name for name in self.observations if name not in alone]


def attempt(course: Course, name: str, only: str | None = None) -> list[Attempt]:
    """Try the definitions of a notebook, or one, on one seed; pairs of mistakes are not made.

    Raises: CourseError, when a file of the assignment cannot be used, or it has no such definition.
    """
    (assignment,) = course.chosen([name])
    authored = read_authored(course, assignment)
    definitions = list(authored.solution_cells)
    if only is not None and only not in definitions:
        raise CourseError(f"{name} asks for no {only!r}; it asks for {', '.join(definitions)}")
    chosen = [only] if only else definitions
    every = wrong_versions(authored)
    numbers = [i for i, wrong in enumerate(every) if wrong.definition in chosen]
    with processes(course, name) as pool:
        runs = [pool.submit(ask, "run_own", part) for part in parts(numbers)]
        answers = at_the_desk.recorded(authored, chosen)
        known = {key: found for run in runs for key, found in run.result().items()}
    process = InProcess(authored, alone=True, known=known)
    tried: dict[str, list[TriedVersion]] = {definition: [] for definition in chosen}
    for wrong in (every[number] for number in numbers):
        found = found_of(process, wrong, [wrong.test])
        result = process.diagnosed(wrong.source, found)[wrong.test]
        shown = at_the_desk.shown_by(answers, wrong.id) if wrong.is_misconception else []
        called = named_by_table(result, authored)
        promise = tuple(name for name in named_in(result) if name not in called)
        made = TriedVersion(wrong, tuple(failed_in(result)), called, promise, tuple(shown))
        tried[wrong.definition].append(made)
    names = _observations(process.reference)
    return [Attempt(each, tried[each], names[f"test-{each}"]) for each in chosen]


def _observations(reference: Mapping[str, Sequence[bytes]]) -> dict[str, list[str]]:
    return {test: [decode(r).name for r in records] for test, records in reference.items()}

"""`workbook try`: in seconds, what the tests of a definition make of its wrong versions."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.authoring.authored import Authored, read_authored
from autograder.authoring.prove import parts, processes
from autograder.authoring.trial import TriedVersion
from autograder.authoring.tried_before import Gave, in_order, tried_before
from autograder.authoring.worker import ask
from autograder.authoring.wrong import Wrong, wrong_versions
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.verdict.evidence import decode
from autograder.verdict.versions import Swap

# Of one definition the answer is to be there in ten: two are for the start, and the rest for the
# names, which of many that are known take longer. A version that has begun is waited for.
RUN_SECONDS = 4.0
NAMES_SECONDS = 0.015


@dataclass(frozen=True)
class Attempt:
    """The wrong versions of one definition, and the observations of its test cell, in order.

    `left` are those that there was no time for.
    """

    definition: str
    tried: Sequence[TriedVersion]
    observations: Sequence[str]
    left: Sequence[Wrong] = ()

    @property
    def idle(self) -> list[str]:
        """Observations without which every version would be caught as well."""
        alone = {each.caught_by[0] for each in self.tried if len(each.caught_by) == 1}
        return [name for name in self.observations if name not in alone]


def attempt(
    course: Course, name: str, only: str | None = None, seconds: float | None = None
) -> list[Attempt]:
    """Try the definitions of a notebook, or one, on one seed; pairs of mistakes are not made.

    What was run before is not run again; after `seconds` no further version is begun.
    Raises: CourseError, when a file of the assignment cannot be used, or it has no such definition.
    """
    (assignment,) = course.chosen([name])
    authored = read_authored(course, assignment)
    definitions = list(authored.solution_cells)
    if only is not None and only not in definitions:
        raise CourseError(f"{name} asks for no {only!r}; it asks for {', '.join(definitions)}")
    chosen = [only] if only else definitions
    wrong = [each for each in wrong_versions(authored) if each.definition in chosen]
    gave, observed = _given(authored, wrong, chosen, seconds)
    run = [(each, gave[each.swap]) for each in wrong if each.swap in gave]
    known: dict[tuple[str, Swap], Sequence[bytes]] = {
        (f"test-{each}", ()): observed[each] for each in chosen
    }
    known |= {(w.test, w.swap): in_order(each.cell, observed[w.definition]) for w, each in run}
    with processes(course, name, known) as pool:
        tasks = [pool.submit(ask, "trial", "tried", part) for part in parts(run)]
        tried: list[TriedVersion] = [each for task in tasks for each in task.result()]
    return [
        Attempt(
            each,
            [one for one in tried if one.wrong.definition == each],
            [decode(record).name for record in observed[each]],
            [one for one in wrong if one.definition == each and one.swap not in gave],
        )
        for each in chosen
    ]


def _given(
    authored: Authored, wrong: Sequence[Wrong], definitions: Sequence[str], seconds: float | None
) -> tuple[Mapping[Swap, Gave], Mapping[str, Sequence[bytes]]]:
    """What versions give, as far as there is time, and the reference by definition."""
    before = tried_before(authored)
    gave = before.find(wrong)
    if seconds is not None:
        seconds = max(seconds - NAMES_SECONDS * len(gave), seconds / 4)
    with processes(authored.course, authored.name) as pool:
        observed = {each: pool.submit(ask, "trial", "reference", each) for each in definitions}
        tasks = {pool.submit(ask, "trial", "gave", w): w for w in wrong if w.swap not in gave}
        concurrent.futures.wait(tasks, seconds)
        for task in tasks:
            task.cancel()
        new = {each: task.result() for task, each in tasks.items() if not task.cancelled()}
        before.keep(new)
        gave |= {each.swap: given for each, given in new.items()}
        return gave, {each: task.result() for each, task in observed.items()}

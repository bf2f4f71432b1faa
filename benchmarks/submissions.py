"""A class of submissions, the same ones for the same seed, no two files alike.

Of every ten students four have finished, three left some solution cells as they were released,
and three wrote one definition wrong, in one of the ways that the table of wrong versions has.
In a class as it really is, of six students two have finished, two made one mistake, one made two,
and one left cells as they were released.
"""

from __future__ import annotations

import ast
import functools
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course.assignment import DEMO
from autograder.course.catalogue import Catalogue, Form
from autograder.course.course import Course
from autograder.course.edits import edited
from autograder.reference.package import catalogue_of, package_of
from benchmarks.wording import reworded
from examples.make import ROOT, definitions, flags, released, solution, source, tests

RIGHT, STUB, WRONG, TWICE_WRONG = "right", "stub", "wrong", "twice wrong"
# Mixed in this order, so that the first few students are like the whole class.
KINDS = (RIGHT, STUB, WRONG, RIGHT, WRONG, STUB, RIGHT, WRONG, STUB, RIGHT)
AS_IT_IS = (RIGHT, WRONG, STUB, TWICE_WRONG, RIGHT, WRONG)


@dataclass(frozen=True)
class MadeWork:
    """What one student did for one assignment.

    `states` says of each definition how it stands, `planted` are the wrong versions in it.
    """

    student: str
    assignment: str
    states: dict[str, str]
    notebook: NotebookNode
    planted: tuple[Form, ...] = ()

    @property
    def path(self) -> str:
        """Where the notebook lies in a course, as nbgrader collects it."""
        return f"submitted/{self.student}/{self.assignment}/{self.assignment}.ipynb"


def made_class(
    assignments: Iterable[str], students: int, seed: int, kinds: Sequence[str] = KINDS
) -> list[MadeWork]:
    """The work of `students` students of these kinds, each handing in every assignment."""
    return [
        made(assignment, number, seed, kinds)
        for number in range(students)
        for assignment in assignments
    ]


def made(assignment: str, number: int, seed: int, kinds: Sequence[str] = KINDS) -> MadeWork:
    """The work of the student of this number for one assignment."""
    student = f"s{number:04}"
    rng = random.Random(f"{seed} {student} {assignment}")
    names = definitions(assignment)
    states = dict.fromkeys(names, RIGHT)
    texts = dict(_solutions(assignment))
    kind = kinds[number % len(kinds)]
    planted: tuple[Form, ...] = ()
    if kind == STUB:
        states |= dict.fromkeys(rng.sample(names, rng.randint(1, len(names) - 1)), STUB)
    elif kind == WRONG:
        planted = (rng.choice(_catalogue(assignment).wrong_versions),)
    elif kind == TWICE_WRONG:
        every = _catalogue(assignment).wrong_versions
        planted = _two_that_fit(rng.sample(every, len(every)), texts)
    for wrong in planted:
        states[wrong.definition] = WRONG
        texts[wrong.definition] = _applied(wrong, texts[wrong.definition])
    notebook = without_demos(released(assignment))
    for cell in notebook.cells:
        name = str(flags(cell).get("grade_id", ""))
        if states.get(name) in (RIGHT, WRONG):
            cell.source = reworded(texts[name], student, rng)
        elif flags(cell).get("solution") and cell.cell_type == "markdown":
            cell.source = f"Because of what {student} read on page {rng.randint(1, 900)}."
    return MadeWork(student, assignment, states, notebook, planted)


def without_demos(notebook: NotebookNode) -> NotebookNode:
    """The notebook without the cells that only show something, which stock nbgrader would run."""
    notebook.cells = [c for c in notebook.cells if DEMO not in c.metadata.get("tags", [])]
    return notebook


def hand_in(works: Iterable[MadeWork], course: Path) -> None:
    """Write the work below `course`."""
    for work in works:
        path = course / work.path
        path.parent.mkdir(parents=True)
        nbformat.write(work.notebook, path)


@functools.cache
def points(assignment: str) -> dict[str, float]:
    """The points of each definition's test cell."""
    return {
        str(flags(cell)["grade_id"]).removeprefix("test-"): float(str(flags(cell)["points"]))
        for cell in tests(source(assignment))
    }


@functools.cache
def needed(assignment: str) -> dict[str, frozenset[str]]:
    """For each definition those that it or its test cell calls, at any depth, and itself."""
    names = frozenset(definitions(assignment))
    calls = {name: {name} for name in names}
    for cell in source(assignment).cells:
        name = str(flags(cell).get("grade_id", "")).removeprefix("test-")
        if cell.cell_type == "code" and name in names:
            nodes = ast.walk(ast.parse(cell.source))
            calls[name] |= names & {node.id for node in nodes if isinstance(node, ast.Name)}
    for _ in names:
        calls = {name: set().union(*(calls[other] for other in calls[name])) for name in names}
    return {name: frozenset(others) for name, others in calls.items()}


@functools.cache
def _solutions(assignment: str) -> dict[str, str]:
    names = definitions(assignment)
    cells = {str(flags(cell).get("grade_id")): cell for cell in source(assignment).cells}
    return {name: solution(cells[name]) for name in names}


@functools.cache
def _catalogue(assignment: str) -> Catalogue:
    course = Course(ROOT)
    (chosen,) = course.chosen([assignment])
    return catalogue_of(chosen, package_of(course, chosen))


def _two_that_fit(every: Sequence[Form], texts: Mapping[str, str]) -> tuple[Form, Form]:
    """The first wrong version and the next that can be made behind it, in any definition."""
    first = every[0]
    changed = {**texts, first.definition: _applied(first, texts[first.definition])}
    second = next(
        each
        for each in every[1:]
        if each.definition != first.definition
        or (each.edits[0][0] and edited(changed[each.definition], each.edits) is not None)
    )
    return first, second


def _applied(wrong: Form, whole: str) -> str:
    if (changed := edited(whole, wrong.edits)) is None:
        raise ValueError(f"the wrong version {wrong.id} does not fit the solution cell")
    return changed

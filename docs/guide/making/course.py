"""The notebooks as the guide tells of them: from their own metadata, text and tables.

Nothing here is code of a solution, of a wrong version or of a hidden test.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import autograder
from autograder.course.assignment import is_solution
from autograder.course.course import Course
from autograder.course.families import families
from autograder.reference.package import catalogue_of, package_of
from workbook import material
from workbook.studying.lesson import Lesson, lessons, points_of

ROOT = Path(autograder.__file__).parents[1]


@dataclass(frozen=True)
class Mistake:
    """A wrong idea in words: what it is, what it does, how to think about it."""

    name: str
    effect: str
    hint: str
    is_of_any_code: bool


@dataclass(frozen=True)
class Definition:
    """Something that the student writes; `summary` is the first sentence of its docstring."""

    name: str
    summary: str
    points: float
    is_answer: bool


@dataclass(frozen=True)
class Notebook(Lesson):
    """A lesson as the guide tells of it; `objective` is MyST, in the notebook's own words."""

    title: str
    objective: str
    definitions: tuple[Definition, ...]

    @property
    def points(self) -> float:
        """The points of tests and written answers together."""
        return sum(each.points for each in self.definitions)


@cache
def course() -> Course:
    """The course that this guide is of."""
    return Course(ROOT)


@cache
def notebooks() -> dict[str, Notebook]:
    """The notebooks by name, in order."""
    return {each.name: _read(each) for each in lessons()}


@cache
def mistakes(name: str) -> dict[str, tuple[Mistake, ...]]:
    """The wrong ideas of a notebook by definition: its own first, then those of any code.

    Two that are told in the same words are one here; only their hints differ.

    Raises: KeyError, when there is no such notebook.
    """
    assignment = course().assignments[name]
    catalogue = catalogue_of(assignment, package_of(course(), assignment))
    found: dict[str, list[Mistake]] = {each.name: [] for each in notebooks()[name].definitions}
    for each in catalogue.misconceptions:
        of_any = any(pattern.fullmatch(each.name) for pattern in _of_any_code())
        told = {(known.name, known.effect) for known in found[each.definition]}
        if (each.name, each.effect) not in told:
            found[each.definition].append(Mistake(each.name, each.effect, each.hint, of_any))
    return {key: tuple(sorted(of, key=lambda m: m.is_of_any_code)) for key, of in found.items()}


@cache
def _of_any_code() -> tuple[re.Pattern[str], ...]:
    """What the first sentences of the families of mistakes look like."""
    named = (re.escape(words.name) for words in families().values())
    return tuple(re.compile(re.sub(r"\\\{\w+\\\}", ".+", each)) for each in named)


def _read(known: Lesson) -> Notebook:
    definitions = []
    for cell, step in zip(filter(is_solution, known.cells), known.steps, strict=True):
        summary = "" if step.is_answer else _summary(material.text(cell))
        points = points_of(known.cells, cell)
        definitions.append(Definition(step.name, summary, points, step.is_answer))
    return Notebook(
        **{each.name: getattr(known, each.name) for each in fields(known)},
        title=material.released(known.name)["metadata"]["workbook"]["title"],
        objective=_objective(material.text(known.cells[0]).split("\n\n")[1:]),
        definitions=tuple(definitions),
    )


def _objective(paragraphs: list[str]) -> str:
    """What stands between the title and the line that tells the time."""
    kept = []
    for each in paragraphs:
        if re.match(r"\*\*Time|\*\*Letters|\|", each):
            break
        kept.append(each)
    return "\n\n".join(kept)


def _summary(source: str) -> str:
    """The first line of the docstring of the function or class that a cell defines."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            return (ast.get_docstring(node) or "").split("\n\n")[0].split("\n")[0]
    return ""

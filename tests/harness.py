"""This clone's notebooks, run in this process by the author's tools."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from autograder.authoring.authored import Authored, read_authored
from autograder.authoring.in_process import Evidence, InProcess, as_in_a_kernel
from autograder.course.assignment import hidden_code
from autograder.course.course import Course
from autograder.course.tried import path_of, read_tried
from autograder.kernel.versions import defined
from autograder.verdict.verdict import CellResult

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "source"
ASSIGNMENTS = sorted(folder.name for folder in SOURCE.iterdir() if folder.is_dir())

# In the search path of the processes that tests start: what spares each of them seconds; and this
# clone, for those that start elsewhere.
QUICK = str(ROOT / "tests" / "quick")
PYTHON_PATH = os.pathsep.join([str(ROOT), QUICK])

as_in_a_kernel()

__all__ = ["hidden_code"]


def module_name(assignment: str) -> str:
    return re.sub(r"^\d+-", "", assignment).replace("-", "_")


def stale(kept: Path, name: str = "") -> str:
    """What to do where a generated file is not what its source gives today."""
    return f"{kept.relative_to(ROOT)} is stale; run: workbook release {name or kept.stem}"


@functools.cache
def authored(assignment: str) -> Authored:
    course = Course(ROOT)
    return read_authored(course, course.assignments[assignment])


@functools.lru_cache(maxsize=64)
def process(assignment: str, seed: int = 1) -> InProcess:
    here = authored(assignment)
    return InProcess(here, seed, tried=read_tried(path_of(here.course, assignment)))


def notebook(assignment: str) -> nbformat.NotebookNode:
    return authored(assignment).assignment.notebook


def solution_source(assignment: str) -> str:
    return authored(assignment).module


@functools.cache
def definition_source(assignment: str, name: str) -> str:
    return authored(assignment).definition(name)


def solutions(assignment: str, old: str = "", new: str = "") -> dict[str, Any]:
    """The definitions of the solutions module, with one piece of its source replaced."""
    source = solution_source(assignment)
    if old:
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the source"
        source = source.replace(old, new)
    return defined(source)


def grade_id(cell: nbformat.NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def test_cells(assignment: str) -> dict[str, nbformat.NotebookNode]:
    return authored(assignment).assignment.tests


def reference(assignment: str, seed: int) -> Evidence:
    return process(assignment, seed).reference


def forbidden(assignment: str, cell: nbformat.NotebookNode) -> list[str]:
    return authored(assignment).assignment.forbidden(cell)


def verdicts(
    assignment: str, definitions: Mapping[str, Any], seed: int = 1, only: str | None = None
) -> dict[str, CellResult]:
    """The verdicts of the test cells (or one) on `definitions`."""
    here = process(assignment, seed)
    return here.judged(here.run(definitions, only))

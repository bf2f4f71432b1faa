"""Runs the observations of a source notebook in this process, where a kernel adds nothing."""

from __future__ import annotations

import ast
import functools
import os
import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat

from autograder.kernel import linux
from autograder.kernel.start import LARGE_BLOCK_BYTES
from autograder.observe import collecting
from autograder.verdict.judge import judge
from autograder.verdict.verdict import CellResult

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "source"
ASSIGNMENTS = sorted(folder.name for folder in SOURCE.iterdir() if folder.is_dir())

linux.map_blocks_of(LARGE_BLOCK_BYTES)  # as a kernel does

Evidence = dict[str, list[bytes]]


def module_name(assignment: str) -> str:
    return re.sub(r"^\d+-", "", assignment).replace("-", "_")


@functools.cache
def notebook(assignment: str) -> nbformat.NotebookNode:
    return nbformat.read(SOURCE / assignment / f"{assignment}.ipynb", as_version=4)


@functools.cache
def solution_source(assignment: str) -> str:
    return (ROOT / "solutions" / f"{module_name(assignment)}.py").read_text()


@functools.cache
def definition_source(assignment: str, name: str) -> str:
    source = solution_source(assignment)
    (node,) = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
    ]
    return "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])


def solutions(assignment: str, old: str = "", new: str = "") -> dict[str, Any]:
    """The definitions of the solutions module, with one piece of its source replaced."""
    source = solution_source(assignment)
    if old:
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the source"
        source = source.replace(old, new)
    module = types.ModuleType("solutions_under_test")
    exec(compile(source, f"<solutions of {assignment}>", "exec"), module.__dict__)
    return module.__dict__


def grade_id(cell: nbformat.NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def test_cells(assignment: str) -> dict[str, nbformat.NotebookNode]:
    return {
        grade_id(cell): cell
        for cell in notebook(assignment).cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")
    }


@functools.cache
def _compiled(source: str) -> types.CodeType:
    return compile(source, "<cell>", "exec")


def hidden(source: str) -> str:
    """The hidden region of a test cell."""
    return source.split("### BEGIN HIDDEN TESTS")[1].split("### END HIDDEN TESTS")[0]


def run(
    assignment: str, definitions: Mapping[str, Any], seed: int, only: str | None = None
) -> Evidence:
    """The evidence of the test cells (or one), with `definitions` for the solution cells."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    evidence: Evidence = {}
    with mock.patch.dict(os.environ, WORKBOOK_SEED=str(seed)):
        for cell in notebook(assignment).cells:
            if cell.cell_type != "code" or "demo" in cell.metadata.get("tags", []):
                continue
            flags = cell.metadata.get("nbgrader", {})
            if flags.get("solution"):
                namespace[grade_id(cell)] = definitions[grade_id(cell)]
            elif flags.get("grade"):
                if only not in (None, grade_id(cell)):
                    continue
                with collecting() as records:
                    exec(_compiled(hidden(cell.source)), namespace)
                evidence[grade_id(cell)] = records
            else:
                exec(_compiled(cell.source), namespace)
    return evidence


@functools.lru_cache(maxsize=64)
def reference(assignment: str, seed: int) -> Evidence:
    return run(assignment, solutions(assignment), seed)


def forbidden(assignment: str, cell: nbformat.NotebookNode) -> list[str]:
    return [
        *notebook(assignment).metadata["workbook"].get("forbidden", []),
        *cell.metadata.get("workbook", {}).get("forbidden", []),
    ]


def verdicts(
    assignment: str, definitions: Mapping[str, Any], seed: int = 1, only: str | None = None
) -> dict[str, CellResult]:
    """The verdicts of the test cells (or one) on `definitions`."""
    return judged(assignment, run(assignment, definitions, seed, only), seed)


def judged(assignment: str, found: Evidence, seed: int) -> dict[str, CellResult]:
    """The verdicts of the test cells that gave evidence."""
    return {
        name: judge(
            name,
            cell.metadata["nbgrader"]["points"],
            reference(assignment, seed)[name],
            found[name],
            forbidden(assignment, cell),
        )
        for name, cell in test_cells(assignment).items()
        if name in found
    }

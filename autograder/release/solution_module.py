"""The module of `solutions/` that a notebook's solution cells make: they stand in one place only.

A course may write its modules by hand: a file that does not begin with `MADE` is left alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from autograder.course.assignment import DEMO, Assignment, is_solution, is_test
from autograder.course.course import Course
from autograder.course.replace import replace_file
from autograder.errors import CourseError

MADE = "# Made by `workbook release` from"
MARK = re.compile(r"^[^\S\n]*### (?:BEGIN|END) SOLUTION[^\n]*\n?", re.M)
MAGIC = re.compile(r"^[%!].*$", re.M)


@dataclass(frozen=True)
class _Statement:
    """A statement at the top of a cell; `apart` says whether an empty line stands before it."""

    node: ast.stmt
    text: str
    apart: bool
    is_solution: bool

    @property
    def is_import(self) -> bool:
        return isinstance(self.node, ast.Import | ast.ImportFrom)


def solution_module(assignment: Assignment) -> str:
    """The module's source: what the notebook imports, and the definitions of its solution cells.

    What the notebook provides is there as far as these use it. In its metadata, `summary` of
    `workbook` is the module's docstring, and `imports` are lines that import from other modules of
    `solutions/` what the notebook provides.

    Raises: CourseError, naming the solution cell that is not Python.
    """
    workbook = assignment.notebook.metadata.get("workbook", {})
    others: list[str] = list(workbook.get("imports", []))
    statements = [each for cell in assignment.notebook.cells for each in _statements(cell)]
    names, kept = _needed(statements, "\n".join(others))
    imports = [(each.apart, text) for each in kept if (text := _imported(each, names))]
    lines = [f"\n{text}" if apart and i else text for i, (apart, text) in enumerate(imports)]
    if others:
        lines.append(("\n" if lines else "") + "\n".join(others))
    summary = workbook.get("summary") or f"{workbook.get('title', assignment.name)}."
    end = "\n" if "\n" in summary else ""
    header = f'"""{summary}{end}"""\n\n' + "\n".join(lines)
    definitions = [each.text for each in kept if not each.is_import]
    made = f"{MADE} source/{assignment.name}, to be changed there."  # "encoding:" names a codec
    return f"{made}\n" + "\n\n\n".join([header.rstrip(), *definitions]) + "\n"


def write_solution_module(course: Course, assignment: Assignment) -> Path | None:
    """Write the module, unless there is one that was written by hand.

    Raises: CourseError, naming the solution cell that is not Python.
    """
    path = course.solutions / f"{assignment.module.removeprefix('solutions.')}.py"
    if path.is_file() and not path.read_text(encoding="utf-8").startswith(MADE):
        return None
    replace_file(path, solution_module(assignment), course.is_shared)
    return path


def _statements(cell: NotebookNode) -> Iterator[_Statement]:
    """The statements of a cell that solutions may need; none of a test or a demonstration."""
    own = is_solution(cell)
    if cell.cell_type != "code" or is_test(cell) or DEMO in cell.metadata.get("tags", []):
        return
    source = MARK.sub("", cell.source) if own else MAGIC.sub("", cell.source)
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise CourseError(f"the cell {cell.get('id')!r} is not Python: {error}") from error
    lines, end = source.splitlines(), 0
    for node in body:
        before, text = lines[end : _first(node)], lines[_first(node) : node.end_lineno]
        comments = [line for line in before if line.strip()]
        yield _Statement(node, "\n".join([*comments, *text]), len(comments) < len(before), own)
        end = node.end_lineno or end


def _first(node: ast.stmt) -> int:
    """The number of lines above a statement and its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)]) - 1


def _needed(statements: Sequence[_Statement], others: str) -> tuple[set[str], list[_Statement]]:
    """The names that the solutions use, and the statements that are kept for these."""
    given = {name for node in ast.parse(others).body for name in bound(node)}
    kept = [each.is_solution for each in statements]
    names: set[str] = set()
    while True:
        chosen = [each for each, keep in zip(statements, kept, strict=True) if keep]
        names = {"annotations"}  # of __future__
        for each in chosen:
            names |= {n.id for n in ast.walk(each.node) if isinstance(n, ast.Name)}
        wanted = [
            keep or bool((names - given) & bound(each.node))
            for each, keep in zip(statements, kept, strict=True)
        ]
        if wanted == kept:
            return names, chosen
        kept = wanted


def bound(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of a cell binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    return {
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _imported(statement: _Statement, names: set[str]) -> str:
    """An import of those names only that are used; empty for any other statement."""
    node = statement.node
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return ""
    used = [a for a in node.names if (a.asname or a.name).split(".")[0] in names]
    if len(used) == len(node.names):
        return statement.text
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(used))
    return ast.unparse(ast.ImportFrom(node.module, used, node.level))

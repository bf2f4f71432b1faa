"""Where the code of each graded name stands: in its solution cell, or in a student's own cell.

What is graded is what the solution cell defines, whatever cells of the student's own bind its name
to. Code in an own cell counts only where the solution cell is empty or as it was released, so that
nothing else could be meant.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbformat import NotebookNode

from autograder.course.assignment import DEMO, grade_id_of, is_solution, is_test
from autograder.reading.standing import Cell
from autograder.submission.cells import plain

LONGEST_LINE = 70


@dataclass(frozen=True)
class GradedNames:
    """How the code cells of a rebuilt notebook, here by their index, are to be read and run.

    `requests` are what the kernel is told with each cell, as `Kept` reads it; `notes` say to the
    student, by definition, which cell of its own has to do with a graded name.
    """

    cells: Mapping[int, Cell]
    requests: Mapping[int, Mapping[str, Any]]
    notes: Mapping[str, str]

    def as_run(self, stopped: Container[int]) -> list[Cell]:
        """The cells where those at some indices did not run to their end."""
        return [
            replace(cell, has_stopped=True) if index in stopped else cell
            for index, cell in self.cells.items()
        ]


def graded_names(
    notebook: NotebookNode,
    book: NotebookNode,
    stubs: Mapping[str | None, str] | Mapping[str, str],
    *,
    demos: bool = False,
) -> GradedNames:
    """Where the graded names of a rebuilt notebook are defined.

    `book` is the instructor's notebook, whose cells are no student's; `stubs` are by grade_id;
    `demos` says whether the cells are run that only show something.
    """
    books = {cell.get("id") for cell in book.cells} - {None}
    read = {
        index: _cell(cell, cell.get("id") in books)
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and (demos or DEMO not in cell.metadata.get("tags", []))
    }
    every = list(read.values())
    requests: dict[int, Mapping[str, Any]] = {}
    notes: dict[str, str] = {}
    cells: dict[int, Cell] = {}
    kept: set[str] = set()
    for index, cell in read.items():
        if cell.kind == "solution":
            is_untouched = plain(cell.source) == plain(stubs.get(cell.name, ""))
            elsewhere = _elsewhere(every, cell, is_untouched)
            leaves = [cell.name] if is_untouched and elsewhere else []
            binds = {name for statement in cell.statements for name in statement.binds}
            keeps = cell.name in binds and not leaves
            takes = binds & (kept | ({cell.name} if keeps else set()))
            requests[index] = {"restores": sorted(kept), "takes": sorted(takes), "leaves": leaves}
            kept |= takes
            cell = Cell(cell.source, cell.kind, cell.name, keeps)
            notes |= _note(every, cell, is_untouched, elsewhere)
        elif cell.kind != "own":
            requests[index] = {"restores": sorted(kept)}
        cells[index] = cell
    return GradedNames(cells, requests, notes)


def _cell(cell: NotebookNode, is_books: bool) -> Cell:
    name = grade_id_of(cell) or ""
    if not name and not is_books:
        return Cell(cell.source)
    if is_test(cell):
        return Cell(cell.source, "test", name.removeprefix("test-"))
    return Cell(cell.source, "solution", name) if is_solution(cell) else Cell(cell.source, "given")


def _bindings(cells: Sequence[Cell], name: str) -> Iterator[tuple[Cell, ast.stmt]]:
    """The statements of the student's own cells that bind a name."""
    for cell in cells:
        if cell.kind == "own":
            yield from ((cell, each.node) for each in cell.statements if name in each.binds)


def _elsewhere(cells: Sequence[Cell], cell: Cell, is_untouched: bool) -> ast.stmt | None:
    """What defines the name above its test, where the solution cell does not."""
    if not is_untouched and any(cell.name in each.binds for each in cell.statements):
        return None
    found = [node for _, node in _bindings(_above_test(cells, cell.name), cell.name)]
    return next((node for node in reversed(found) if _is_definition(node)), None)


def _above_test(cells: Sequence[Cell], name: str) -> Sequence[Cell]:
    tests = (n for n, cell in enumerate(cells) if cell.kind == "test" and cell.name == name)
    return cells[: next(tests, len(cells))]


def _is_definition(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _note(
    cells: Sequence[Cell], cell: Cell, is_untouched: bool, elsewhere: ast.stmt | None
) -> dict[str, str]:
    """What to say of a name's definition that stands elsewhere, or of what else takes the name."""
    name = cell.name
    if elsewhere is not None:
        why = "is as it was released" if is_untouched else "does not define it"
        return {
            name: f"The cell of {name} {why}; graded is what a cell of your own defines: "
            f"{_shown(elsewhere)}. Move it into the cell of {name}."
        }
    taken = [node for _, node in _bindings(cells, name)]
    if not taken:
        return {}
    if is_untouched:
        below = next(filter(_is_definition, taken), None)
        if below is None:
            return {}
        return {
            name: f"The cell of {name} is as it was released. A cell of your own defines it, but "
            f"below its tests, which do not see it: {_shown(below)}. Move it into the cell of "
            f"{name}."
        }
    return {
        name: f"A cell of your own uses the name {name} as well: {_shown(taken[-1])}. Graded is "
        f"what the cell of {name} defines; nothing is taken off for it."
    }


def _shown(node: ast.stmt) -> str:
    """The first line of a statement."""
    line = ast.unparse(node).splitlines()[0]
    shown = line if line.isprintable() else ascii(line)
    return shown if len(shown) <= LONGEST_LINE else f"{shown[:LONGEST_LINE]} ..."

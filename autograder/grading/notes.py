"""What happened beside the checks, in sentences without a price: cells that stopped, and where.

Shown are lines of the student's own text; what an exception says is not, as it can say anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nbformat import NotebookNode

from autograder.course.assignment import (
    Assignment,
    error_type,
    grade_id_of,
    is_solution,
    is_test,
    without_hidden,
)
from autograder.reading.wanted import (
    debuggers,
    defined_by,
    failed_import,
    first_line,
    imports,
    read_names,
)
from autograder.sandbox.execution import Execution
from autograder.verdict.verdict import CellResult

MOST = 20  # a notebook may have thousands of cells that stop


def notes(assignment: Assignment, execution: Execution) -> list[str]:
    """What to say of the cells of one run besides the verdicts."""
    books = {cell.id for cell in assignment.notebook.cells}
    found = []
    for cell in execution.notebook.cells:
        if cell.cell_type != "code" or is_test(cell):
            continue
        called = f"your {grade_id_of(cell)}"
        if not is_solution(cell):
            whose = "the notebook's cell" if cell.id in books else "your own cell"
            called = f"{whose} that begins with `{first_line(cell.source)}`"
            found += _stopped(cell, called)
        if cell.id not in books or is_solution(cell):
            found += [
                f"`{call}` stands in {called}: grading goes past it, but here nobody can answer a "
                "debugger, and in JupyterLab it waits for you. Take it out before you hand in"
                for call in debuggers(cell.source)
            ]
    return found[:MOST]


def _stopped(cell: NotebookNode, called: str) -> list[str]:
    """What ended a cell that defines nothing graded, where something did."""
    error = error_type(cell)
    if error is None:
        return []
    if error == "SystemExit":
        return [f"{called} ends Python; in grading it ended only itself"]
    at = failed_import(cell.source, _said(cell))
    what = f"at {at}" if at else f"with {error}"
    return [f"{called} stopped {what}. What stands below that in it was not run"]


def _said(cell: NotebookNode) -> str:
    return str(next(o.get("evalue", "") for o in cell.outputs if o.output_type == "error"))


def why_stopped(execution: Execution, definition: str) -> str:
    """Why the cell of a definition did not run to its end; empty where it did."""
    error = execution.stopped.get(definition)
    if error is None:
        return ""
    cell = next(c for c in execution.notebook.cells if grade_id_of(c) == definition)
    at = failed_import(cell.source, _said(cell)) if error_type(cell) else ""
    return f"the cell that defines it stopped {f'at {at}' if at else f'with {error}'}"


def own_lines(assignment: Assignment, execution: Execution) -> frozenset[str]:
    """The lines of the student's own cells, without what stands before and after their text."""
    books = {cell.id for cell in assignment.notebook.cells}
    return frozenset(
        line.strip()
        for cell in execution.notebook.cells
        if cell.cell_type == "code" and (is_solution(cell) or cell.id not in books)
        for line in cell.source.splitlines()
    )


def missing(assignment: Assignment, execution: Execution) -> Mapping[str, str]:
    """What to say of each name and module that the student's text asks for if it is not there.

    After a point, the same of each attribute that the visible tests ask for.
    """
    cells = [c for c in execution.notebook.cells if c.cell_type == "code" and not is_test(c)]
    sources = [cell.source for cell in cells]
    said = {name: f"{name} is not defined" for name in read_names(sources)}
    said |= {name: f"there is no {name} here" for text in sources for name in imports(text)}
    visible = "\n".join(without_hidden(cell.source) for cell in assignment.tests.values())
    said |= {f".{name}": f"it has no {name}" for name in re.findall(r"\.([a-z_]\w*)", visible)}
    for cell in cells:
        if not is_solution(cell) and error_type(cell):
            because = f"because the cell that begins with `{first_line(cell.source)}` stopped"
            for name in defined_by(cell.source) & set(said):
                said[name] = f"{name} is not defined, {because}"
    return said


def made_elsewhere(results: Mapping[str, CellResult]) -> dict[str, str]:
    """By test cell, that what is said of a definition that is right happens where it is used.

    Evidence tells what was computed and not by which line: who hands the arguments over in the
    wrong order does what a wrong function would do.
    """
    right = {
        test.removeprefix("test-")
        for test, result in results.items()
        if all(check.passed for check in result.checks)
    }
    found = {}
    for test, result in results.items():
        causes = (each.definition for check in result.checks for each in check.because)
        named = sorted({definition for definition in causes if definition in right})
        if named:
            found[test] = (
                f"The mistake is named after {' and '.join(named)}, which passed every check: look "
                f"for it in {test.removeprefix('test-')}, in what that does with it or in its "
                "place."
            )
    return found

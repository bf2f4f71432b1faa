"""Cells that came or went after work was handed in: nbgrader's gradebook keeps those of before."""

from __future__ import annotations

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry

from autograder.course.assignment import Assignment, grade_id_of
from autograder.errors import CellsChangedError


def prove_same_cells(gradebook: Gradebook, assignment: Assignment) -> None:
    """See that an assignment with submissions has the cells that the gradebook knows it with.

    nbgrader refuses it otherwise, and does not say which.

    Raises: CellsChangedError.
    """
    name = assignment.name
    try:
        known = gradebook.find_notebook(name, name)
    except MissingEntry:
        return
    if not known.submissions:
        return
    before = {
        *(("graded", cell.name) for cell in known.grade_cells),
        *(("solution", cell.name) for cell in known.solution_cells),
        *(("task", cell.name) for cell in known.task_cells),
        *(("cell", cell.name) for cell in known.source_cells),
    }
    now = {kind for cell in assignment.notebook.cells for kind in _kinds(cell)}
    if before == now:
        return
    new, gone = (
        ", ".join(dict.fromkeys(id for _, id in sorted(found)))
        for found in (now - before, before - now)
    )
    changes = [f"new: {new}"] * bool(new) + [f"gone: {gone}"] * bool(gone)
    raise CellsChangedError(
        f"the cells of {name} are others than when it was graded ({'; '.join(changes)}), and "
        "nbgrader keeps those of an assignment with submissions: undo the change, or give the "
        f"changed notebook another name; or `nbgrader db assignment remove {name} --force` forgets "
        "all that the gradebook holds of it, points and comments by hand, due date and extensions "
        "too, and `workbook grade` grades it anew"
    )


def _kinds(cell: NotebookNode) -> set[tuple[str, str]]:
    """As nbgrader's SaveCells sorts a cell."""
    is_of = {
        "graded": utils.is_grade(cell),
        "solution": utils.is_solution(cell),
        "task": utils.is_task(cell),
    }
    is_of["cell"] = any(is_of.values()) or utils.is_locked(cell)
    return {(kind, grade_id_of(cell) or "") for kind, holds in is_of.items() if holds}

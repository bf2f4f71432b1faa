"""Runs a copy of a notebook from the top, and says what worked only in the order it was run in."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbformat import NotebookNode

from autograder.course.assignment import grade_id_of
from autograder.errors import DeskError
from autograder.submission.pieces import defines, statements
from workbook.mending.damage import Damage

CELL_SECONDS = 120
SHOWN = 3  # what fails after these is most often a consequence


def stale(notebook: NotebookNode, folder: Path) -> list[Damage]:
    """What fails from the top although its stored output looks fine, or is used before it is made.

    What is not written yet, or failed when it was last run, is no finding.

    Raises: DeskError, when no kernel starts.
    """
    cells = notebook.cells
    failed, endless = _run(copy.deepcopy(notebook), folder)
    found = [_finding(cells, p, failed) for p in failed if _is_stale(cells, p, failed)]
    if endless:
        found.append(
            Damage(
                "Run from the top, the notebook does not come to its end",
                (endless,),
                "what stands in that cell and below it, if the grader waits as long.",
                "",
            )
        )
    return found[:SHOWN]


def _run(notebook: NotebookNode, folder: Path) -> tuple[dict[int, tuple[str, str]], str]:
    """The errors by position, as type and message, and where it did not go on, if so."""
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        kernel_name="python3",  # the student's choice may be a name of another machine
        timeout=CELL_SECONDS,
        allow_errors=True,
        record_timing=False,
        skip_cells_with_tag="",
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    endless = ""
    try:
        client.execute()
    except (CellTimeoutError, DeadKernelError) as error:
        last = max((p for p, c in enumerate(notebook.cells) if c.get("execution_count")), default=0)
        stopped = isinstance(error, CellTimeoutError)
        why = f"runs longer than {CELL_SECONDS} s" if stopped else "ends the kernel"
        endless = f"{_label(notebook.cells, last)} or one below it {why}"
    except (NoSuchKernel, RuntimeError) as error:
        raise DeskError(f"no kernel starts here, so the notebook was not run: {error}") from error
    failed = {}
    for position, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                failed[position] = (str(output.ename), str(output.evalue))
    return failed, endless


def _is_stale(
    cells: list[NotebookNode], position: int, failed: Mapping[int, tuple[str, str]]
) -> bool:
    kind, message = failed[position]
    if kind == "NotImplementedError":
        return False
    name = _missing(kind, message)
    if name is not None:
        made = _made_in(cells, name)
        if any(p < position for p in made):
            return False  # the cell that makes it failed, which says enough
        if made:
            return True
    cell = cells[position]
    outputs = cell.get("outputs", [])
    had_failed = any(output.get("output_type") == "error" for output in outputs)
    return cell.get("execution_count") is not None and not had_failed


def _finding(
    cells: list[NotebookNode], position: int, failed: Mapping[int, tuple[str, str]]
) -> Damage:
    kind, message = failed[position]
    name = _missing(kind, message)
    if name is None:
        said = f": {message.splitlines()[0][:120]}" if message.strip() else ""
        why = f"it ends with {kind}{said}; its stored output is of an earlier run"
    else:
        made = _made_in(cells, name)
        user = next((p for p in range(position, -1, -1) if name in _used(cells[p])), position)
        used = "" if user == position else f" in {_label(cells, user)}"
        where = (
            f"is made only further down, in {_label(cells, made[0])}"
            if made
            else ("is made in no cell; the cell that made it was deleted or changed")
        )
        why = f"`{name}` is used{used}, but {where}"
    return Damage(
        "Run from the top, a cell fails that worked in the order you ran it in",
        (f"{_label(cells, position)}: {why}",),
        "the points of what needs it, as the grader runs from the top.",
        "",
    )


def _missing(kind: str, message: str) -> str | None:
    found = re.match(r"name '(\w+)' is not defined", message)
    return found.group(1) if kind == "NameError" and found else None


def _made_in(cells: list[NotebookNode], name: str) -> list[int]:
    return [
        position
        for position, cell in enumerate(cells)
        if cell["cell_type"] == "code" and name in defines(cell["source"])
    ]


def _used(cell: NotebookNode) -> Iterator[str]:
    """The names that a cell of code reads."""
    if cell["cell_type"] == "code":
        for statement in statements(cell["source"]) or []:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    yield node.id


def _label(cells: list[NotebookNode], position: int) -> str:
    name = grade_id_of(cells[position])
    return f"cell {position + 1}" + (f" ({name})" if name else "")

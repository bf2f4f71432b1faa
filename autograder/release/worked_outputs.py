"""What the book's own cells print when the solutions are right; self-checks compare with it."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from autograder.course.assignment import Assignment, is_solution, is_test
from autograder.course.released import INLINE, MATERIAL
from autograder.errors import CourseError
from autograder.sandbox.limits import limits_of

IGNORED = "nbval-ignore-output"  # a tag of cells whose output is unstable by its nature
CELL_SECONDS = 300


def worked_outputs(assignment: Assignment, release: Path) -> dict[str, list[dict[str, Any]]]:
    """Run the source notebook, and give what can be compared of its outputs, by the id of the cell.

    `release` is the folder of what is released, from which `check` answers.

    Raises: CourseError, when a cell of the source fails.
    """
    try:
        return comparable(executed(assignment, {MATERIAL: str(release)}))
    except CellExecutionError as error:
        raise CourseError(
            f"{assignment.path} does not run from the top: {error.ename}: {error.evalue}"
        ) from error


def executed(assignment: Assignment, environment: Mapping[str, str] | None = None) -> NotebookNode:
    """The source notebook with its outputs, run from the top in a fresh kernel.

    `environment` are variables of the kernel besides this process's own.

    Raises: nbclient's CellExecutionError, when a cell of the source fails.
    """
    notebook = copy.deepcopy(assignment.notebook)
    client = NotebookClient(
        notebook,
        timeout=max(CELL_SECONDS, limits_of(assignment).cell_seconds),
        resources={"metadata": {"path": str(assignment.path.parent)}},
        # How a kernel cuts its text into messages depends on the moment.
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
    )
    client.execute(env={**os.environ, "MPLBACKEND": INLINE, **(environment or {})})
    return notebook


def comparable(notebook: NotebookNode) -> dict[str, list[dict[str, Any]]]:
    """The text that the book's own cells of an executed notebook gave, by the id of the cell.

    Left out are the cells of tests, of which the verdict counts, and of solutions; and pictures,
    warnings and HTML, which look different from one machine to the next.
    """
    outputs = {
        cell.id: [kept for output in cell.outputs if (kept := _text_of(output))]
        for cell in notebook.cells
        if cell.cell_type == "code"
        and not is_test(cell)
        and not is_solution(cell)
        and IGNORED not in cell.metadata.get("tags", [])
    }
    return {name: kept for name, kept in outputs.items() if kept}


def _text_of(output: NotebookNode) -> dict[str, Any] | None:
    if output.output_type == "stream" and output.name == "stdout":
        return {"output_type": "stream", "name": "stdout", "text": output.text}
    if "text/plain" in output.get("data", {}):
        data = {"text/plain": output.data["text/plain"]}
        return {"output_type": "display_data", "data": data, "metadata": {}}
    return None

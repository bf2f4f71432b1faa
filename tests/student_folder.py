"""Students' folders for the tests of the desk: the release, and what was written into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from autograder.course.assignment import is_solution
from tests import harness
from tests.student_work import Notebook, cell_of
from workbook import material


def released(folder: Path, *names: str) -> Path:
    """A folder with these notebooks, or all of them, as they were released."""
    for name in names or material.names():
        path = folder / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(material.path_of(name).read_text("utf-8"), "utf-8")
    return folder


def write(folder: Path, name: str, **sources: str) -> None:
    """Write into the cells of these ids (`-` written as `__`)."""

    def fill(notebook: Notebook) -> None:
        for cell_id, source in sources.items():
            cell_of(notebook, cell_id.replace("__", "-"))["source"] = source

    change(folder, name, fill)


def solve(folder: Path, name: str, *only: str) -> None:
    """Write the reference into the definitions, or into some, and words into the answers."""

    def fill(notebook: Notebook) -> None:
        for cell in notebook["cells"]:
            if is_solution(cell) and (not only or cell["id"] in only):
                is_code = cell["cell_type"] == "code"
                cell["source"] = (
                    harness.definition_source(name, cell["id"]) if is_code else "Because it is so."
                )

    change(folder, name, fill)


def change(folder: Path, name: str, how: Callable[[Notebook], None]) -> None:
    """Change a saved notebook."""
    path = folder / name / f"{name}.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    how(notebook)
    path.write_text(json.dumps(notebook), "utf-8")

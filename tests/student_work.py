"""Notebooks as students hand them to `workbook check`."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness import ROOT, definition_source

Notebook = dict[str, Any]


def grade_id(cell: Mapping[str, Any]) -> str:
    found: str = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
    return found


def released(assignment: str) -> Notebook:
    path = ROOT / "release" / assignment / f"{assignment}.ipynb"
    content: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return content


def is_to_write(cell: Mapping[str, Any]) -> bool:
    is_solution = bool(cell["metadata"].get("nbgrader", {}).get("solution"))
    return cell["cell_type"] == "code" and is_solution


def solved(assignment: str, instead: str = "") -> Notebook:
    """The release with the reference's definitions, or those that `instead` has of the same name.

    What else `instead` holds stands before the first of them.
    """
    notebook = released(assignment)
    to_write = {grade_id(cell): cell for cell in notebook["cells"] if is_to_write(cell)}
    for name, cell in to_write.items():
        cell["source"] = definition_source(assignment, name)
    helpers = []
    for node in ast.parse(instead).body:
        text = ast.get_source_segment(instead, node) or ""
        name = getattr(node, "name", None)
        if name in to_write:
            to_write[name]["source"] = text
        else:
            helpers.append(text)
    first = next(iter(to_write.values()))
    first["source"] = "\n\n".join([*helpers, first["source"]])
    return notebook


def cell_of(notebook: Notebook, name: str) -> dict[str, Any]:
    """The cell with this id."""
    (found,) = [cell for cell in notebook["cells"] if cell["id"] == name]
    return found


def own_cell(source: str, name: str = "mine") -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def saved(notebook: Notebook, folder: Path, name: str) -> Path:
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path

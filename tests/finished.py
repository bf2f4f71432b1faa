"""Notebooks as honest students have them: untouched, or finished with cells of their own."""

from __future__ import annotations

import copy

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.harness import ROOT, definition_source, grade_id

NAME = "01-scaled-dot-product-attention"
ANSWER = "The sum of E products has variance E.\nSo we divide by its root."
HELPER = "def shapes_of(*tensors):\n    return [tuple(each.shape) for each in tensors]"
NOTE = "**My note.** The rows sum to one."


def released(name: str = NAME) -> NotebookNode:
    return nbformat.read(ROOT / "release" / name / f"{name}.ipynb", as_version=4)


def finished(name: str = NAME) -> NotebookNode:
    """Every solution, the written answer, a helper and a note, with outputs."""
    notebook = released(name)
    for number, cell in enumerate(notebook.cells):
        flags = cell.metadata.get("nbgrader", {})
        if flags.get("solution"):
            is_code = cell.cell_type == "code"
            cell.source = definition_source(name, flags["grade_id"]) if is_code else ANSWER
        if cell.cell_type == "code":
            cell.execution_count = number
            cell.outputs = [new_output("stream", name="stdout", text=f"output {number}\n")]
    first = next(n for n, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(first + 1, new_code_cell(HELPER, id="my-helper"))
    notebook.cells.insert(first + 3, new_markdown_cell(NOTE, id="my-note"))
    return notebook


def place(notebook: NotebookNode, name: str) -> int:
    """The position of the first cell with this grade_id or id."""
    return next(n for n, c in enumerate(notebook.cells) if name in (grade_id(c), c.get("id")))


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return notebook.cells[place(notebook, name)]


def own_lines(notebook: NotebookNode, name: str = NAME) -> set[str]:
    """The lines that the book has not."""
    theirs = {line.strip() for each in released(name).cells for line in each.source.splitlines()}
    mine = {line.strip() for each in notebook.cells for line in each.source.splitlines()}
    return mine - theirs


def copied(one: NotebookNode, name: str) -> NotebookNode:
    """As JupyterLab copies a cell: with its metadata, under another id."""
    other = copy.deepcopy(one)
    other.id = name
    return other

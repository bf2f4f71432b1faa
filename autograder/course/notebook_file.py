"""The one form in which notebooks are kept: that of nbformat, which Jupyter's tools write too.

A cell's source stands line by line and keys are in order, so a difference between two versions of
a file is what was edited.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.errors import CourseError

VERSION = (4, 5)  # the first in which cells have ids


def read(path: Path) -> NotebookNode:
    """The notebook of a file; cells of an older one, which have no ids, are numbered.

    Raises: OSError, when it is not there; CourseError, when it is not a notebook.
    """
    text = path.read_text(encoding="utf-8")
    try:
        notebook: NotebookNode = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
        if (notebook.nbformat, notebook.nbformat_minor) < VERSION:
            notebook = nbformat.convert(notebook, VERSION[0])
            notebook = nbformat.v4.upgrade(notebook, VERSION[0], notebook.nbformat_minor)
            for number, cell in enumerate(notebook.cells, start=1):
                cell.id = f"cell-{number}"  # nbformat draws other ones each time
    except Exception as error:  # nbformat lets many kinds out
        raise CourseError(f"{path} is not a notebook: {error}") from error
    return notebook


def written(notebook: NotebookNode) -> str:
    """The text of a notebook's file."""
    return str(nbformat.writes(_as_in_javascript(copy.deepcopy(notebook)))) + "\n"


def _as_in_javascript(node: Any) -> Any:
    """The same with whole numbers as integers: JupyterLab has no 4.0 beside 4."""
    if isinstance(node, dict):
        for key in node:
            node[key] = _as_in_javascript(node[key])
    elif isinstance(node, list):
        node[:] = map(_as_in_javascript, node)
    elif isinstance(node, float) and node.is_integer():
        return int(node)
    return node

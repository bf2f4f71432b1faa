"""Makes the cells of a mended notebook: the book's, the student's, and notes of what is kept."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from autograder.course.assignment import grade_id_of, is_test
from autograder.submission.pieces import defines, statements

NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


def book_cell(book: NotebookNode, text: str, parts: list[tuple[str, Any]]) -> NotebookNode:
    """One of the book's cells with a text of the student's.

    `parts` are the cells that it was, as text and JSON: outputs of the same text are kept.
    """
    cell: NotebookNode = copy.deepcopy(book)
    cell.source = text
    for source, raw in parts:
        if book.cell_type == "code" and source == text:
            cell.outputs, cell.execution_count = _outputs(raw)
        if book.cell_type == "markdown" and text != book.source:
            _attach(cell, raw)
    return cell


def own_cell(raw: Mapping[str, Any], kind: str, source: str, text: str) -> NotebookNode:
    """A cell of the student's own, without what claims that nbgrader knows it."""
    cell = _made(NEW.get(kind, new_raw_cell), text)
    if isinstance(raw.get("id"), str) and re.fullmatch(r"[\w-]{1,64}", raw["id"], re.ASCII):
        cell.id = raw["id"]
    if isinstance(raw.get("metadata"), Mapping) and _is_valid(
        [{"cell_type": "raw", "id": "any", "source": "", "metadata": raw["metadata"]}]
    ):
        cell.metadata = nbformat.from_dict(dict(raw["metadata"]))
    for key in ("nbgrader", "deletable", "editable"):
        cell.metadata.pop(key, None)
    if cell.cell_type != "code":
        _attach(cell, raw)
    elif text == source:
        cell.outputs, cell.execution_count = _outputs(raw)
    return cell


def beside(book: NotebookNode, text: str) -> NotebookNode:
    """What the student wrote into a cell that is not theirs, as a cell of their own.

    Code is run there, as in the grader; a changed test is not, as the grader takes none.
    """
    is_python = statements(text) is not None
    if is_test(book) or (book.cell_type == "code" and not is_python):
        return note(grade_id_of(book) or book.id, text)
    if book.cell_type == "code" or (is_python and defines(text)):
        return _made(new_code_cell, text)
    return _made(new_markdown_cell, text)


def note(name: str | None, text: str) -> NotebookNode:
    """Code that is kept, but not run."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    kept = f"{fence}python\n{text}\n{fence}"
    return _made(new_markdown_cell, f"Kept by `workbook doctor`: a text of `{name}`.\n\n{kept}")


def _made(make: Callable[[str], Any], text: str) -> NotebookNode:
    cell: NotebookNode = make(text)
    return cell


def _outputs(raw: Mapping[str, Any]) -> tuple[list[Any], int | None]:
    """A cell's outputs and number, or none where they are not as the format wants them."""
    outputs, number = raw.get("outputs", []), raw.get("execution_count")
    cell = {"cell_type": "code", "id": "any", "metadata": {}, "source": ""}
    if _is_valid([{**cell, "outputs": outputs, "execution_count": number}]):
        return [nbformat.from_dict(output) for output in outputs], number
    return [], None


def _attach(cell: NotebookNode, raw: Mapping[str, Any]) -> None:
    """Take over pictures that were pasted into a text."""
    theirs = raw.get("attachments")
    if not isinstance(theirs, Mapping):
        return
    pictures = {**cell.get("attachments", {}), **theirs}
    plain = {"cell_type": cell.cell_type, "id": "any", "metadata": {}, "source": ""}
    if _is_valid([{**plain, "attachments": pictures}]):
        cell.attachments = nbformat.from_dict(pictures)


def _is_valid(cells: list[Any]) -> bool:
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return next(iter(nbformat.validator.iter_validate(content)), None) is None

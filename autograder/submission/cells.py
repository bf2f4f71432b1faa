"""Reads the cells of what a student handed in: whatever the file is, in one form or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from autograder.course.assignment import grade_id_of
from autograder.errors import UnreadableError
from autograder.submission.handed_in import read_notebook
from autograder.submission.pictures import Pictures, attached

MAX_CELLS = 2_000
MAX_BRACKETS = 1_000_000  # as many objects take a small part of a gigabyte


class SubmittedCell(TypedDict):
    """All that is read of a cell that a student handed in; `source` is one text."""

    cell_type: str
    source: str
    id: str | None
    grade_id: str | None
    pictures: Pictures


def read_submission(path: Path) -> list[SubmittedCell]:
    """The cells of a submitted notebook, as type, source, names and pictures only.

    Raises: UnreadableError, for whatever is not a notebook.
    """
    return parse(read_notebook(path), path.name)


def parse(notebook: bytes, name: str) -> list[SubmittedCell]:
    """The cells of the content of a notebook called `name`.

    Raises: UnreadableError, for whatever is not a notebook.
    """
    return read_cells(parse_whole(notebook, name), name)


def parse_whole(notebook: bytes, name: str) -> dict[str, Any]:
    """The content of a notebook called `name`, in format 4; what its cells are is not looked at.

    Raises: UnreadableError, for whatever is not a notebook.
    """
    if notebook.count(b"{") + notebook.count(b"[") > MAX_BRACKETS:
        raise UnreadableError(f"{name} is too large: it holds more than {MAX_BRACKETS:,} objects")
    try:
        text = notebook.decode("utf-8-sig")
        content = json.loads(text)
        if not isinstance(content, dict):
            raise UnreadableError(f"{name} is JSON, but not a notebook")
        if content.get("nbformat") != 4:
            import nbformat  # late, as the desk in a kernel has no use for it

            content = nbformat.convert(nbformat.reader.reads(text), 4)
        return dict(content)
    except UnreadableError:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableError(
            f"{name} is not a notebook: it ends early or is not JSON ({_short(error)})"
        ) from error
    except Exception as error:
        raise UnreadableError(f"{name} is not a notebook: {_short(error)}") from error


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__


def read_cells(content: Mapping[str, Any], name: str) -> list[SubmittedCell]:
    """The cells of a parsed notebook called `name`.

    Raises: UnreadableError, when it has no list of cells.
    """
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise UnreadableError(f"{name} is not a notebook: it has no list of cells")
    if len(cells) > MAX_CELLS:
        raise UnreadableError(f"{name} has {len(cells)} cells; at most {MAX_CELLS} are graded")
    read: list[SubmittedCell] = []
    for cell in cells:
        if not isinstance(cell, Mapping):
            raise UnreadableError(f"{name} is not a notebook: a cell is not an object")
        source = cell.get("source", "")
        if isinstance(source, list):
            source = "".join(str(line) for line in source)
        identity = cell.get("id")
        read.append(
            {
                "cell_type": str(cell.get("cell_type")),
                # A lone surrogate is valid JSON, but cannot be written into a file.
                "source": str(source).encode("utf-8", "replace").decode("utf-8"),
                "id": identity if isinstance(identity, str) else None,
                "grade_id": grade_id_of(cell),
                "pictures": attached(cell),
            }
        )
    return read


def plain(text: str) -> str:
    """A text without the blanks that nobody sees: at its ends and at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())

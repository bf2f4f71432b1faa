"""A student's file as it lies there: which notebook it is, and what can be read of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.course.assignment import grade_id_of
from autograder.errors import DeskError, UnreadableError
from autograder.submission.handed_in import read_notebook
from workbook import material
from workbook.mending.conflict import sides


@dataclass(frozen=True)
class Opened:
    """One file: `content` is None where it is no notebook, and `problem` says why.

    `sides` are the two contents where git left a conflict in the file, else empty.
    """

    path: Path
    raw: bytes
    name: str
    content: dict[str, Any] | None
    problem: str
    sides: tuple[bytes, ...] = ()

    @cached_property
    def right_path(self) -> Path:
        """Where the notebook has to be for nbgrader to find it."""
        return self.path.with_name(f"{self.name}.ipynb")


def open_file(file: Path) -> Opened:
    """Read a file that is, or was, one of the released notebooks.

    Raises: DeskError, when it is not there, cannot be read or is something else.
    """
    path = file.resolve()
    if path.is_dir():
        raise DeskError(f"{file} is a folder: give the notebook in it, {_example(path)}")
    if not path.exists():
        raise DeskError(f"{file} is not there: {_nearby(path)}")
    try:
        raw = read_notebook(path)
    except UnreadableError as error:
        raise DeskError(str(error)) from error
    content, problem = _parsed(raw)
    found: tuple[bytes, ...] = ()
    if content is None and (found := sides(raw)):
        content = next((side for part in found if (side := _parsed(part)[0]) is not None), None)
    name = _belongs(path, content)
    if name is None:
        raise DeskError(
            f"{file} is none of the workbook's notebooks, going by its name and its cells; they "
            f"are {', '.join(material.names())}"
        )
    return Opened(path, raw, name, content, problem, found)


def _parsed(raw: bytes) -> tuple[dict[str, Any] | None, str]:
    """A notebook's content as the grader reads it, or None and why it is none."""
    from autograder.submission.cells import parse_whole, read_cells  # late, as it takes long

    try:
        content = parse_whole(raw, "the file")
        read_cells(content, "the file")
    except UnreadableError as error:
        return None, str(error)
    return content, ""


def _belongs(path: Path, content: Mapping[str, Any] | None) -> str | None:
    """Which notebook this is: by its cells, else by the name of the file."""
    named = next((name for name in material.names() if path.name.startswith(name)), None)
    if content is None:
        return named
    from autograder.submission.cells import read_cells  # late, as it takes long

    cells = read_cells(content, path.name)
    ids = {cell["id"] for cell in cells if cell["id"]}
    return material.recognised(path, cells, ids) or named


def marks_of(cell: Mapping[str, Any]) -> set[str]:
    """What names a cell: its grade_id and its id."""
    return {mark for mark in (grade_id_of(cell), cell.get("id")) if isinstance(mark, str)}


def _example(folder: Path) -> str:
    inside = sorted(each.name for each in folder.glob("*.ipynb"))
    return f"such as {folder.name}/{inside[0]}" if inside else "whose name ends in .ipynb"


def _nearby(path: Path) -> str:
    """What may have been meant by a path where nothing is."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    number = re.match(r"[\w]+", path.name)
    inside = sorted(each.name for each in folder.glob("*.ipynb*"))
    alike = [name for name in inside if number and name.startswith(number.group())]
    if alike or inside:
        return f"in {folder} there is {', '.join((alike or inside)[:4])}"
    return f"in {folder} there is no notebook; go to the folder that `workbook start` made"

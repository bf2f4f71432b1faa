"""Pours a submission into a fresh copy of the instructor's notebook.

The student gives the text of the solution cells, the written answers and cells of their own;
everything else is the instructor's. So whatever was done to tags, points, metadata, test cells,
kernels or schema versions has no effect, and there is nothing to detect.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import nbformat
from nbformat import NotebookNode

from autograder.course.assignment import (
    Assignment,
    grade_id_of,
    is_solution,
    is_test,
    stub,
    without_hidden,
)
from autograder.errors import UnreadableError
from autograder.submission.handed_in import read_notebook

MAX_CELLS = 2_000
MAX_BRACKETS = 1_000_000  # as many objects take a small part of a gigabyte


class SubmittedCell(TypedDict):
    """All that is read of a cell that a student handed in; `source` is one text."""

    cell_type: str
    source: str
    id: str | None
    grade_id: str | None


def read_submission(path: Path) -> list[SubmittedCell]:
    """The cells of a submitted notebook, as type, source, id and grade_id only.

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
            }
        )
    return read


def released_stubs(assignment: Assignment) -> dict[str, str]:
    """The solution cells of a released notebook, which is its own template, by grade_id."""
    cells = (cell for cell in assignment.notebook.cells if is_solution(cell))
    return {name: cell.source for cell in cells if (name := grade_id_of(cell))}


class Rebuilder:
    """Rebuilds submissions of one assignment.

    `stubs` are the solution cells as students get them, by grade_id; without, nbgrader makes them.
    """

    def __init__(
        self,
        assignment: Assignment,
        config: Any = None,
        *,
        stubs: Mapping[str, str] | None = None,
    ) -> None:
        self._cells: Sequence[NotebookNode] = assignment.notebook.cells
        self._notebook = assignment.notebook
        self._is_for_nbgrader = stubs is None
        self._stubs: dict[str | None, str] = (
            {grade_id_of(cell): stub(cell, config) for cell in self._cells if is_solution(cell)}
            if stubs is None
            else dict(stubs.items())
        )
        self._by_grade_id = {
            name: index for index, c in enumerate(self._cells) if (name := grade_id_of(c))
        }
        self._by_id = {cell.get("id"): index for index, cell in enumerate(self._cells)}
        self._by_text = {
            plain(without_hidden(cell.source)): index
            for index, cell in enumerate(self._cells)
            if not is_solution(cell)
        }

    def rebuild(self, submitted: Sequence[SubmittedCell]) -> NotebookNode:
        """The notebook to be executed: the instructor's, with the student's text in its place."""
        texts: dict[int, list[str]] = {}
        own: dict[int, list[str]] = {}
        known = [self.known(cell) for cell in submitted]
        place = -1
        for position, (cell, index) in enumerate(zip(submitted, known, strict=True)):
            if index is not None:
                place = index
                if is_solution(self._cells[index]):
                    texts.setdefault(index, []).append(cell["source"])
                    continue
            if self._is_own(cell, index):
                # Where cells were moved, a helper has to stay before the cell below it.
                below = next((i for i in known[position + 1 :] if i is not None), place + 1)
                own.setdefault(min(place, below - 1), []).append(cell["source"])
        return self._filled(texts, own)

    def _is_own(self, cell: SubmittedCell, index: int | None) -> bool:
        """Whether a cell is code of the student's, also written into one of the instructor's."""
        if cell["cell_type"] != "code" or not cell["source"].strip():
            return False
        if index is None:
            return True
        theirs = self._cells[index]
        if theirs.cell_type != "code" or is_test(theirs):
            return False
        return plain(cell["source"]) != plain(theirs.source)

    def known(self, cell: SubmittedCell) -> int | None:
        """Which of the instructor's cells this is, if any."""
        if cell["grade_id"] is not None:
            return self._by_grade_id.get(cell["grade_id"])
        if cell["id"] in self._by_id:
            return self._by_id[cell["id"]]
        return self._by_text.get(plain(cell["source"]))

    def _filled(self, texts: Mapping[int, list[str]], own: Mapping[int, list[str]]) -> NotebookNode:
        notebook = copy.deepcopy(self._notebook)
        cells = [_own_cell(text, f"own-0-{n}") for n, text in enumerate(own.get(-1, []))]
        for index, cell in enumerate(notebook.cells):
            # By its checksum, that of the stub, nbgrader tells that a cell was left untouched.
            if is_solution(cell):
                cell.source = self._stubs[grade_id_of(cell)]
            if grade_id_of(cell) and self._is_for_nbgrader:
                from nbgrader.utils import compute_checksum  # late, as it takes long

                cell.metadata.nbgrader["checksum"] = compute_checksum(cell)
            if is_solution(cell):
                cell.source = self._text(cell, texts.get(index, []))
            cells.append(cell)
            cells += [
                _own_cell(text, f"own-{index + 1}-{n}") for n, text in enumerate(own.get(index, []))
            ]
        notebook.cells = cells
        return notebook

    def _text(self, cell: NotebookNode, texts: list[str]) -> str:
        """What the student wrote for one cell.

        A doubled or split cell counts as its parts in order, as when the notebook is run; parts
        left as they were released are passed over. A deleted one is left empty rather than
        made a stub, which would undo a definition that stands in a cell of the student's own.
        """
        untouched = self._stubs[grade_id_of(cell)]
        if not texts:
            return "" if cell.cell_type == "code" else untouched
        written = [text for text in texts if plain(text) != plain(untouched)]
        last_of_each = reversed(dict.fromkeys(reversed(written)))
        return "\n\n".join(last_of_each) or untouched


def plain(text: str) -> str:
    """A text without the blanks that nobody sees: at its ends and at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _own_cell(text: str, name: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell(text, id=name)
    return cell

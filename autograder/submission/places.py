"""Which of the instructor's cells a cell of a submission is: by names, text or what it defines."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from nbformat import NotebookNode

from autograder.course.assignment import RUBRIC, grade_id_of, is_solution, without_hidden
from autograder.submission.cells import SubmittedCell, plain
from autograder.submission.pieces import defines


class Places:
    """The cells of the instructor's notebook, as those of a submission are known by them."""

    def __init__(self, book: Sequence[NotebookNode]) -> None:
        self._by_grade_id = {name: i for i, c in enumerate(book) if (name := grade_id_of(c))}
        self._by_id = {cell.get("id"): index for index, cell in enumerate(book)}
        self._by_text = {
            plain(visible(cell)): index for index, cell in enumerate(book) if not is_solution(cell)
        }
        self._definitions = {
            name: index
            for name, index in self._by_grade_id.items()
            if is_solution(book[index]) and book[index].cell_type == "code"
        }

    def known(self, cell: SubmittedCell) -> int | None:
        """Which of the instructor's cells this is, going by its names or its text."""
        if cell["grade_id"] in self._by_grade_id:
            return self._by_grade_id[cell["grade_id"]]
        if cell["id"] in self._by_id:
            return self._by_id[cell["id"]]
        return self._by_text.get(plain(cell["source"]))

    def of(self, submitted: Sequence[SubmittedCell]) -> list[int | None]:
        """For each cell the index of the instructor's that it is, or None for the student's own.

        Where a solution cell is not there, it is the one that makes its definition, and no other
        that is missing, at its place between the others.
        """
        found = [self.known(cell) for cell in submitted]
        missing = {name: index for name, index in self._definitions.items() if index not in found}
        if not missing:
            return found
        for position, cell in enumerate(submitted):
            if found[position] is None and cell["cell_type"] == "code":
                made = _made(cell["source"], missing)
                index = missing[made.pop()] if len(made) == 1 else None
                if index is not None and _is_between(found, position, index):
                    found[position] = index
        return found


def visible(cell: NotebookNode) -> str:
    """What a student sees of a cell that is not theirs."""
    return RUBRIC.sub("", without_hidden(cell.source))


def _made(text: str, names: Collection[str]) -> set[str]:
    """Which of these names a cell defines, also where it is no Python yet."""
    begun = {
        name for name in names if re.search(rf"^(?:def|class) {re.escape(name)}\b", text, re.M)
    }
    return begun | (defines(text) & set(names))


def _is_between(found: Sequence[int | None], position: int, index: int) -> bool:
    above = next((i for i in reversed(found[:position]) if i is not None), index)
    below = next((i for i in found[position + 1 :] if i is not None), index)
    return above <= index <= below

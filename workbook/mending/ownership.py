"""Whose text each cell of a student's notebook is: the book's, a piece of that, or theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from nbformat import NotebookNode

from autograder.course.assignment import Assignment, grade_id_of, is_solution, is_test
from autograder.submission.answers import WrittenAnswers, is_answer
from autograder.submission.cells import SubmittedCell, plain, read_cells
from autograder.submission.pieces import (
    belong_together,
    defines,
    one_cell,
    split_off,
    split_off_added,
    statements,
)
from autograder.submission.rebuild import Rebuilder, released_stubs
from workbook import material


@dataclass
class Ownership:
    """The student's cells by their positions, the book's by their indices.

    `places` has for each position the book's cell that it is, or None for one of the student's
    own. `rest` is what stays of the student's own cells, `put_back` what of any cell belongs into
    solution cells that nobody wrote.
    """

    name: str
    content: Mapping[str, Any]
    places: list[int | None] = field(init=False)
    rest: dict[int, str] = field(init=False, default_factory=dict)
    put_back: dict[int, dict[int, str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.places = self.rebuilder.places.of(self.cells)
        self._release_copies()
        self._join_halves()
        self._put_back()
        self._put_back_answers()

    @cached_property
    def released(self) -> Assignment:
        """The assignment as it was released."""
        return Assignment(self.name, material.path_of(self.name))

    @property
    def book(self) -> NotebookNode:
        """The released notebook."""
        return self.released.notebook

    @cached_property
    def cells(self) -> list[SubmittedCell]:
        """The student's cells as the grader reads them."""
        return read_cells(self.content, f"{self.name}.ipynb")

    @cached_property
    def rebuilder(self) -> Rebuilder:
        """What the grader would do, with the released cells for stubs."""
        return Rebuilder(self.released, stubs=released_stubs(self.released))

    @cached_property
    def positions(self) -> dict[int, list[int]]:
        """Where each of the book's cells stands, pieces in order."""
        found: dict[int, list[int]] = {}
        for position, index in enumerate(self.places):
            if index is not None:
                found.setdefault(index, []).append(position)
        return found

    def solutions(self) -> Iterator[tuple[int, str, NotebookNode]]:
        """The solution cells of code: index, name, released cell."""
        for index, cell in enumerate(self.book.cells):
            if is_solution(cell) and cell.cell_type == "code":
                yield index, str(grade_id_of(cell)), cell

    def code(self, index: int, name: str, book: NotebookNode) -> tuple[str, dict[int, str]]:
        """The text of a solution cell, and what is left over, by position."""
        pieces = {p: self.cells[p]["source"] for p in self.positions.get(index, [])}
        pieces |= self.put_back.get(index, {})
        ordered = [pieces[position] for position in sorted(pieces)]
        text, left_over = one_cell(name, ordered, book.source)
        where = {piece: position for position, piece in sorted(pieces.items())}
        last = max(pieces, default=0)
        return text or book.source, {where.get(piece, last): piece for piece in left_over}

    def slot(self, position: int) -> int:
        """After which of the book's cells one of the student's own stands; -1 for the top.

        As in the grader, a helper stays before the cell below it, also where cells were moved.
        """
        above = next((i for i in reversed(self.places[:position]) if i is not None), -1)
        below = next((i for i in self.places[position + 1 :] if i is not None), above + 1)
        return min(above, below - 1)

    def _release_copies(self) -> None:
        """A copy of a cell that nobody grades is the student's own, to play with."""
        for index, found in self.positions.items():
            book = self.book.cells[index]
            if not grade_id_of(book):
                first = next((p for p in found if self.cells[p]["id"] == book.id), found[0])
                for position in found:
                    self.places[position] = index if position == first else None
        del self.positions

    def _join_halves(self) -> None:
        """The other half of a split solution cell may have lost what names it."""
        is_code = [self.cells[p]["cell_type"] == "code" for p in range(len(self.cells))]
        code = {index for index, _, _ in self.solutions()}
        text = [cell["source"] for cell in self.cells]
        for position in range(1, len(self.cells)):
            above, here = self.places[position - 1], self.places[position]
            if above in code and here is None and is_code[position]:
                if belong_together(text[position - 1], text[position]):
                    self.places[position] = above
                    text[position] = f"{text[position - 1]}\n{text[position]}"
            elif above is None and here in code and is_code[position - 1]:
                broken = statements(text[position]) is None
                if broken and belong_together(text[position - 1], text[position]):
                    self.places[position - 1] = here

    def _put_back(self) -> None:
        """Find the solutions that stand in other cells than their own."""
        self.rest = {
            p: self.cells[p]["source"] for p, index in enumerate(self.places) if index is None
        }
        missing: dict[str, int] = {}
        until: dict[str, int] = {}
        for index, name, book in self.solutions():
            texts = {p: plain(self.cells[p]["source"]) for p in self.positions.get(index, [])}
            if set(texts.values()) <= {"", plain(book.source)}:
                missing[name] = index
                stubs = [p for p, text in texts.items() if text]
                # Below a cell that is not written yet, a definition is in force already.
                until[name] = min(stubs, default=len(self.cells))
        for position, place in enumerate(self.places):
            cell = self.cells[position]
            text = cell["source"]
            # Nobody runs a definition that stands in a test cell.
            everywhere = place is not None and is_test(self.book.cells[place])
            names = {n for n in missing if everywhere or position < until[n]} & defines(text)
            if cell["cell_type"] != "code":
                # A note may read like Python; a definition in it is a cell of another type.
                names = {name for name in names if re.search(rf"^(def|class) {name}\b", text, re.M)}
            parts, rest = self._parted(text, place, names)
            for name, part in parts.items():
                self.put_back.setdefault(missing[name], {})[position] = part
            if place is None:
                self.rest[position] = rest
            elif parts:
                self.cells[position] = {**cell, "source": rest}

    def _put_back_answers(self) -> None:
        """An answer may stand in the cell of its question, or in a text beside its own cell."""
        book = self.book.cells
        stubs = {index: cell.source for index, cell in enumerate(book) if is_answer(cell)}
        answers = WrittenAnswers(self.cells, self.places, book, stubs)
        for index, beside in answers.beside.items():
            texts = {plain(self.cells[p]["source"]) for p in self.positions.get(index, [])}
            if not texts <= {"", plain(stubs[index])}:
                continue
            for position, text in beside.items():
                cell, place = self.cells[position], self.places[position]
                if place is not None:
                    self.cells[position] = {**cell, "source": book[place].source}
                elif cell["cell_type"] == "code" or self.rest[position] != cell["source"]:
                    continue
                else:
                    self.rest[position] = ""
                self.put_back.setdefault(index, {})[position] = text

    def _parted(self, text: str, index: int | None, names: set[str]) -> tuple[dict[str, str], str]:
        """The parts of a cell's text that define these names, and what stays in the cell.

        `index` is the book's cell that it is. A helper goes with the part that the book has first.
        """
        if index is None or not names:
            return split_off(text, names)
        book = self.book.cells[index]
        if not is_solution(book):
            return split_off_added(text, names, book.source)
        own = str(grade_id_of(book))
        parts, rest = split_off(text, names | {own})
        order = [str(grade_id_of(cell)) for cell in self.book.cells]
        first = min(parts, key=order.index)
        parts[first] = f"{rest}\n{parts[first]}".strip("\n")
        return parts, parts.pop(own, "")

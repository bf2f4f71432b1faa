"""Pours a submission into a fresh copy of the instructor's notebook.

The student gives the text of the solution cells, the written answers, what stands below a task and
code of their own; everything else is the instructor's. So whatever was done to tags, points,
metadata, test cells, kernels or schema versions has no effect, and there is nothing to detect.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode, from_dict

from autograder.course.assignment import (
    Assignment,
    grade_id_of,
    is_solution,
    is_test,
    stub,
)
from autograder.submission.answers import WrittenAnswers, is_answer
from autograder.submission.cells import SubmittedCell, plain
from autograder.submission.places import Places
from autograder.submission.tasks import OWN, below


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
        self.stubs: dict[str | None, str] = (
            {grade_id_of(cell): stub(cell, config) for cell in self._cells if is_solution(cell)}
            if stubs is None
            else dict(stubs.items())
        )
        self.places = Places(self._cells)
        self._answers = {
            index: self.stubs[grade_id_of(cell)]
            for index, cell in enumerate(self._cells)
            if is_answer(cell)
        }

    def rebuild(self, submitted: Sequence[SubmittedCell]) -> NotebookNode:
        """The notebook to be executed: the instructor's, with the student's text in its place."""
        texts: dict[int, list[str]] = {}
        own: dict[int, list[SubmittedCell]] = {}
        known = self.places.of(submitted)
        for_tasks = below(known, self._cells)
        place = -1
        for position, (cell, index) in enumerate(zip(submitted, known, strict=True)):
            if index is not None:
                place = index
                if is_solution(self._cells[index]):
                    texts.setdefault(index, []).append(cell["source"])
                    continue
            if position in for_tasks:
                if cell["source"].strip() or cell["pictures"]:
                    own.setdefault(place, []).append(cell)
            elif self._is_own(cell, index):
                # Where cells were moved, a helper has to stay before the cell below it.
                next_one = next((i for i in known[position + 1 :] if i is not None), place + 1)
                own.setdefault(min(place, next_one - 1), []).append(cell)
        # What is there for a task is no answer to the question beside it.
        others = [_emptied(c) if n in for_tasks else c for n, c in enumerate(submitted)]
        answers = WrittenAnswers(others, known, self._cells, self._answers)
        return self._filled(texts, own, answers)

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

    def _filled(
        self,
        texts: Mapping[int, list[str]],
        own: Mapping[int, list[SubmittedCell]],
        answers: WrittenAnswers,
    ) -> NotebookNode:
        notebook = copy.deepcopy(self._notebook)
        cells = [_own_cell(each, f"{OWN}0-{n}") for n, each in enumerate(own.get(-1, []))]
        for index, cell in enumerate(notebook.cells):
            # By its checksum, that of the stub, nbgrader tells that a cell was left untouched.
            if is_solution(cell):
                cell.source = self.stubs[grade_id_of(cell)]
            if grade_id_of(cell) and self._is_for_nbgrader:
                from nbgrader.utils import compute_checksum  # late, as it takes long

                cell.metadata.nbgrader["checksum"] = compute_checksum(cell)
            if is_answer(cell):
                answers.write(cell, index, is_asked=self._is_for_nbgrader)
            elif is_solution(cell):
                cell.source = self._text(cell, texts.get(index, []))
            cells.append(cell)
            cells += [
                _own_cell(each, f"{OWN}{index + 1}-{n}")
                for n, each in enumerate(own.get(index, []))
            ]
        notebook.cells = cells
        return notebook

    def _text(self, cell: NotebookNode, texts: list[str]) -> str:
        """What the student wrote for one cell.

        A doubled or split cell counts as its parts in order, as when the notebook is run; parts
        left as they were released are passed over. A deleted one is left empty rather than
        made a stub, which would undo a definition that stands in a cell of the student's own.
        """
        untouched = self.stubs[grade_id_of(cell)]
        if not texts:
            return ""
        written = [text for text in texts if plain(text) != plain(untouched)]
        last_of_each = reversed(dict.fromkeys(reversed(written)))
        return "\n\n".join(last_of_each) or untouched


def _own_cell(cell: SubmittedCell, name: str) -> NotebookNode:
    if cell["cell_type"] == "code":
        made: NotebookNode = nbformat.v4.new_code_cell(cell["source"], id=name)
        return made
    made = nbformat.v4.new_markdown_cell(cell["source"], id=name)
    if cell["pictures"]:
        made.attachments = from_dict(cell["pictures"])
    return made


def _emptied(cell: SubmittedCell) -> SubmittedCell:
    return {**cell, "source": "", "pictures": {}}

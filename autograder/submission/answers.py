"""Written answers that stand beside, instead of, above or inside the cell that is meant for them.

What stands between a question and the next cell of the instructor's is an answer to it. What
stands anywhere else may be one: a person is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nbformat import NotebookNode, from_dict

from autograder.course.assignment import is_solution
from autograder.submission.cells import SubmittedCell, plain
from autograder.submission.pictures import Pictures, in_files, joined
from autograder.submission.pieces import statements
from autograder.submission.places import visible
from autograder.submission.tasks import is_own_text

BESIDE = "*[Grader: this stood beside the cell for the answer, not in it.]*"
ASKED = (
    "*[Grader: the answer's own cell is as it was released, but cell {} of the notebook holds "
    "this. Is it the answer?]*"
)
MIN_WORDS = 2  # of a line that is not anybody's, as a bracket is
HALF = 0.5  # of a question's lines, without which its cell was written over


class WrittenAnswers:
    """Where the student's texts are that stand in no answer's cell.

    `places` has for each of the student's cells the index of the instructor's that it is, or None.
    """

    def __init__(
        self,
        cells: Sequence[SubmittedCell],
        places: Sequence[int | None],
        book: Sequence[NotebookNode],
        stubs: Mapping[int, str],
    ) -> None:
        self._cells, self._places, self._book, self._stubs = cells, places, book, stubs
        texts = [*(visible(cell) for cell in book if not is_solution(cell)), *stubs.values()]
        self._given = {""}.union(*map(_lines, texts))
        # By question and position, what answers it; of code, that it stands there.
        self.beside: dict[int, dict[int, str]] = {}
        self._code: dict[int, list[int]] = {}
        for index, cell in enumerate(book):
            if is_answer(cell):
                near = sorted(set(self._near(index)))
                found = {p: text for p in near if (text := self._text(p)).strip()}
                self.beside[index] = found
                self._code[index] = [p for p in near if p not in found and self._is_code(p)]

    def _near(self, index: int) -> Iterator[int]:
        """The positions of what stands at a question or at the cell for its answer."""
        question = index - 1 if index and not is_solution(self._book[index - 1]) else None
        for position, place in enumerate(self._places):
            if place == index:
                yield from self._run(position, -1)
                yield from self._run(position, 1)
            elif question is not None and (
                place == question or (place is None and self._is_piece(position, question))
            ):
                if place is not None:
                    yield position
                yield from self._run(position, 1)

    def _run(self, position: int, step: int) -> Iterator[int]:
        """The student's own cells from a cell on, as far as the next one of the instructor's."""
        position += step
        while 0 <= position < len(self._cells) and self._places[position] is None:
            yield position
            position += step

    def _text(self, position: int) -> str:
        """The student's words in a cell, or nothing where all of it is given or code."""
        cell, place = self._cells[position], self._places[position]
        if place is not None:
            return self._inside(position, place)
        if cell["cell_type"] == "code" and not is_prose(cell["source"]):
            return ""
        return "" if _lines(cell["source"]) <= self._given else cell["source"]

    def _inside(self, position: int, place: int) -> str:
        """What the student wrote into one of the instructor's texts, or over it.

        Where a few lines are gone or new, it is a copy of another release.
        """
        wanted = _lines(visible(self._book[place])) - {""}
        found: list[str] = []
        kept: set[str] = set()
        for line in self._cells[position]["source"].splitlines():
            begun = next((each for each in wanted if _continues(line.strip(), each)), None)
            if begun is not None:
                kept.add(begun)
                found += ["", line.strip().removeprefix(begun).strip(), ""]
            else:
                found.append("" if line.strip() in self._given else line)
        is_answer_below = place + 1 in self._stubs
        is_whole = kept == wanted or (is_answer_below and len(kept) < HALF * len(wanted))
        return "\n".join(found).strip() if is_whole else ""

    def _is_piece(self, position: int, question: int) -> bool:
        """Whether a cell without a name is a part of a question's text."""
        text = self._cells[position]["source"]
        said = any(len(line.split()) >= MIN_WORDS for line in text.splitlines())
        return said and _lines(text) <= _lines(visible(self._book[question])) | {""}

    def _is_code(self, position: int) -> bool:
        cell = self._cells[position]
        is_own = self._places[position] is None and cell["cell_type"] == "code"
        return is_own and not _lines(cell["source"]) <= self._given

    def _elsewhere(self, index: int) -> dict[int, str]:
        """What may be the answer to a question: texts beside none, and code beside this one."""
        taken = {position for found in self.beside.values() for position in found}
        found = {}
        for position, place in enumerate(self._places):
            if position in self._code[index]:
                found[position] = f"```python\n{self._cells[position]['source']}\n```"
            elif position not in taken and (place is None or self._is_given_text(place)):
                found[position] = self._text(position)
        return {position: text for position, text in found.items() if text.strip()}

    def _is_given_text(self, place: int) -> bool:
        return self._book[place].cell_type == "markdown" and place not in self._stubs

    def write(self, cell: NotebookNode, index: int, is_asked: bool) -> None:
        """Put all that answers a question, with its pictures, into the cell for the answer.

        Where there is nothing and a person `is_asked`, what may be the answer stands there.
        """
        untouched = self._stubs[index]
        stands = {p: self._cells[p]["source"] for p, i in enumerate(self._places) if i == index}
        last = {plain(text): position for position, text in stands.items()}
        parts = {
            position: stands[position]
            for text, position in last.items()
            if text not in ("", plain(untouched))
        }
        for position, text in self.beside[index].items():
            is_its_cell = not stands and self._places[position] is None
            said = "" if is_its_cell else f"{BESIDE}\n\n"
            parts[position] = f"{said}{text}"
        begin = [] if parts else [untouched]
        if not parts and is_asked:
            for position, text in self._elsewhere(index).items():
                parts[position] = f"{ASKED.format(position + 1)}\n\n{text}"
        cell.pop("attachments", None)
        taken: Pictures = {}
        for position, text in sorted(parts.items()):
            text, pictures = joined(text, self._cells[position]["pictures"], taken, position)
            begin.append(text)
            taken |= pictures
        cell.source = "\n\n".join(begin)
        if taken:
            cell.attachments = from_dict(taken)


def attach_files(notebook: NotebookNode, files: Mapping[str, bytes]) -> None:
    """Attach to what students wrote the pictures that lie beside the notebook and stand in it."""
    for cell in notebook.cells:
        if (is_answer(cell) or is_own_text(cell)) and (found := in_files(cell.source, files)):
            cell.attachments = from_dict({**found, **cell.get("attachments", {})})


def _continues(line: str, given: str) -> bool:
    """Whether a line is a given one, or goes on behind it; another heading is another release."""
    return line == given or (line.startswith(given) and not given.startswith("#"))


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


def is_answer(cell: NotebookNode) -> bool:
    """Whether this is the cell for a written answer."""
    return is_solution(cell) and cell.cell_type != "code"


def is_prose(text: str) -> bool:
    """Whether what stands in a cell of code is words: no Python, or nothing but comments."""
    return bool(text.strip()) and not statements(text)

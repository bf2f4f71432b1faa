"""What a student wrote into a notebook, poured into the cells of the released one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autograder.assignment import grade_id_of, is_solution, is_test
from autograder.desk.material import text
from autograder.desk.studying.lesson import Lesson, Step, is_demo
from autograder.handed_in import Unreadable, read_notebook


@dataclass(frozen=True)
class CodeCell:
    """A cell to be run; `step` is the definition that it makes or tests."""

    kind: Literal["released", "own", "definition", "test"]
    step: str
    source: str


def read_cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a student's notebook.

    Raises: Unreadable, for whatever is not a notebook of today's format.
    """
    try:
        notebook = json.loads(read_notebook(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path.name} is damaged: it ends early or is not JSON") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unreadable(f"{path.name} is not a notebook, or one of an old format")
    return cells


class Written:
    """The student's text for each step of a lesson, and code cells of their own."""

    def __init__(self, lesson: Lesson, cells: Sequence[dict[str, Any]]) -> None:
        self._lesson = lesson
        self._texts: dict[str, list[str]] = {step.name: [] for step in lesson.steps}
        self._own: dict[int, list[str]] = {}
        known = [self._known(cell) for cell in cells]
        next_free = 0
        for position, (cell, index) in enumerate(zip(cells, known, strict=True)):
            if index is not None:
                next_free = index + 1
                if is_solution(lesson.cells[index]):
                    self._texts[grade_id_of(lesson.cells[index]) or ""].append(text(cell))
                    continue
            if self._is_own(cell, index):
                # Where cells were moved, a helper has to stay before the cell below it.
                below = next((i for i in known[position + 1 :] if i is not None), next_free)
                self._own.setdefault(min(next_free, below), []).append(text(cell))

    def _known(self, cell: dict[str, Any]) -> int | None:
        """Which released cell this is, if any."""
        for index, theirs in enumerate(self._lesson.cells):
            if (name := grade_id_of(cell)) is not None:
                if name == grade_id_of(theirs):
                    return index
            elif cell.get("id") == theirs["id"] or (
                not is_solution(theirs) and _plain(text(cell)) == _plain(text(theirs))
            ):
                return index
        return None

    def _is_own(self, cell: dict[str, Any], index: int | None) -> bool:
        """Whether a cell is code of the student's, also written into a released one."""
        if cell.get("cell_type") != "code" or not text(cell).strip():
            return False
        if index is None:
            return True
        theirs = self._lesson.cells[index]
        same = _plain(text(cell)) == _plain(text(theirs))
        return theirs["cell_type"] == "code" and not is_test(theirs) and not same

    def _parts(self, step: Step) -> list[str]:
        """What was written for a step; parts left as they were released are passed over."""
        written = (each for each in self._texts[step.name] if _plain(each) != _plain(step.stub))
        return list(dict.fromkeys(written))

    def is_answered(self, step: Step) -> bool:
        """Whether there are words of the student's in a written answer."""
        return any(part.replace(step.stub.strip(), "").strip() for part in self._parts(step))

    @property
    def has_code(self) -> bool:
        """Whether there is code of the student's."""
        code = (step for step in self._lesson.steps if not step.is_answer)
        return bool(self._own) or any(part.strip() for step in code for part in self._parts(step))

    def code(self) -> list[CodeCell]:
        """The released notebook's code with the student's in its place; no demonstrations."""
        poured: list[CodeCell] = []
        steps = {step.name: step for step in self._lesson.steps}
        current = ""
        for index, cell in enumerate([*self._lesson.cells, None]):
            poured += [CodeCell("own", "", source) for source in self._own.get(index, [])]
            if cell is None or cell["cell_type"] != "code" or is_demo(cell):
                continue
            name = grade_id_of(cell) or ""
            if is_solution(cell):
                current = name
                parts = self._parts(steps[name])
                # Where the cell is gone, its definition may stand in one of the student's own.
                untouched = self._texts[name] and not parts
                source = steps[name].stub if untouched else "\n\n".join(parts)
                poured.append(CodeCell("definition", name, source))
            elif is_test(cell):
                poured.append(CodeCell("test", current, text(cell)))
            else:
                poured.append(CodeCell("released", "", text(cell)))
        return poured


def _plain(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())

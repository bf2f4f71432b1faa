"""What a student wrote into a notebook, poured into the cells of the released one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from autograder.course.assignment import Assignment, grade_id_of, is_solution, is_test
from autograder.submission.cells import SubmittedCell, plain
from autograder.submission.graded_names import graded_names
from autograder.submission.rebuild import Rebuilder, released_stubs
from workbook import material
from workbook.studying.lesson import Lesson, Step, is_demo


@dataclass(frozen=True)
class CodeCell:
    """A cell to be run; `step` is the definition that it makes or tests.

    `names` are the graded names to put back and to keep, as `Kept` reads them.
    """

    kind: Literal["released", "own", "definition", "test"]
    step: str
    source: str
    names: Mapping[str, Any] = field(default_factory=dict)


class Written:
    """The student's text for each step of a lesson, and code cells of their own, as in grading.

    `cells` are the student's, as `read_submission` reads them.
    """

    def __init__(self, lesson: Lesson, cells: Sequence[SubmittedCell]) -> None:
        self.lesson = lesson
        assignment = Assignment(lesson.name, material.path_of(lesson.name))
        stubs = released_stubs(assignment)
        notebook = Rebuilder(assignment, stubs=stubs).rebuild(cells)
        self._cells = notebook.cells
        self._names = graded_names(notebook, assignment.notebook, stubs).requests
        self._released = {cell["id"] for cell in lesson.cells}
        self._steps = lesson.steps
        self._texts = {grade_id_of(cell): cell.source for cell in self._cells if is_solution(cell)}

    def is_answered(self, step: Step) -> bool:
        """Whether there are words of the student's in a written answer."""
        return bool(self._texts[step.name].replace(step.stub.strip(), "").strip())

    @property
    def has_code(self) -> bool:
        """Whether there is code of the student's."""
        code = [(self._texts[step.name], step.stub) for step in self._steps if not step.is_answer]
        is_written = any(text.strip() and plain(text) != plain(stub) for text, stub in code)
        return is_written or any(cell.id not in self._released for cell in self._cells)

    def code(self) -> list[CodeCell]:
        """The released notebook's code with the student's in its place; no demonstrations."""
        poured: list[CodeCell] = []
        current = ""
        for index, cell in enumerate(self._cells):
            if cell.cell_type != "code" or is_demo(cell):
                continue
            names = self._names.get(index, {})
            if is_solution(cell):
                current = grade_id_of(cell) or ""
                poured.append(CodeCell("definition", current, cell.source, names))
            elif is_test(cell):
                poured.append(CodeCell("test", current, cell.source, names))
            else:
                kind: Literal["released", "own"]
                kind = "released" if cell.id in self._released else "own"
                poured.append(CodeCell(kind, "", cell.source, names))
        return poured

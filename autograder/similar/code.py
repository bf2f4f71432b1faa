"""The code that a student wrote, out of what was handed in: without the book's own cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course.assignment import Assignment, grade_id_of, is_solution
from autograder.course.course import Course
from autograder.errors import CourseError, UnreadableError
from autograder.submission.cells import read_submission
from autograder.submission.pieces import statements
from autograder.submission.rebuild import Rebuilder


@dataclass(frozen=True)
class Code:
    """One student's code of an assignment; `year` is the folder it is from, empty for this one."""

    student: str
    source: str
    year: str = ""

    @property
    def whose(self) -> str:
        """How a person is called on the page."""
        return f"{self.student} ({self.year})" if self.year else self.student


def codes(
    course: Course, assignment: Assignment, rebuilder: Rebuilder, earlier: Sequence[Path]
) -> list[Code]:
    """What was handed in here, and what lies in folders of other years.

    Raises: CourseError, when a folder holds nothing of the assignment.
    """
    submissions = course.submissions([assignment])
    found = [
        Code(each.student, source)
        for each in submissions
        if not each.is_link and (source := _written(each.path, rebuilder))
    ]
    for folder in earlier:
        before = list(_of_year(folder, assignment.name, rebuilder))
        if not before:
            raise CourseError(f"{folder} holds no {assignment.name}/{assignment.name}.ipynb")
        found += before
    return found


def given_away(assignment: Assignment, rebuilder: Rebuilder) -> list[str]:
    """What everybody may have: the stubs and the reference."""
    cells = assignment.notebook.cells
    return [
        *rebuilder.stubs.values(),
        *(c.source for c in cells if c.cell_type == "code" and is_solution(c)),
    ]


def _of_year(folder: Path, name: str, rebuilder: Rebuilder) -> Iterator[Code]:
    for path in sorted(folder.rglob(f"{name}.ipynb")):
        inside = path.relative_to(folder).parts
        is_kept = path.is_file() and not any(part.startswith(".") for part in inside)
        if is_kept and (source := _written(path, rebuilder)):
            yield Code(inside[0].removesuffix(".ipynb"), source, folder.name)


def _written(path: Path, rebuilder: Rebuilder) -> str:
    """The cells with the student's text, each below its name; empty where nothing can be read."""
    try:
        rebuilt = rebuilder.rebuild(read_submission(path))
    except UnreadableError:
        return ""
    parts = []
    for cell in rebuilt.cells:
        name = grade_id_of(cell)
        if cell.cell_type != "code" or not (is_solution(cell) or cell.id.startswith("own-")):
            continue
        text = cell.source
        if is_solution(cell) and text.strip() == rebuilder.stubs[name].strip():
            continue
        # One cell that is no Python must not hide the others.
        if statements(text) is None:
            text = "\n".join(f"# {line}" for line in text.splitlines())
        parts.append(f"# In [{name or 'a cell of their own'}]\n{text}")
    return "\n\n".join(parts)

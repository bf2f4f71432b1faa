"""`workbook solution`: one right notebook, with answers in words and without hidden tests."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

from autograder.course.assignment import RUBRIC, Assignment, without_hidden
from autograder.course.course import CONFIG, Course
from autograder.course.notebook_file import written
from autograder.errors import CourseError, DeskError

MARKER = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION[ \t]*\n?", re.M)
CHECKOUT = Path(__file__).parents[2]
SAYS = (
    "**Model solution** of {0}: one right way of several, with answers to the questions in words. "
    "The tests are those that you know; grading tries more."
)


def write_solution(name: str, to: Path | None = None) -> list[str]:
    """Write the model notebook of an assignment, and say what was written, line by line.

    Raises: DeskError, when there is no such assignment, no course, or the file is there already.
    """
    assignment = _assignment(name)
    target = to or Path(f"{name}-solution.ipynb")
    notebook = nbformat.from_dict(assignment.notebook)
    for cell in notebook.cells:
        cell.source = MARKER.sub("", RUBRIC.sub("", without_hidden(cell.source))).rstrip()
    notebook.cells.insert(0, new_markdown_cell(SAYS.format(name), id="model-solution"))
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(written(notebook))
    except FileExistsError:
        raise DeskError(f"{target} is there already; --to FILE.ipynb writes another") from None
    return [
        f"Wrote {target}: the model solution of {name}, without the hidden tests.",
        "Your own notebook is as it was. An attempt of your own teaches more than reading this.",
    ]


def _assignment(name: str) -> Assignment:
    """The assignment in the course that one is in, or else in this checkout."""
    here = Path.cwd()
    for root in (here, *here.parents, CHECKOUT):
        if (root / CONFIG).is_file():
            try:
                known = Course(root).assignments
            except CourseError:
                continue  # a student's folder has settings of nbgrader's as well
            if name in known:
                return known[name]
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise DeskError(f"there is no {name!r}{meant}; there are {', '.join(known)}")
    raise DeskError(
        "no solution is in what is installed, so that nobody meets one by chance: they are in a "
        f"checkout of the course. Run `workbook solution {name}` in its folder, or ask who has one "
        f"for the file that it writes there, {name}-solution.ipynb, and open it in JupyterLab"
    )

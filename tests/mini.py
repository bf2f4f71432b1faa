"""A course of one small assignment that has nothing to do with attention, made for the tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course.course import Course
from autograder.reference.answer_key import AnswerKey, answer_key, reference_evidence
from autograder.reference.package import package_of
from tests.harness import ROOT

NAME = "01-mini"

SOLUTIONS = '''"""Two small definitions."""

import torch
from torch import Tensor


def double(x: Tensor) -> Tensor:
    """Twice x."""
    doubled = 2 * x
    return doubled


def first_row(x: Tensor) -> Tensor:
    """The first row of x."""
    return x[0]
'''

CATALOGUE = """
[wrong.double]
tripled = { old = '2 * x', new = '3 * x', explained = 'title', says = '''
  The number is tripled.
  Every entry is one and a half times as large as it should be.
  How often do you add x to nothing?''' }
added-twice-more = { is = 'tripled', old = '2 * x', new = '2 * x + x' }
detached = { old = 'return doubled', new = 'return doubled.detach()', says = '''
  The result is cut off from x.
  No gradient reaches x.
  What does a result remember of where it came from?''' }
halved = { old = '2 * x', new = 'x / 2' }

[wrong.first_row]
first-column = { old = 'x[0]', new = 'x[:, 0]', explained = 'title', says = '''
  The first column is taken for the first row.
  A table that is not square gives a result of another length.
  Which of the two indices counts the rows?''' }

[[picture]]
definition = "double"
caption = "double of a table"
code = "picture = double(torch.eye(2))"
"""

DOUBLE = '''def double(x: Tensor) -> Tensor:
    """Twice x."""
    ### BEGIN SOLUTION
    doubled = 2 * x
    return doubled
    ### END SOLUTION'''

TEST_DOUBLE = """### BEGIN HIDDEN TESTS
from autograder.observe import gradients, observe, randn

with observe("any shape") as seen:
    seen.output = double(randn(3, 5))
with observe("float64 stays float64") as seen:
    seen.output = double(randn(7, dtype=torch.float64))
with observe("gradient arrives", points=2) as seen:
    x = randn(4, requires_grad=True)
    seen.gradients = gradients(double(x), [x])
### END HIDDEN TESTS
assert double(torch.tensor(3.0)) == 6, "twice three is six"
"""

FIRST_ROW = '''def first_row(x: Tensor) -> Tensor:
    """The first row of x."""
    ### BEGIN SOLUTION
    return x[0]
    ### END SOLUTION'''

TEST_FIRST_ROW = """### BEGIN HIDDEN TESTS
from autograder.observe import observe, randn

with observe("row and not column") as seen:
    seen.output = first_row(randn(3, 5))
with observe("an empty table is refused", naming="") as seen:
    first_row(torch.ones(0, 5))
### END HIDDEN TESTS
assert first_row(torch.eye(2)).tolist() == [1, 0], "the first row of the identity is (1, 0)"
"""

QUESTION = """Why does doubling keep the shape?
### BEGIN MARK SCHEME
One point for: every entry is doubled for itself.
### END MARK SCHEME"""


def _flagged(cell: NotebookNode, **flags: object) -> NotebookNode:
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": cell.id,
        "cell_type": cell.cell_type,
        "grade": False,
        "solution": False,
        "locked": False,
        "task": False,
        **flags,
    }
    return cell


def notebook() -> NotebookNode:
    """The instructor's notebook: two definitions, 4 and 2 points, and a written answer."""
    return new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "workbook": {"forbidden": ["softmax"]},
        },
        cells=[
            new_markdown_cell("# Doubling", id="title"),
            _flagged(
                new_code_cell("import torch\nfrom torch import Tensor", id="imports"), locked=True
            ),
            _flagged(new_code_cell(DOUBLE, id="double"), solution=True),
            _flagged(
                new_code_cell(TEST_DOUBLE, id="test-double"), grade=True, locked=True, points=4.0
            ),
            new_code_cell("print(double(torch.ones(2)))", id="show", metadata={"tags": ["demo"]}),
            _flagged(new_code_cell(FIRST_ROW, id="first_row"), solution=True),
            _flagged(
                new_code_cell(TEST_FIRST_ROW, id="test-first_row"),
                grade=True,
                locked=True,
                points=2.0,
            ),
            _flagged(new_markdown_cell(QUESTION, id="why-shape-question"), locked=True),
            _flagged(
                new_markdown_cell("Every entry is doubled for itself.", id="why-shape"),
                grade=True,
                solution=True,
                points=1.0,
            ),
        ],
    )


def make_course(root: Path) -> Path:
    """A course folder below `root`."""
    course = root / "course"
    (course / "source" / NAME).mkdir(parents=True)
    (course / "solutions").mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", course)
    nbformat.write(notebook(), course / "source" / NAME / f"{NAME}.ipynb")
    (course / "solutions" / "__init__.py").write_text("")
    (course / "solutions" / "mini.py").write_text(SOLUTIONS)
    (course / "solutions" / "mini.toml").write_text(CATALOGUE)
    return course


OTHER = "02-other"  # an assignment whose reference imports that of the first


def key_of(root: Path) -> AnswerKey:
    """The answer key of a course made in `root`, on one seed."""
    course = Course(make_course(root))
    assignment = course.assignments[NAME]
    package = package_of(course, assignment)
    evidence = reference_evidence(assignment, package.modules, 1)
    return answer_key(assignment, course.config, 1, evidence, package)


def add_other(course: Path) -> None:
    """Give the course a second assignment: the same cells, over a module of its own."""
    (course / "source" / OTHER).mkdir()
    nbformat.write(notebook(), course / "source" / OTHER / f"{OTHER}.ipynb")
    imports = "from solutions.mini import double as once\n"
    other = SOLUTIONS.replace("2 * x", "once(x)").replace(
        "from torch import", imports + "from torch import"
    )
    (course / "solutions" / "other.py").write_text(other)
    table = CATALOGUE.replace('"2 * x"', '"once(x)"').replace("2 * x", "once(x)")
    (course / "solutions" / "other.toml").write_text(table)


def submission(**sources: str) -> NotebookNode:
    """A student's notebook: the instructor's visible part, with these texts by grade_id."""
    from autograder.course.assignment import RUBRIC, without_hidden

    cells = []
    for cell in notebook().cells:
        cell.source = sources.get(cell.id, RUBRIC.sub("", without_hidden(cell.source)))
        cells.append(cell)
    made = notebook()
    made.cells = cells
    return made


def hand_in(course: Path, student: str, made: NotebookNode | str, assignment: str = NAME) -> Path:
    """Put a notebook (or any text) where a student's submission is expected."""
    folder = course / "submitted" / student / assignment
    folder.mkdir(parents=True)
    path = folder / f"{assignment}.ipynb"
    if isinstance(made, str):
        path.write_text(made)
    else:
        nbformat.write(made, path)
    return path


def hand_in_class(course: Path, students: int) -> None:
    """Hand in for `students`, in turn: right, wrong, one that ends its kernel, no notebook."""
    kinds: list[NotebookNode | str] = [
        submission(),
        submission(double="def double(x):\n    return 3 * x"),
        submission(first_row="import os\ndef first_row(x):\n    os._exit(3)"),
        '{"cells": [',
    ]
    for number in range(students):
        hand_in(course, f"s{number:02}", kinds[number % len(kinds)])

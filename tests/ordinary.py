"""Three assignments of plain assertions, as nbgrader's documentation has them, for the tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HIDDEN, PARTIAL, BY_HAND = "ps1-sums", "ps2-partial", "ps3-by-hand"
NAMES = (HIDDEN, PARTIAL, BY_HAND)


def cell(kind: str, name: str, source: str, **flags: object) -> NotebookNode:
    """A cell with nbgrader's metadata."""
    make = new_code_cell if kind == "code" else new_markdown_cell
    about = {"grade": False, "solution": False, "locked": False, "task": False, **flags}
    metadata = {"nbgrader": {"schema_version": 3, "grade_id": name, "cell_type": kind, **about}}
    return make(source, id=name, metadata=metadata)


def given(name: str, source: str) -> NotebookNode:
    return cell("code", name, source, locked=True)


def not_run(one: NotebookNode) -> NotebookNode:
    """A cell of the instructor's that nbgrader does not run."""
    one.metadata["tags"] = ["skip-execution"]
    return one


def solution(name: str, source: str) -> NotebookNode:
    return cell("code", name, source, solution=True)


def asserted(name: str, points: float, source: str) -> NotebookNode:
    return cell("code", name, source, grade=True, locked=True, points=points)


def book(*cells: NotebookNode, **metadata: object) -> NotebookNode:
    """A notebook of these cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=[*cells], metadata={"kernelspec": kernel, **metadata})


SQUARES = '''def squares(n):
    """The squares of 1 to n."""
    ### BEGIN SOLUTION
    if n < 1:
        raise ValueError("n must be at least 1")
    return [i ** 2 for i in range(1, n + 1)]
    ### END SOLUTION'''

TOTAL = """def total(path):
    ### BEGIN SOLUTION
    with open(path) as file:
        return sum(int(line) for line in file)
    ### END SOLUTION"""

# A name that the hidden part binds is used below it: both are one cell, from top to bottom.
TEST_TOTAL = """assert total("numbers.txt") == 6, "1, 2 and 3 are 6"
### BEGIN HIDDEN TESTS
from pathlib import Path
others = Path("more.txt")
others.write_text("10\\n20\\n")
### END HIDDEN TESTS
assert total("numbers.txt") is not None
### BEGIN HIDDEN TESTS
assert total(others) == 30
### END HIDDEN TESTS
"""

TEST_ROOT = """from math import isclose
credit = 0
if isclose(root(4), 2):
    credit += 1
### BEGIN HIDDEN TESTS
if isclose(root(2), 1.4142135623730951):
    credit += 0.5
### END HIDDEN TESTS
if root(0) == 0:
    credit += 1
credit
"""


def notebooks() -> dict[str, NotebookNode]:
    """The instructor's notebooks by name: 5, 4 and 9 points."""
    return {
        HIDDEN: book(
            new_markdown_cell("# Sums", id="title"),
            new_code_cell("import math", id="imports"),
            solution("squares", SQUARES),
            asserted("correct_squares", 2, "assert squares(1) == [1]\nassert squares(2) == [1, 4]"),
            asserted(
                "squares_invalid_input",
                1,
                "try:\n    squares(0)\nexcept ValueError:\n    pass\n"
                'else:\n    raise AssertionError("did not raise")',
            ),
            solution("total", TOTAL),
            asserted("correct_total", 2, TEST_TOTAL),
        ),
        PARTIAL: book(
            solution(
                "root",
                "def root(x):\n    ### BEGIN SOLUTION\n    return x ** 0.5\n    ### END SOLUTION",
            ),
            asserted("test-root", 2.5, TEST_ROOT),
            asserted("test-shown", 1.5, 'assert root(9) == 3\n"all is well"'),
        ),
        BY_HAND: book(
            given("shared", "numbers = [3, 1, 2]"),
            not_run(given("long", "numbers.clear()")),
            cell(
                "code",
                "plot",
                "# Plot the numbers.\n### BEGIN SOLUTION\nbars = sorted(numbers)\n### END SOLUTION",
                grade=True,
                solution=True,
                points=3,
            ),
            new_markdown_cell("Why are they sorted first?", id="question"),
            cell(
                "markdown",
                "why",
                "So that the largest stands last.",
                grade=True,
                solution=True,
                points=2,
            ),
            cell(
                "markdown",
                "report",
                "Write a short report on a data set of your own, in as many cells as you like.",
                locked=True,
                task=True,
                points=3,
            ),
            asserted("numbers-stay", 1, "assert numbers == [3, 1, 2]"),
        ),
    }


def add_to(course: Path) -> None:
    """Put the three beside what the course has."""
    for name, notebook in notebooks().items():
        folder = course / "source" / name
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    (course / "source" / HIDDEN / "numbers.txt").write_text("1\n2\n3\n")


Below = Mapping[str, list[NotebookNode]]


def hand_in(
    course: Path, student: str, name: str, below: Below | None = None, **sources: str
) -> Path:
    """Hand in the released notebook, with these texts by grade_id and cells below some."""
    released = course / "release" / name / f"{name}.ipynb"
    made = nbformat.read(released, as_version=4)
    cells = []
    for one in made.cells:
        grade_id = one.metadata.get("nbgrader", {}).get("grade_id", "")
        one.source = sources.get(grade_id, one.source)
        cells += [one, *copy.deepcopy((below or {}).get(grade_id, []))]
    made.cells = cells
    return write(course, student, name, made)


def write(course: Path, student: str, name: str, made: NotebookNode) -> Path:
    """Put a notebook where a student's submission is expected."""
    path = course / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(made))  # nbformat would mend it
    return path

"""A submission is poured into a fresh copy of the instructor's notebook."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.course.assignment import Assignment, is_test
from autograder.errors import UnreadableError
from autograder.submission.cells import read_submission
from autograder.submission.rebuild import Rebuilder
from tests import mini

CODE = "def double(x):\n    return x + x"


@pytest.fixture
def assignment(course: Path) -> Assignment:
    return Assignment(mini.NAME, course / "source" / mini.NAME / f"{mini.NAME}.ipynb")


def rebuilt(assignment: Assignment, notebook: NotebookNode, tmp_path: Path) -> NotebookNode:
    path = tmp_path / "handed-in.ipynb"
    path.write_text(json.dumps(notebook))
    return Rebuilder(assignment).rebuild(read_submission(path))


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    (found,) = [cell for cell in notebook.cells if cell.id == name]
    return found


def tag_everything(notebook: NotebookNode) -> None:
    for one in notebook.cells:
        one.metadata["tags"] = ["skip-execution", "raises-exception"]


def raise_points(notebook: NotebookNode) -> None:
    cell(notebook, "test-double").metadata.nbgrader["points"] = 1000


def delete_tests(notebook: NotebookNode) -> None:
    notebook.cells = [one for one in notebook.cells if not is_test(one)]


def double_tests(notebook: NotebookNode) -> None:
    notebook.cells += [one for one in notebook.cells if is_test(one)]


def retype_tests(notebook: NotebookNode) -> None:
    notebook.cells = [
        new_markdown_cell(one.source, id=one.id, metadata=one.metadata) if is_test(one) else one
        for one in notebook.cells
    ]


def empty_tests(notebook: NotebookNode) -> None:
    for one in notebook.cells:
        if is_test(one):
            one.source = "pass"


def new_schema(notebook: NotebookNode) -> None:
    for one in notebook.cells:
        one.metadata.get("nbgrader", {})["schema_version"] = 99


def other_kernel(notebook: NotebookNode) -> None:
    notebook.metadata["kernelspec"] = {"name": "bash", "display_name": "Bash", "language": "sh"}


def swap_flags(notebook: NotebookNode) -> None:
    cell(notebook, "test-double").metadata.nbgrader["solution"] = True
    cell(notebook, "double").metadata.nbgrader["solution"] = False


def nonsense_metadata(notebook: NotebookNode) -> None:
    cell(notebook, "title").metadata["nbgrader"] = [1, 2]


CHANGES = [
    tag_everything,
    raise_points,
    delete_tests,
    double_tests,
    retype_tests,
    empty_tests,
    new_schema,
    other_kernel,
    swap_flags,
    nonsense_metadata,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_is_the_instructors_cannot_be_changed(
    assignment: Assignment, tmp_path: Path, change: Callable[[NotebookNode], None]
) -> None:
    """Cells, points, tags and kernel are the instructor's, and the student's code is in place."""
    honest = rebuilt(assignment, mini.submission(double=CODE), tmp_path)
    notebook = mini.submission(double=CODE)
    change(notebook)

    assert rebuilt(assignment, notebook, tmp_path) == honest
    assert cell(honest, "double").source == CODE
    assert "BEGIN HIDDEN TESTS" in cell(honest, "test-double").source


def test_cells_of_the_students_own_stay_where_they_stood(
    assignment: Assignment, tmp_path: Path
) -> None:
    """A helper cell stays before the cell that uses it, and has no metadata."""
    notebook = mini.submission()
    helper = new_code_cell("def helper(): ...", metadata={"tags": ["skip-execution"]})
    notebook.cells.insert(2, helper)

    names = [one.id for one in rebuilt(assignment, notebook, tmp_path).cells]
    found = rebuilt(assignment, notebook, tmp_path).cells[2]

    assert names[1:4] == ["imports", found.id, "double"]
    assert found.source == "def helper(): ..."
    assert found.metadata == {}


def test_a_doubled_solution_counts_as_its_parts_in_order(
    assignment: Assignment, tmp_path: Path
) -> None:
    """As when the notebook is run from top to bottom; an untouched copy is passed over."""
    notebook = mini.submission(double=CODE)
    stub = cell(mini.submission(), "double")
    stub.source = Rebuilder(assignment).stubs["double"]
    later = new_code_cell("y = 1", metadata=cell(notebook, "double").metadata)
    notebook.cells += [later, stub]

    assert cell(rebuilt(assignment, notebook, tmp_path), "double").source == f"{CODE}\n\ny = 1"


def test_a_deleted_solution_leaves_a_definition_elsewhere_in_force(
    assignment: Assignment, tmp_path: Path
) -> None:
    """A stub in the gap would undo what the student defined in a cell of their own."""
    notebook = mini.submission()
    notebook.cells = [one for one in notebook.cells if one.id != "double"]
    notebook.cells.insert(1, new_code_cell(CODE))

    found = rebuilt(assignment, notebook, tmp_path)

    assert cell(found, "double").source == ""
    assert CODE in [one.source for one in found.cells]


@pytest.mark.parametrize("name", ["imports", "show"])
def test_a_change_in_an_instructors_cell_is_a_cell_of_the_students_own(
    assignment: Assignment, tmp_path: Path, name: str
) -> None:
    """An import added in the wrong place works as it did; the instructor's cell stays too."""
    notebook = mini.submission()
    changed = cell(notebook, name)
    original = changed.source
    changed.source += "\nimport colorsys"

    sources = [one.source for one in rebuilt(assignment, notebook, tmp_path).cells]

    assert sources[sources.index(original) + 1] == changed.source


def test_a_helper_stays_before_the_cell_below_it(assignment: Assignment, tmp_path: Path) -> None:
    """Also where the student moved a solution up and wrote a helper between."""
    notebook = mini.submission()
    first = cell(notebook, "first_row")
    notebook.cells.remove(first)
    place = notebook.cells.index(cell(notebook, "double"))
    notebook.cells[place:place] = [first, new_code_cell("def helper(): ...")]

    sources = [one.source for one in rebuilt(assignment, notebook, tmp_path).cells]

    assert sources.index("def helper(): ...") < sources.index(cell(notebook, "double").source)


def test_the_last_of_alternating_copies_is_in_force(assignment: Assignment, tmp_path: Path) -> None:
    """A, B, A: running the notebook ends on A."""
    notebook = mini.submission(double="A = 1")
    kept = cell(notebook, "double")
    for text in ("B = 1", "A = 1"):
        notebook.cells.append(new_code_cell(text, metadata=kept.metadata))

    assert cell(rebuilt(assignment, notebook, tmp_path), "double").source == "B = 1\n\nA = 1"


def test_cells_without_ids_are_known_by_their_text(assignment: Assignment, tmp_path: Path) -> None:
    """Older formats have no cell ids; the instructor's cells do not become the student's own."""
    notebook = mini.submission(double=CODE)
    notebook.nbformat_minor = 4
    for one in notebook.cells:
        del one["id"]

    found = rebuilt(assignment, notebook, tmp_path)

    assert [one.id for one in found.cells] == [one.id for one in assignment.notebook.cells]


def test_an_untouched_answer_keeps_its_checksum(assignment: Assignment, tmp_path: Path) -> None:
    """By the checksum of the stub nbgrader gives an untouched written answer no points."""
    from nbgrader.utils import determine_grade

    stub = Rebuilder(assignment).stubs["why-shape"]
    untouched = rebuilt(assignment, mini.submission(**{"why-shape": stub}), tmp_path)
    answered = rebuilt(assignment, mini.submission(**{"why-shape": "Because."}), tmp_path)

    assert determine_grade(cell(untouched, "why-shape")) == (0, 1.0)
    assert determine_grade(cell(answered, "why-shape")) == (None, 1.0)


def test_a_notebook_of_format_three_is_read(assignment: Assignment, tmp_path: Path) -> None:
    """Old formats are converted; their cells are known by their text."""
    old = nbformat.convert(mini.submission(), 3)
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old))

    assert len(read_submission(path)) == len(mini.submission().cells)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"cells": [',
        "[]",
        "5",
        "null",
        "{}",
        '{"nbformat": 4}',
        '{"nbformat": 4, "cells": 5}',
        '{"nbformat": 4, "cells": [5]}',
        '{"nbformat": 99, "cells": []}',
        '{"nbformat": 3, "worksheets": 5}',
        "[" * 100_000,
        "\x00",
    ],
)
def test_what_is_not_a_notebook_is_unreadable(tmp_path: Path, text: str) -> None:
    """One sentence for the person who looks at it, whatever the file holds."""
    path = tmp_path / "x.ipynb"
    path.write_text(text)

    with pytest.raises(UnreadableError, match=r"x\.ipynb"):
        read_submission(path)


def test_a_missing_file_a_folder_and_a_link_are_unreadable(tmp_path: Path) -> None:
    """Only a plain file is a submission."""
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "link.ipynb").symlink_to("/etc/passwd")

    for name, says in (("missing", "not there"), ("folder", "not a file"), ("link", "not a file")):
        with pytest.raises(UnreadableError, match=says):
            read_submission(tmp_path / f"{name}.ipynb")

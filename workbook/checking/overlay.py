"""What nbval runs to check a student's notebook: the book's cells and outputs, the student's text.

nbval compares a notebook with its own stored outputs, so a student's file as it is would be
compared with itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbval.plugin import find_comment_markers

from autograder.course.assignment import Assignment, grade_id_of, is_solution, is_test
from autograder.errors import DeskError, UnreadableError
from autograder.submission.cells import plain, read_submission
from autograder.submission.graded_names import graded_names
from autograder.submission.rebuild import Rebuilder, released_stubs
from workbook.material import answers, names, path_of, recognised

FACTS = "self_check"  # in a cell's metadata: what the report needs to know of it
TEST, SOLUTION, BOOK, OWN = "test", "solution", "book", "own"


def overlay(path: Path) -> NotebookNode:
    """The book's notebook with what the student wrote in the file `path`, for nbval to run.

    Each code cell's metadata has, under `self_check`: its `kind`; the definition that it is
    `about`, if any (the last above it that it names, or else the last above it); those that it
    `uses` by name, or all above it where a cell of the book names none; for a solution cell,
    whether it is `to_do`, the `note` of where its code stands and whether it `has_examples`; and
    the graded `names` to put back and to keep.
    Raises: DeskError, when the file is not the student's work on one of the book's notebooks.
    """
    try:
        submitted = read_submission(path.resolve())
    except UnreadableError as error:
        raise DeskError(f"{error}. `workbook doctor FILE` says what can be done") from error
    name = recognised(path, submitted)
    if name is None:
        raise DeskError(
            f"{path.name} is none of the notebooks that can be checked here, going by the names "
            f"of its cells; they are {', '.join(names())}"
        )
    assignment = Assignment(name, path_of(name))
    stubs = released_stubs(assignment)
    notebook = Rebuilder(assignment, stubs=stubs).rebuild(submitted)
    graded = graded_names(notebook, assignment.notebook, stubs, demos=True)
    _say_what_cells_are(notebook, {cell.id for cell in assignment.notebook.cells}, stubs)
    known = answers(name)
    for index, request in graded.requests.items():
        facts = notebook.cells[index].metadata[FACTS]
        facts["names"] = request
        if facts["kind"] == SOLUTION:
            facts["to_do"] = facts["to_do"] and not request["leaves"]
            facts["note"] = graded.notes.get(facts["about"], "")
            facts["has_examples"] = facts["about"] in known["definitions"]
    _lay_outputs(notebook, known["outputs"])
    return notebook


def _say_what_cells_are(notebook: NotebookNode, books: set[str], stubs: dict[str, str]) -> None:
    above: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        facts: dict[str, Any] = {}
        if is_solution(cell):
            above.append(str(grade_id_of(cell)))
            facts = {"kind": SOLUTION, "to_do": plain(cell.source) == plain(stubs[above[-1]])}
        elif is_test(cell):
            facts = {"kind": TEST}
        else:
            facts = {"kind": BOOK if cell.id in books else OWN}
        used = [name for name in above if re.search(rf"\b{name}\b", cell.source)]
        if facts["kind"] == BOOK and not used:
            used = [*above]  # such as a picture of all that is there
        about = used if facts["kind"] == BOOK else above
        cell.metadata[FACTS] = {**facts, "about": about[-1] if about else None, "uses": used}
        if facts["kind"] in (SOLUTION, OWN):
            cell.source = without_markers(cell.source)


def _lay_outputs(notebook: NotebookNode, outputs: dict[str, list[dict[str, Any]]]) -> None:
    """The outputs to compare with; a tag says of every cell whether nbval compares."""
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        is_compared = cell.metadata[FACTS]["kind"] == BOOK and cell.id in outputs
        cell.outputs = nbformat.from_dict(outputs[cell.id]) if is_compared else []
        cell.execution_count = count = count + 1
        cell.metadata["tags"] = ["nbval-check-output" if is_compared else "nbval-ignore-output"]


def without_markers(source: str) -> str:
    """A cell's source without the comments that nbval obeys; every line keeps its number."""
    return "".join(
        "#\n" if any(True for _ in find_comment_markers(line)) else line
        for line in source.splitlines(keepends=True)
    )

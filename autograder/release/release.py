"""Writes `release/` from `source/` with nbgrader, and proves what it wrote before it counts."""

from __future__ import annotations

import copy
import json
import logging
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from autograder.course.assignment import Assignment, is_solution, is_test
from autograder.course.course import Course
from autograder.course.notebook_file import read, written
from autograder.course.public_examples import EXAMPLES
from autograder.course.released import ANSWERS
from autograder.course.replace import replace_file, replace_folder, share_folder
from autograder.errors import CourseError
from autograder.gradebook.create import create
from autograder.gradebook.deadlines import due_date
from autograder.gradebook.gradings import gradebook_errors
from autograder.gradebook.same_cells import prove_same_cells
from autograder.grading.grade import grade
from autograder.reference.answer_key import AnswerKey
from autograder.release.mistakes import prove_cells, say_nothing
from autograder.release.published import SCHEMA, public_answers
from autograder.release.same_numbers import with_numbers_of
from autograder.release.worked_outputs import worked_outputs
from autograder.submission.cells import read_submission
from autograder.submission.handed_in import read_handed_in
from autograder.verdict.result import Graded

MARKERS = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME")


def generate(course: Course, assignment: Assignment, into: Path, *, is_folded: bool = True) -> Path:
    """Let nbgrader write the students' notebook of one assignment below `into`.

    Where it `is_folded`, the code of its tests and pictures is.

    Raises: CourseError, when nbgrader refuses.
    """
    create(course.db_url, course.course_id, course.is_shared)  # or nbgrader does, not as a whole
    with (
        gradebook_errors(course.db_url),
        Gradebook(course.db_url, course.course_id) as gradebook,
    ):
        prove_same_cells(gradebook, assignment)
    config = copy.deepcopy(course.config)
    config.CourseDirectory.release_directory = os.path.relpath(into, course.root)
    directory = CourseDirectory(config=config)
    done = NbGraderAPI(directory, config=config).generate_assignment(
        assignment.name, force=True, create=True
    )
    if not done["success"]:
        said = [line.strip() for line in f"{done['log']}\n{done['error']}".splitlines()]
        errors = [line for line in said if re.match(r"[\w.]*(Error|Exception|Entry): ", line)]
        raise CourseError(f"nbgrader cannot release {assignment.name}: {(errors or said)[0]}")
    path = into / assignment.name / f"{assignment.name}.ipynb"
    notebook = folded(read(path)) if is_folded else read(path)
    if due := due_date(course.db_url, assignment.name):
        notebook.metadata.setdefault("workbook", NotebookNode())["due"] = due
    path.write_text(written(notebook), encoding="utf-8")
    return path


def folded(notebook: NotebookNode) -> NotebookNode:
    """The notebook with the code of its tests and pictures folded, as JupyterLab keeps it."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and (is_test(cell) or "alt" in cell.metadata):
            cell.metadata.setdefault("jupyter", NotebookNode())["source_hidden"] = True
    return notebook


def release(course: Course, key: AnswerKey) -> Path:
    """Write and prove one assignment; `release/` changes only when the proof holds.

    Beside it goes what the desk knows of it, and what lies in `source/` but is no assignment.

    Raises: CourseError, when the release leaks or the tests do not tell right from wrong.
    """
    assignment = key.assignment
    target = course.top("release") / assignment.name
    prove_cells(assignment)
    for sentence in say_nothing(key.evidence):
        raise CourseError(f"{assignment.name} is not released: {sentence}")
    with tempfile.TemporaryDirectory(prefix=".release-", dir=course.root) as folder:
        made = generate(course, assignment, Path(folder))
        prove_nothing_leaks(assignment, made)
        prove_tests_tell(key, made)
        known = public_answers(key, _examples(course, assignment))
        known = with_numbers_of(_before(course, assignment), known)
        write_known(Path(folder), assignment, known)
        # The notebook's own calls of `check` are answered from what has just been written.
        known["outputs"] = worked_outputs(assignment, Path(folder))
        replace_folder(target, made.parent)
    write_known(course.top("release"), assignment, known, course.is_shared)
    for page in course.top("source").glob("*.ipynb"):
        replace_file(course.top("release") / page.name, written(read(page)), course.is_shared)
    return target / made.name


def write_known(
    release: Path, assignment: Assignment, known: Mapping[str, Any], shared: bool = False
) -> None:
    """Write what the desk knows of an assignment."""
    path = release / ANSWERS / f"{assignment.name}.json"
    replace_file(path, json.dumps(known, indent=0, ensure_ascii=False) + "\n", shared)
    if shared:
        for folder in (release, path.parent):
            share_folder(folder)


def _before(course: Course, assignment: Assignment) -> Mapping[str, Any]:
    """What the last release recorded; nothing where it cannot be read."""
    path = course.top("release") / ANSWERS / f"{assignment.name}.json"
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return recorded if recorded.get("schema") == SCHEMA else {}


def _examples(course: Course, assignment: Assignment) -> str:
    file = course.solutions / (assignment.module.removeprefix("solutions.") + EXAMPLES)
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def prove_nothing_leaks(assignment: Assignment, made: Path) -> None:
    """No line of a solution, a hidden test or a mark scheme stands in the release.

    Lines that the instructor shows elsewhere in the notebook (`try:`) are no secret.

    Raises: CourseError, naming the cell and the line.
    """
    text = "\n".join(cell["source"] for cell in read_submission(made))
    for marker in MARKERS:
        if marker in text:
            raise CourseError(f"the release of {assignment.name} still holds {marker!r}")
    released = {line.strip() for line in text.splitlines()}
    parted = {cell.id: _parted(cell) for cell in assignment.notebook.cells}
    shown = {line for _, lines in parted.values() for line in lines}
    for name, (secret, _) in parted.items():
        for line in secret:
            if line in released and line not in shown:
                raise CourseError(
                    f"the release of {assignment.name} holds a line that students are not to "
                    f"see, from cell {name}: {line!r}"
                )


def _parted(cell: NotebookNode) -> tuple[list[str], list[str]]:
    """The lines of a cell that students are not to see, and those that they see."""
    secret: list[str] = []
    shown: list[str] = []
    hiding = is_solution(cell) and cell.cell_type == "markdown"
    for line in (line.strip() for line in cell.source.splitlines()):
        if any(marker in line for marker in MARKERS):
            hiding = True
        elif "### END" in line:
            hiding = False
        elif line:
            (secret if hiding else shown).append(line)
    return secret, shown


def prove_tests_tell(key: AnswerKey, made: Path) -> None:
    """The stub earns nothing, the solution everything, each as a submission.

    Raises: CourseError, naming the test cell that does not tell them apart.
    """
    assignment = key.assignment
    untouched = grade(key, read_handed_in(made, made.name))
    solved = grade(key, read_handed_in(assignment.path, "the solution"))
    for graded, wanted in ((untouched, 0.0), (solved, assignment.max_score)):
        if graded.score != wanted:
            raise CourseError(_wrong_proof(assignment, graded, wanted))


def _wrong_proof(assignment: Assignment, graded: Graded, wanted: float) -> str:
    which = "the untouched release" if wanted == 0.0 else "the solution"
    cells = [
        f"{name} ({result.score:g} of {result.max_score:g}: "
        + "; ".join(f"{c.name}: {c.message}" for c in result.checks if c.passed == (wanted == 0.0))
        + ")"
        for name, result in graded.tests.items()
        if result.score != (0.0 if wanted == 0.0 else result.max_score)
    ]
    return (
        f"{assignment.name} is not released: {which} gets {graded.score} points instead of "
        f"{wanted:g}; look at {', '.join(cells) or graded.reason}"
    )


def quiet_nbgrader() -> None:
    """Keep nbgrader's progress messages off the terminal; its errors come as exceptions."""
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)

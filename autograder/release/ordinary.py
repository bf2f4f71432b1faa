"""Writes the students' notebook of an ordinary assignment, which has no reference.

Proved is what can be: nothing leaks, and the instructor's own solution earns all points.
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.course.assignment import Assignment, headings
from autograder.course.course import Course
from autograder.course.replace import replace_folder
from autograder.errors import CourseError
from autograder.grading.grade import grade
from autograder.ordinary.key import OrdinaryKey
from autograder.release.published import SCHEMA
from autograder.release.release import generate, prove_nothing_leaks, write_known
from autograder.submission.handed_in import read_handed_in


def release_ordinary(course: Course, key: OrdinaryKey) -> Path:
    """Write and prove one; `release/` changes only when the proof holds.

    Raises: CourseError, when the release leaks or the solution does not earn what it should.
    """
    assignment = key.assignment
    target = course.top("release") / assignment.name
    for wrong in _idle_comparisons(assignment):
        raise CourseError(f"{assignment.name} is not released: {wrong}")
    _prove_solution_passes(key)
    with tempfile.TemporaryDirectory(prefix=".release-", dir=course.root) as folder:
        made = generate(course, assignment, Path(folder), is_folded=False)
        prove_nothing_leaks(assignment, made)
        replace_folder(target, made.parent)
    write_known(course.top("release"), assignment, _known(assignment), course.is_shared)
    return target / made.name


def _known(assignment: Assignment) -> dict[str, Any]:
    """What the desk knows of it: no public example, and nothing to compare with."""
    notebook = assignment.notebook
    return {
        "schema": SCHEMA,
        "title": notebook.metadata.get("workbook", {}).get("title", assignment.name),
        "headings": headings(notebook.cells),
        "misconceptions": [],
        "definitions": {},
        "outputs": {},
    }


def _idle_comparisons(assignment: Assignment) -> Iterator[str]:
    """Comparisons at the end of a test cell that were meant as assertions."""
    for name, cell in assignment.tests.items():
        try:
            statements = ast.parse(cell.source).body
        except (SyntaxError, ValueError):
            continue  # a magic; or a slip, which running the solution names
        last = statements[-1] if statements else None
        if isinstance(last, ast.Expr) and isinstance(last.value, ast.Compare | ast.BoolOp):
            yield (
                f"{name} ends in {ast.unparse(last)[:60]!r}, which costs nobody a point whether it "
                "holds or not: write `assert` before it"
            )


def _prove_solution_passes(key: OrdinaryKey) -> None:
    assignment = key.assignment
    solved = grade(key, read_handed_in(assignment.path, "the solution"))
    if solved.reason is None and all(each.is_right for each in solved.tests.values()):
        return
    cells = [
        f"{name} ({each.score:g} of {each.max_score:g}: {check.message})"
        for name, each in solved.tests.items()
        for check in each.checks
        if not check.passed
    ]
    raise CourseError(
        f"{assignment.name} is not released: its own solution does not earn all points; look at "
        f"{', '.join(cells) or solved.reason}"
    )

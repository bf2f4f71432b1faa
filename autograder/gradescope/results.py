"""The results of one grading in the form that Gradescope reads: results.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode

import autograder
from autograder.course.assignment import Assignment, grade_id_of, is_test
from autograder.release.points import answers
from autograder.verdict.present import clean_html
from autograder.verdict.result import Graded
from autograder.verdict.standing import cents

Results = dict[str, Any]
VISIBLE = "visible"
NOT_GRADED = "Not graded"
NO_VERDICT = "The 0 points that stand here are no verdict on your work: nothing of it was judged."


def results_of(graded: Graded, assignment: Assignment, visibility: str) -> Results:
    """What Gradescope shows of a graded submission, to students as soon as `visibility` says."""
    if graded.notebook is None:
        return not_graded(f"Your notebook could not be graded: {graded.reason}.", graded.max_score)
    shown = {grade_id_of(cell): cell for cell in _tests(graded.notebook)}
    tests = [
        {
            "name": name.removeprefix("test-"),
            "score": cents(result.score),
            "max_score": cents(result.max_score),
            "status": "passed" if result.is_right else "failed",
            "output": _html(shown[name]),
            "output_format": "html",
            "visibility": visibility,
        }
        for name, result in graded.tests.items()
    ]
    tests += [
        _to_be_marked(name, points, visibility) for name, points in answers(assignment).items()
    ]
    said = [f"{note[:1].upper()}{note[1:]}." for note in graded.notes]
    if graded.reason:
        said.insert(0, f"It could not be graded to its end: {graded.reason}.")
    return _made(cents(graded.score or 0.0), "\n\n".join(said), tests, visibility)


def not_graded(why: str, max_score: float) -> Results:
    """What Gradescope shows where nothing was judged; the student sees why at once."""
    test = {
        "name": NOT_GRADED,
        "score": 0.0,
        "max_score": cents(max_score),
        "status": "failed",
        "output": f"{why}\n\n{NO_VERDICT}",
        "output_format": "text",
        "visibility": VISIBLE,
    }
    return _made(0.0, why, [test], VISIBLE)


def _made(score: float, output: str, tests: list[Results], visibility: str) -> Results:
    return {
        "score": score,
        "output": output,
        "output_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",  # what the programs of the zip print is for staff
        "tests": tests,
        "extra_data": {"grader": autograder.__version__},
    }


def _to_be_marked(name: str, points: float, visibility: str) -> Results:
    return {
        "name": f"{name}: to be marked",
        "output": (
            f"Your answer is marked by a person, for up to {points:g} more points. Nothing is "
            "taken off for it here."
        ),
        "output_format": "text",
        "visibility": visibility,
    }


def _tests(notebook: NotebookNode | None) -> list[NotebookNode]:
    return [] if notebook is None else [cell for cell in notebook.cells if is_test(cell)]


def _html(cell: Mapping[str, Any]) -> str:
    """The verdict on a test cell as the graded notebook shows it."""
    return clean_html(cell["outputs"][0]["data"]["text/html"])

"""Limits that a notebook sets for itself: read, refused, used wherever it runs, and shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder import doctor
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.grading import grade as grading
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess
from autograder.kernel.request import InTurn
from autograder.reference import answer_key, wrong_versions
from autograder.sandbox.execute import execute
from autograder.sandbox.limits import LEAST, Limits, limits_of
from autograder.sandbox.standing import Standing
from autograder.submission.handed_in import read_handed_in
from tests import mini
from tests.test_grade import WRONG


def set_limits(course: Path, limits: object) -> Course:
    """The course, whose notebook sets these."""
    path = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["workbook"]["limits"] = limits
    nbformat.write(notebook, path)
    return Course(course)


def test_what_is_not_set_is_as_usual(course: Path) -> None:
    """And what is set replaces one limit alone."""
    assert limits_of(Course(course).assignments[mini.NAME]) == Limits()

    opened = set_limits(course, {"cell_seconds": 90, "memory_bytes": 2**33})

    expected = Limits(cell_seconds=90, memory_bytes=2**33)
    assert limits_of(opened.assignments[mini.NAME]) == expected


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"seconds": 9}, "has 'seconds'; there are cell_seconds, notebook_seconds, memory_bytes"),
        ({"cell_seconds": "9"}, "has cell_seconds = '9'; a number above 0 is expected"),
        ({"cell_seconds": 0}, "has cell_seconds = 0; a number above 0"),
        ({"notebook_seconds": float("inf")}, "has notebook_seconds = inf; a number above 0"),
        ({"notebook_seconds": float("nan")}, "has notebook_seconds = nan; a number above 0"),
        ({"processes": True}, "has processes = True; a number above 0"),
        ({"memory_bytes": 0.5}, "has memory_bytes = 0.5; a whole number"),
        ({"memory_bytes": 3}, "has memory_bytes = 3; at least 1,073,741,824 is expected"),
        ({"cell_seconds": 0.01}, "has cell_seconds = 0.01; at least 0.1 is expected"),
        ({"processes": 7}, "has processes = 7; at least 8 is expected"),
        ([1], r"is \[1\]; it is an object with some of cell_seconds"),
    ],
    ids=str,
)
def test_a_limit_that_cannot_be_used_is_named(course: Path, limits: object, says: str) -> None:
    """With the notebook and what is expected; nothing is graded by it."""
    opened = set_limits(course, limits)

    with pytest.raises(CourseError, match=f"{mini.NAME}.ipynb: metadata.workbook.limits {says}"):
        answer_keys(opened, opened.chosen([]), ThisProcess(), Seeds())
    (found,) = (each for each in doctor.findings(course) if each.what == f"limits of {mini.NAME}")
    assert not found.fine
    assert "metadata.workbook.limits" in found.remedy


def test_a_notebook_runs_with_the_least_of_each() -> None:
    """It imports what lessons need, starts a program, writes a file, and its evidence arrives."""
    ran = """
import subprocess
import matplotlib.pyplot as plt
from autograder.observe import gradients, observe, randn

with observe("a gradient") as seen:
    x = randn(3, 4, requires_grad=True)
    seen.gradients = gradients(torch.softmax(x, -1), [x])
with open("file", "w") as file:
    file.write("here")
print(subprocess.run(["cat", "file"], capture_output=True).stdout)
"""
    cells = [nbformat.v4.new_code_cell(text) for text in ("import torch", ran)]
    cells[1].metadata["nbgrader"] = {"grade": True, "solution": False, "grade_id": "test-all"}
    seconds = {"cell_seconds": 20.0, "notebook_seconds": 60.0}  # how fast it is says nothing here
    limits = Limits(**{**LEAST, **seconds})  # type: ignore[arg-type]  # counts are whole there

    done = execute(nbformat.v4.new_notebook(cells=cells), seed=1, limits=limits)

    assert (done.problem, done.ended, done.slow) == (None, [], set())
    assert [each.get("text") for each in cells[1].outputs] == ["b'here'\n"]
    assert len(done.evidence["test-all"]) == 1


def test_each_limit_has_a_least_value() -> None:
    """And the usual ones are above it."""
    assert list(LEAST) == [field.name for field in fields(Limits)]
    assert all(getattr(Limits(), name) > least for name, least in LEAST.items())


def test_they_hold_wherever_the_assignment_runs(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference, a submission, and the wrong versions that explain it."""
    opened = set_limits(course, {"cell_seconds": 33, "processes": 77})
    ran: list[tuple[str, Any]] = []
    seconds: list[float] = []
    for module in (answer_key, grading):
        original = module.execute  # type: ignore[attr-defined]

        def noted(*given: Any, of: str = module.__name__, run: Any = original, **more: Any) -> Any:
            ran.append((of, more["limits"]))
            return run(*given, **more)

        monkeypatch.setattr(module, "execute", noted)

    class Noted(Standing):
        def observed(self, versions: Sequence[InTurn]) -> list[list[bytes]]:
            ran.append((wrong_versions.__name__, self.limits))
            seconds.extend(each.seconds for each in versions)
            return super().observed(versions)

    monkeypatch.setattr(wrong_versions, "Standing", Noted)
    path = mini.hand_in(course, "one", mini.submission(double=WRONG))

    key = answer_keys(opened, opened.chosen([]), ThisProcess(), Seeds())[mini.NAME]
    graded = grading.grade(key, read_handed_in(path, "one"))

    assert graded.tests["test-double"].checks[0].misconception == "tripled"
    assert {name for name, _ in ran} == {m.__name__ for m in (answer_key, wrong_versions, grading)}
    assert {limits.processes for _, limits in ran} == {77}
    assert {limits.cell_seconds for _, limits in ran} == {33}
    # In a test cell a wrong version has less time where the reference took little.
    assert min(seconds) < max(seconds) == 33


def test_the_doctor_shows_them(course: Path) -> None:
    """Only those that the notebook sets."""
    assert not [each for each in doctor.findings(course) if "limits" in each.what]
    set_limits(course, {"cell_seconds": 90, "memory_bytes": 2**33})

    (found,) = (each for each in doctor.findings(course) if "limits" in each.what)

    assert (found.what, found.fine) == (f"limits of {mini.NAME}", True)
    assert found.found == "cell_seconds 90, memory_bytes 8,589,934,592"

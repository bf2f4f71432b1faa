"""After a test or a solution changed: who gains, who loses, by which checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.course import Course
from tests import mini
from tests.test_grade import results, workbook

HALVED = "def double(x):\n    return x / 2"
DETACHED = "def double(x):\n    return (2 * x).detach()"


def differences(course: Path, *arguments: str) -> list[dict[str, Any]]:
    done = workbook(course, "regrade", "--json", "differences.json", *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads((course / "differences.json").read_text())
    assert isinstance(found, list)
    return found


@pytest.fixture
def graded(course: Path) -> Path:
    """One right, one wrong, one that gives no gradient; the answer of the first is marked."""
    mini.hand_in(course, "right", mini.submission())
    mini.hand_in(course, "halved", mini.submission(double=HALVED))
    mini.hand_in(course, "detached", mini.submission(double=DETACHED))
    results(course)
    return course


def without_gradients(course: Path) -> None:
    """The instructor takes back what nobody was told."""
    path = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if "gradient arrives" in cell.source:
            before, _, rest = cell.source.partition('with observe("gradient arrives"')
            cell.source = before + rest[rest.index("### END HIDDEN TESTS") :]
    nbformat.write(notebook, path)


def files(course: Path) -> dict[str, int]:
    tops = ("autograded", "gradebook.db")
    return {
        str(path): path.stat().st_mtime_ns
        for top in tops
        for path in [course / top, *(course / top).rglob("*")]
        if path.is_file()
    }


def test_nothing_changed_and_nothing_differs(graded: Path) -> None:
    assert differences(graded, "--dry-run") == []
    done = workbook(graded, "regrade", "--dry-run")
    said = "Of 3 graded before, 0 would have more points, 0 fewer; nothing was written."
    assert done.stdout.strip() == said


def test_a_dry_run_says_what_a_run_then_does(graded: Path) -> None:
    without_gradients(graded)
    before = files(graded)

    would = differences(graded, "--dry-run")
    assert files(graded) == before
    assert would == [
        {
            "student": "detached",
            "assignment": mini.NAME,
            "before": 4.0,
            "after": 6.0,
            "gained": [],
            "lost": [],
        }
    ]

    done = differences(graded)
    assert done == would
    assert files(graded) != before
    assert differences(graded) == []


def test_who_loses_is_named_with_the_check(graded: Path) -> None:
    """A new solution makes right work wrong, and wrong work right."""
    solutions = graded / "solutions" / "mini.py"
    solutions.write_text(solutions.read_text().replace("2 * x", "x / 2"))
    table = graded / "solutions" / "mini.toml"
    table.write_text("")
    source = graded / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    source.write_text(source.read_text().replace("2 * x", "x / 2").replace("== 6", "== 1.5"))

    found = {each["student"]: each for each in differences(graded, "--dry-run")}
    assert found["right"]["after"] < found["right"]["before"]
    assert "double: any shape" in found["right"]["lost"]
    assert found["halved"]["after"] > found["halved"]["before"]
    assert "double: any shape" in found["halved"]["gained"]
    done = workbook(graded, "regrade", "--dry-run", "--student", "right")
    assert done.stdout.splitlines()[0].startswith(f"right {mini.NAME}: 6 -> ")
    assert "  - double: any shape" in done.stdout


def test_marks_by_hand_stay(graded: Path) -> None:
    with Gradebook(Course(graded).db_url) as gradebook:
        (written,) = [
            grade
            for grade in gradebook.find_submission_notebook(mini.NAME, mini.NAME, "right").grades
            if grade.cell.cell_type == "markdown"
        ]
        written.manual_score, written.needs_manual_grade = 1.5, False
        name = written.name
        gradebook.db.commit()
    without_gradients(graded)
    differences(graded)

    with Gradebook(Course(graded).db_url) as gradebook:
        again = gradebook.find_grade(name, mini.NAME, mini.NAME, "right")
        assert (again.manual_score, again.needs_manual_grade) == (1.5, False)


def test_what_was_never_graded_is_left(course: Path) -> None:
    mini.hand_in(course, "new", mini.submission())

    done = workbook(course, "regrade")
    assert done.returncode == 0, done.stderr
    assert "Of 0 graded before" in done.stdout

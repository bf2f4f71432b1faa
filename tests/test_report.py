"""The report says what the class did: recounted from the results, named as it was planted."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbgrader.api import Gradebook

from autograder.course.course import Course
from tests import browser, mini
from tests.test_grade import results, workbook

TRIPLED = "def double(x):\n    return 3 * x"
BOTH = "def double(x):\n    return (3 * x).detach()"
QUADRUPLED = "def double(x):\n    return 4 * x"
COLUMN = "def first_row(x):\n    return x[:, 0]"
PLANTED = {
    "right": (8, {}),
    "tripled": (4, {"double": TRIPLED}),
    "both": (2, {"double": BOTH}),
    "quadrupled": (5, {"double": QUADRUPLED}),
    "column": (3, {"first_row": COLUMN}),
}
FILLED = """
[wrong.double]
quadrupled = { old = '2 * x', new = '4 * x', says = '''
  The number is quadrupled.
  Every entry is twice what it should be.
  How often do you add?''', explained = 'title' }
"""


def students(kind: str) -> list[str]:
    return [f"{kind}-{n}" for n in range(PLANTED[kind][0])]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A class of 22 with planted mistakes, graded, and the results of the grading."""
    course = mini.make_course(tmp_path_factory.mktemp("class"))
    for kind, (_, sources) in PLANTED.items():
        for student in students(kind):
            mini.hand_in(course, student, mini.submission(**sources))
    return course, results(course)


def reported(course: Path, *arguments: str) -> dict[str, Any]:
    done = workbook(course, "report", "--json", "report.json", *arguments)
    assert done.returncode == 0, done.stderr
    (only,) = json.loads((course / "report.json").read_text())
    assert isinstance(only, dict)
    return only


def test_its_figures_are_those_of_a_recount(graded: tuple[Path, dict[str, Any]]) -> None:
    course, found = graded
    told = reported(course, "--csv", "report.csv")

    scores = np.array([each["score"] for each in found.values()])
    assert told["distribution"]["count"] == len(scores) == 22
    assert told["distribution"]["mean"] == pytest.approx(scores.mean())
    assert told["distribution"]["median"] == pytest.approx(np.median(scores))
    assert sum(told["distribution"]["tenths"]) == 22
    items = {(each["test"], each["check"]): each for each in told["items"]}
    order = sorted(found, key=lambda name: (found[name]["score"], name))
    for test in ("test-double", "test-first_row"):
        points = np.array([each["tests"][test]["score"] for each in found.values()])
        item = items[test, None]
        assert item["mean"] == pytest.approx(points.mean(), abs=0.01)
        assert item["passed"] == pytest.approx((points == points.max()).mean())
        expected = np.corrcoef(points, scores - points)[0, 1]
        assert item["discrimination"] == pytest.approx(expected, abs=0.01)
        weakest = [found[name]["tests"][test]["score"] == points.max() for name in order[:5]]
        assert item["fifths"][0] == pytest.approx(np.mean(weakest))
        for check in next(iter(found.values()))["tests"][test]["checks"]:
            right = [
                c["passed"]
                for each in found.values()
                for c in each["tests"][test]["checks"]
                if c["name"] == check["name"]
            ]
            assert items[test, check["name"]]["passed"] == pytest.approx(np.mean(right))
    with (course / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(items)
    assert {row["check"] for row in rows if row["definition"] == "double"} >= {"", "any shape"}


def test_every_planted_mistake_has_its_students(graded: tuple[Path, dict[str, Any]]) -> None:
    told = reported(graded[0])

    ideas = {idea["id"]: set(idea["students"]) for idea in told["ideas"]}
    assert ideas == {
        "tripled": {*students("tripled"), *students("both")},
        "detached": {*students("both")},
        "first-column": {*students("column")},
    }
    assert told["ideas"][0]["id"] == "tripled"
    assert told["ideas"][0]["explained"] == "Doubling"


def test_a_shared_mistake_without_a_name_gets_one(graded: tuple[Path, dict[str, Any]]) -> None:
    """Five students, one cluster; with the entry filled in, grading again names it."""
    course, _ = graded
    told = reported(course)

    (cluster,) = told["unnamed"]
    assert set(cluster["students"]) == set(students("quadrupled"))
    assert (course / cluster["path"]).is_file()
    lines = cluster["row"].splitlines()
    assert lines[0] in FILLED.splitlines()
    assert [line.partition("=")[2][:8] for line in lines[1:2]] == [" { old ="]
    table = next(Course(course).solutions.glob("*.toml"))
    before = table.read_text()
    try:
        table.write_text(before.replace("\n[wrong.double]\n", FILLED, 1))
        results(course, "--force")
        told = reported(course)
        assert told["unnamed"] == []
        ideas = {idea["id"]: set(idea["students"]) for idea in told["ideas"]}
        assert ideas["quadrupled"] == set(students("quadrupled"))
        assert ideas["tripled"] == {*students("tripled"), *students("both")}
    finally:
        table.write_text(before)


def test_what_changed_and_who_is_missing_is_said(course: Path) -> None:
    mini.hand_in(course, "alma", mini.submission(double=TRIPLED))
    mini.hand_in(course, "boris", mini.submission())
    results(course)
    with Gradebook(Course(course).db_url) as gradebook:
        gradebook.add_student("carla")
    told = reported(course)
    assert told["changes"] == []
    assert told["missing"] == ["carla"]
    assert all(item["discrimination"] is None for item in told["items"])
    before = told["scores"]["alma"]

    again = course / "submitted" / "alma" / mini.NAME / f"{mini.NAME}.ipynb"
    again.write_text(nbformat.writes(mini.submission()))
    results(course)
    told = reported(course)
    assert told["changes"] == [
        {"student": "alma", "before": before, "after": told["scores"]["alma"]}
    ]
    assert told["scores"]["alma"] > before


def test_a_test_that_nobody_passes_is_suspect(course: Path) -> None:
    for n in range(3):
        mini.hand_in(course, f"s{n}", mini.submission(first_row=COLUMN))
    results(course)

    told = reported(course)
    suspects = {item["check"] for item in told["items"] if item["suspect"] == "nobody passes"}
    assert None in suspects
    assert not any(i["suspect"] for i in told["items"] if i["test"] == "test-double")


def test_without_a_graded_submission_it_says_so(course: Path) -> None:
    done = workbook(course, "report")

    assert done.returncode == 0, done.stderr
    assert "report.html: 0 submissions" in done.stdout
    assert not (course / "gradebook.db").exists()
    done = workbook(course, "report", "nothing-like-this")
    assert done.returncode == 2
    assert "nothing-like-this" in done.stderr


@browser.needs_chromium
def test_the_page_can_be_read_by_everybody(
    graded: tuple[Path, dict[str, Any]],
) -> None:
    course, _ = graded
    reported(course)
    with browser.chromium() as started:
        context = started.new_context(
            viewport={"width": 360, "height": 740}, offline=True, java_script_enabled=True
        )
        view = context.new_page()
        asked: list[str] = []
        view.on("request", lambda request: asked.append(request.url))
        view.goto((course / "report.html").as_uri())
        assert asked == [(course / "report.html").as_uri()]
        assert view.evaluate("document.documentElement.scrollWidth") <= 360
        assert view.locator("script").count() == 0
        assert browser.serious(view) == []
        view.get_by_text("The 3 checks of double").click()
        assert view.get_by_role("rowheader", name="any shape").is_visible()


def test_work_that_cannot_be_run_is_not_missing(course: Path) -> None:
    mini.hand_in(course, "broken", "no notebook")
    mini.hand_in(course, "right", mini.submission())
    assert workbook(course, "grade").returncode == 1

    told = reported(course)
    assert told["missing"] == []
    assert "workbook table says why" in told["needs_attention"]["broken"]
    done = workbook(course, "table")
    assert "broken" in done.stdout

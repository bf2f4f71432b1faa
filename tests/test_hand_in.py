"""The whole round of a hand-in through nbgrader, in the browsers of an instructor and a student."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import browser, lab, mini
from tests.jupyter_server import jupyter_server
from tests.test_grade import workbook
from tests.test_hostile_pages import MATHJAX
from workbook.start import environment, fill

# Two servers and two browsers for minutes; what it goes through is nbgrader's and JupyterLab's.
pytestmark = [browser.needs_chromium, pytest.mark.release]

HIDDEN = ("HIDDEN TESTS", "observe(", "randn", "MARK SCHEME", "One point for")


@dataclass
class Round:
    """An instructor's course and browser, and a student's desk and browser."""

    course: Path
    formgrader: str
    instructor: Any
    desk: Path
    student: Any


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Round]:
    """A server for each, with a home of its own, and an exchange that both are told of."""
    course, desk, exchange = mini.make_course(tmp_path), tmp_path / "desk", tmp_path / "exchange"
    exchange.mkdir()
    fill(desk)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f"\nc.Exchange.root = {str(exchange)!r}\n")
        config.write("c.LateSubmissionPlugin.penalty_method = 'zero'\n")
    (desk / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        "c.CourseDirectory.course_id = 'transformer-workbook'\n"
        f"c.Exchange.root = {str(exchange)!r}\n"
    )
    with (
        jupyter_server(course, tmp_path / "instructor") as teaching,
        jupyter_server(desk, tmp_path / "student", environment) as learning,
        browser.chromium() as started,
        lab.tab(started) as (instructor, asked_by_instructor),
        lab.tab(started) as (student, asked_by_student),
    ):
        instructor.goto(f"{teaching}/lab")
        student.goto(f"{learning}/lab")
        yield Round(course, f"{teaching}/formgrader", instructor, desk, student)
        assert asked_by_student == []
        assert [url for url in asked_by_instructor if not url.startswith(MATHJAX)] == []


# --- the instructor's steps ---------------------------------------------------------------


def press(page: Any, what: str) -> None:
    """Press what a column of the formgrader's list offers; it says that it worked."""
    page.locator(f"tbody tr .{what} a").click()
    dialog = page.locator(".modal-dialog")
    title = dialog.locator(".modal-title").inner_text()
    assert title == "Success", dialog.inner_text()
    dialog.get_by_role("button", name="OK").click()
    dialog.wait_for(state="detached")


def release(both: Round) -> None:
    page = both.instructor
    assert "Create assignment" in lab.menu(page, "Nbgrader", "Formgrader")
    page.frame_locator("iframe").get_by_role("link", name=mini.NAME).wait_for()
    page.goto(f"{both.formgrader}/manage_assignments")
    press(page, "assign")
    press(page, "release")


def set_due(both: Round, date: str) -> None:
    page = both.instructor
    page.goto(f"{both.formgrader}/manage_assignments")
    page.locator("tbody tr .edit a").click()
    page.locator(".modal-duedate").fill(date)
    page.get_by_role("button", name="Save").click()
    page.locator("tbody tr .duedate").filter(has_text=date[:10]).wait_for()


def collect(both: Round) -> None:
    """Take what was handed in last, and look at the list of submissions."""
    page = both.instructor
    page.goto(f"{both.formgrader}/manage_assignments")
    press(page, "collect")
    page.locator("tbody tr .num-submissions a").click()


def autograde(both: Round, points: str) -> None:
    page = both.instructor
    press(page, "autograde")
    page.locator("tbody tr .score").get_by_text(points, exact=True).wait_for()


def mark(both: Round, points: str, comment: str) -> None:
    """Type points and a comment beside the written answer."""
    page = both.instructor
    page.goto(f"{both.formgrader}/gradebook/{mini.NAME}/{mini.NAME}")
    page.locator("tbody tr td.name a:visible").click()
    # What is typed before the page has both is neither saved nor kept.
    page.wait_for_function("window.formgrader?.grades?.loaded && formgrader.comments?.loaded")
    page.locator("#why-shape").fill(points)
    with page.expect_response("**/api/grade/*"):
        page.locator("#why-shape-comment").click()
    page.keyboard.type(comment)
    with page.expect_response("**/api/comment/*"):
        page.locator("#why-shape").click()


def return_feedback(both: Round) -> None:
    page = both.instructor
    page.goto(f"{both.formgrader}/manage_assignments")
    press(page, "generate-feedback")
    press(page, "release-feedback")


# --- the student's steps --------------------------------------------------------------------


def fetch(both: Round) -> None:
    page = both.student
    assert lab.menu(page, "Nbgrader", "Assignment List") == ["Assignment List"]
    page.locator("#released_assignments_list").get_by_role("button", name="Fetch").click()
    page.locator("#fetched_assignments_list .assignment-notebooks-link", has_text="mini").click()
    page.locator("#fetched_assignments_list .nested_list_item a", has_text="mini").click()
    lab.ready(page, f"{mini.NAME}/{mini.NAME}.ipynb")


def validated(page: Any) -> str:
    """What the button *Validate* answers; it saves the notebook first."""
    page.locator("jp-button.validate-button").click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("Validation Results").wait_for()
    said: str = dialog.inner_text()
    dialog.get_by_role("button").last.click()
    return said


def submit(page: Any, number: int) -> None:
    """Submit for the `number`th time."""
    page.get_by_role("tab", name="Assignments").click()
    page.locator("#fetched_assignments_list").get_by_role("button", name="Submit").click()
    submissions = page.locator("#submitted_assignments_list .nested_list_item")
    submissions.nth(number - 1).wait_for()


def read_feedback(both: Round, number: int) -> str:
    """Fetch the `number`th feedback, open its page in JupyterLab, and read it."""
    page = both.student
    page.get_by_role("tab", name="Assignments").click()
    page.locator("#refresh_assignments_list").click()
    page.get_by_text("feedback available to fetch").wait_for()
    page.get_by_role("button", name="Fetch Feedback").click()
    # The one before can be viewed all the time: of it, neither link nor folder may be taken.
    page.get_by_text("(view feedback)").nth(number - 1).click()
    newest = max(path.name for path in (both.desk / mini.NAME / "feedback").iterdir())
    page.locator(f'.jp-BreadCrumbs-item[title$="{newest}"]').wait_for()
    page.locator(".jp-DirListing-item").filter(has_text=f"{mini.NAME}.html").dblclick()
    shown = page.frame_locator("iframe >> visible=true").locator("body")
    shown.get_by_role("heading", name=mini.NAME).wait_for()
    assert not any(secret in shown.inner_html() for secret in HIDDEN)
    text: str = shown.inner_text()
    return " ".join(text.split())


def test_the_whole_round(both: Round) -> None:
    """Released, fetched, written, submitted twice and late; marked, returned, read."""
    page = both.student
    release(both)
    fetch(both)
    fetched = both.desk / mini.NAME / f"{mini.NAME}.ipynb"
    assert not any(secret in fetched.read_text() for secret in HIDDEN)
    assert page.get_by_text("Create Assignment").count() == 0
    assert page.get_by_text("official Jupyter news").count() == 0

    lab.write(page, lab.cell(page, "def double"), "def double(x):\n    return 2 * x")
    assert "first_row" in validated(page)
    submit(page, 1)
    page.get_by_role("tab", name=f"{mini.NAME}.ipynb").click()
    lab.write(page, lab.cell(page, "def first_row"), "def first_row(x):\n    return x[0]")
    lab.cell(page, "Your answer here").dblclick()
    lab.write(page, lab.cell(page, "Your answer here"), "Each entry for itself.")
    lab.command(page, "notebook:run-all-cells")
    assert "Success! Your notebook passes all the tests." in validated(page)
    submit(page, 2)

    collect(both)
    autograde(both, "6 / 7")
    mark(both, "0.5", "Which entry?")
    return_feedback(both)
    text = read_feedback(both, 1)
    assert "6.5 of 7 points with the written answers." in text
    assert "first_row 2 of 2 points All 2 checks passed." in text
    assert "Written answer 0.5 of 1 points" in text
    assert "Comment: Which entry?" in text

    set_due(both, "2020-02-03T05:07")
    submit(page, 3)
    collect(both)
    assert workbook(both.course, "grade").returncode == 0
    return_feedback(both)
    late = "0 of 7 points with the written answers, after 6.5 points off for handing in late."
    assert late in read_feedback(both, 2)

"""More time for one student, and what being late costs by the configuration's numbers."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.deadlines import time_span
from autograder.nbgrader_plugin import LatePolicy
from tests import harness, mini, student_folder
from tests.test_grade import results, workbook
from tests.test_nbgrader import nbgrader
from workbook import progress

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

DUE = datetime(2031, 3, 5, 12)
POLICY = """
c.AssignLatePenalties.plugin_class = "autograder.nbgrader_plugin.LatePolicy"
c.LatePolicy.percent_a_day = 10
c.LatePolicy.grace_minutes = 15
c.LatePolicy.cap_percent = 50
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2d", timedelta(days=2)),
        ("1d 12h", timedelta(hours=36)),
        ("90min", timedelta(minutes=90)),
        (" 1w ", timedelta(weeks=1)),
        ("1.5d", timedelta(hours=36)),
        ("0", timedelta()),
    ],
)
def test_a_length_of_time_is_read(text: str, expected: timedelta) -> None:
    assert time_span(text) == expected


@pytest.mark.parametrize("text", ["", "2", "two days", "-1d", "2m", "1d!", "until monday"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(CourseError, match="write 2d, 1d 12h"):
        time_span(text)


@pytest.mark.parametrize(
    ("late", "lost"),
    [
        (timedelta(minutes=15), None),
        (timedelta(minutes=16), 1.0),
        (timedelta(days=1), 1.0),
        (timedelta(days=1, seconds=1), 2.0),
        (timedelta(days=30), 5.0),
    ],
)
def test_days_begun_cost_percents_up_to_a_cap(late: timedelta, lost: float | None) -> None:
    policy = LatePolicy(percent_a_day=10, grace_minutes=15, cap_percent=50)

    assert policy.late_submission_penalty("s", 10.0, late.total_seconds()) == lost


def exported(course: Path) -> dict[str, tuple[float, float]]:
    """Penalty and score of each student, in what nbgrader exports."""
    assert nbgrader(course, "export").returncode == 0
    with (course / "grades.csv").open(newline="") as file:
        return {
            row["student_id"]: (float(row["late_submission_penalty"]), float(row["score"]))
            for row in csv.DictReader(file)
        }


def test_the_export_follows_an_extension_and_nothing_runs(course: Path) -> None:
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(POLICY)
    for student, at in (("late", DUE + timedelta(hours=30)), ("punctual", DUE)):
        path = mini.hand_in(course, student, mini.submission())
        (path.parent / "timestamp.txt").write_text(f"{at:%Y-%m-%d %H:%M:%S} UTC")
    results(course)
    with Gradebook(Course(course).db_url) as gradebook:
        gradebook.update_or_create_assignment(mini.NAME, duedate=DUE)
    full = exported(course)["punctual"][1]
    assert exported(course)["late"] == (pytest.approx(0.2 * full), pytest.approx(0.8 * full))
    graded = {path: path.stat().st_mtime_ns for path in (course / "autograded").rglob("*.ipynb")}

    done = workbook(course, "extend", "late", mini.NAME, "1d")
    assert done.stdout.strip() == f"late has 1 d more for {mini.NAME}: until 2031-03-06 12:00 UTC."
    assert exported(course)["late"][0] == pytest.approx(0.1 * full)
    workbook(course, "extend", "late", mini.NAME, "2d")
    assert exported(course)["late"] == (0, full)
    done = workbook(course, "extend", "late", mini.NAME, "0")
    assert "no more time" in done.stdout
    assert exported(course)["late"][0] == pytest.approx(0.2 * full)
    assert graded == {path: path.stat().st_mtime_ns for path in graded}


def test_time_may_be_given_before_anything_is_handed_in(course: Path) -> None:
    path = mini.hand_in(course, "early", mini.submission())
    results(course)
    with Gradebook(Course(course).db_url) as gradebook:
        gradebook.update_or_create_assignment(mini.NAME, duedate=DUE)
        gradebook.add_student("ill")
    assert workbook(course, "extend", "ill", mini.NAME, "1w").returncode == 0
    assert exported(course)["ill"] == (0, 0)

    handed_in = mini.hand_in(course, "ill", mini.submission())
    (handed_in.parent / "timestamp.txt").write_text("2031-03-12 11:00:00 UTC")
    found = results(course)["ill"]
    assert found["gradebook"]["seconds_late"] == 0
    assert path.is_file()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("nobody", mini.NAME, "1d"), "no student 'nobody'"),
        (("one", "02-else", "1d"), "no assignment '02-else'"),
        (("one", mini.NAME, "1d"), "has no due date"),
        (("one", mini.NAME, "soon"), "is no length of time"),
    ],
)
def test_what_cannot_be_done_is_said(course: Path, given: tuple[str, ...], said: str) -> None:
    mini.hand_in(course, "one", mini.submission())
    results(course)

    done = workbook(course, "extend", *given)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_due_date_stands_in_the_released_notebook_and_in_the_students_list(
    course: Path,
) -> None:
    assert workbook(course, "release").returncode == 0
    released = course / "release" / mini.NAME / f"{mini.NAME}.ipynb"
    assert "due" not in json.loads(released.read_text())["metadata"].get("workbook", {})
    with Gradebook(Course(course).db_url) as gradebook:
        gradebook.update_or_create_assignment(mini.NAME, duedate=DUE)

    assert workbook(course, "release").returncode == 0
    assert json.loads(released.read_text())["metadata"]["workbook"]["due"] == "2031-03-05 12:00 UTC"


def test_the_students_list_shows_due_dates_where_there_are_some(tmp_path: Path) -> None:
    folder = student_folder.released(tmp_path, *harness.ASSIGNMENTS[:2])
    assert "due" not in repr(progress(folder))
    path = folder / harness.ASSIGNMENTS[0] / f"{harness.ASSIGNMENTS[0]}.ipynb"
    content = json.loads(path.read_text())
    content["metadata"]["workbook"]["due"] = "2031-03-05 12:00 UTC"
    path.write_text(json.dumps(content))

    assert [each.due for each in progress(folder).notebooks][:2] == ["2031-03-05 12:00 UTC", ""]
    assert "2031-03-05 12:00 UTC" in progress(folder)._repr_html_()


def test_more_time_makes_no_gradebook(course: Path) -> None:
    done = workbook(course, "extend", "one", mini.NAME, "2d")

    assert done.returncode == 2
    assert "there is no gradebook yet" in done.stderr
    assert not (course / "gradebook.db").exists()

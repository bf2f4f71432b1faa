"""What is graded again, and what is not: everything that a verdict depends on counts."""

from __future__ import annotations

import importlib.metadata
import sqlite3
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.course import Course
from autograder.grading.due import due
from autograder.reference import fingerprint as fingerprints
from autograder.reference.key_cache import FOLDER, KeyCache
from tests import mini
from tests.test_grade import results, workbook


@pytest.fixture
def graded(course: Path) -> Path:
    """A course whose two submissions are graded."""
    mini.hand_in(course, "one", mini.submission())
    beside = mini.hand_in(course, "two", mini.submission()).parent
    (beside / "helper.py").write_text("answer = 1")
    assert workbook(course, "grade").returncode == 0
    return course


def names(course: Path) -> list[str]:
    """Whose submissions are due."""
    opened = Course(course)
    submissions = opened.submissions(opened.chosen([]))
    return [one.submission.student for one in due(opened, submissions, force=False)]


def test_nothing_changed(graded: Path) -> None:
    """Nothing is due, and the command leaves every file as it is."""
    before = {path: path.stat().st_mtime_ns for path in graded.rglob("*")}

    assert names(graded) == []
    assert "2 left as graded before" in workbook(graded, "grade").stderr
    assert {path: path.stat().st_mtime_ns for path in graded.rglob("*")} == before


def work(course: Path) -> None:
    path = course / "submitted" / "one" / mini.NAME / f"{mini.NAME}.ipynb"
    nbformat.write(mini.submission(double="def double(x):\n    return x + x"), path)


def helper(course: Path) -> None:
    (course / "submitted" / "two" / mini.NAME / "helper.py").write_text("answer = 2")


def time_of_submission(course: Path) -> None:
    folder = course / "submitted" / "one" / mini.NAME
    (folder / "timestamp.txt").write_text("2031-03-05 08:11:14 UTC")


def tests_of_the_assignment(course: Path) -> None:
    path = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    path.write_text(path.read_text().replace("randn(3, 5)", "randn(4, 5)"))


def file_of_the_assignment(course: Path) -> None:
    (course / "source" / mini.NAME / "data.txt").write_text("1")


def reference(course: Path) -> None:
    path = course / "solutions" / "mini.py"
    path.write_text(path.read_text().replace("2 * x", "x + x"))


def configuration(course: Path) -> None:
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("# changed\n")


def autograded_notebook(course: Path) -> None:
    (course / "autograded" / "one" / mini.NAME / f"{mini.NAME}.ipynb").unlink()


def row_of_the_gradebook(course: Path) -> None:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.remove_submission(mini.NAME, "two")


def due_date(course: Path) -> None:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(mini.NAME, duedate="2031-02-03 05:07:00 UTC")


def gradebook_as_a_whole(course: Path) -> None:
    (course / "gradebook.db").unlink()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (work, ["one"]),
        (helper, ["two"]),
        (time_of_submission, ["one"]),
        (tests_of_the_assignment, ["one", "two"]),
        (file_of_the_assignment, ["one", "two"]),
        (reference, ["one", "two"]),
        (configuration, ["one", "two"]),
        (autograded_notebook, ["one"]),
        (row_of_the_gradebook, ["two"]),
        (due_date, ["one", "two"]),
        (gradebook_as_a_whole, ["one", "two"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_changed_is_due(
    graded: Path, change: Callable[[Path], None], expected: list[str]
) -> None:
    """And nothing else is."""
    change(graded)

    assert names(graded) == expected


def test_another_version_of_a_package_makes_everything_due(
    graded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new torch may round in another way."""
    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "99" if name == "torch" else version(name)
    )
    fingerprints.software.cache_clear()
    try:
        assert names(graded) == ["one", "two"]
    finally:
        fingerprints.software.cache_clear()


def test_the_reference_is_kept_with_its_seed(graded: Path) -> None:
    """Who hands in later is graded on the same inputs; `--force` draws new ones for all."""
    with sqlite3.connect(graded / "gradebook.db") as database:
        assert database.execute("SELECT count(*) FROM workbook_graded").fetchone() == (2,)
    (kept,) = (graded / FOLDER).iterdir()
    seed = KeyCache(graded).find(kept.stem, None)
    assert seed is not None
    mini.hand_in(graded, "late", mini.submission())

    assert {name: found["seed"] for name, found in results(graded).items()} == {"late": seed[0]}
    forced = {found["seed"] for found in results(graded, "--force").values()}
    assert len(forced) == 1
    assert forced != {seed[0]}


def test_a_damaged_cache_is_made_again(graded: Path) -> None:
    """What is kept is a convenience; nothing depends on it."""
    (kept,) = (graded / FOLDER).iterdir()
    kept.write_text('{"seed": 1, "evidence": {"test-double": ["no base64"]}}')
    mini.hand_in(graded, "late", mini.submission())

    assert results(graded)["late"]["score"] == 6.0
    assert KeyCache(graded).find(kept.stem, None) is not None


def test_folders_are_where_nbgrader_looks_for_them(course: Path) -> None:
    """The course reads its own settings; they mean what they mean to nbgrader."""
    from nbgrader.coursedir import CourseDirectory

    with (course / "nbgrader_config.py").open("a") as config:
        config.write('c.CourseDirectory.submitted_directory = "in"\n')
        structure = "{nbgrader_step}/of-{student_id}/{assignment_id}"
        config.write(f'c.CourseDirectory.directory_structure = "{structure}"\n')
    for opened in (Course(course), Course(course, "sqlite:///other.db")):
        theirs = CourseDirectory(config=opened.config)
        assert (opened.db_url, opened.course_id) == (theirs.db_url, theirs.course_id)
        for step in ("source", "release", "submitted", "autograded", "feedback"):
            name = getattr(theirs, f"{step}_directory")
            assert opened.top(step) == course / name
            assert str(opened.folder(step, "s", "a")) == theirs.format_path(name, "s", "a")

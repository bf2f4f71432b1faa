"""Course folders as instructors have them: odd paths, own modules, colleagues, two runs at once."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import URL

from autograder.course import replace
from autograder.course.course import Course
from autograder.course.replace import put_in_place, replace_folder
from autograder.gradebook.create import create
from autograder.gradebook.gradings import sqlite_file
from autograder.reference.fingerprint import parts
from autograder.reference.package import package_of
from tests import mini
from tests.harness import ROOT
from tests.test_grade import results, scores, workbook
from tests.test_nbgrader import nbgrader

LOOKS_AT = ("autograder/gradebook", "autograder/grading")

ODD = "100%41 of a?x=1&y#z"
POLICY = """
from nbgrader.plugins import BasePlugin

from amount import points

class Policy(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return points(total_seconds_late)
"""


def program(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as it is installed: the folder that one is in is not on the path."""
    command = [sys.executable, "-P", "-m", "autograder.cli", *arguments]
    return subprocess.run(command, cwd=course, capture_output=True, text=True)


def test_a_path_may_hold_what_means_something_in_an_address(tmp_path: Path) -> None:
    """Grading, feedback and a second look find the gradebook where it lies."""
    (tmp_path / ODD).mkdir()
    course = mini.make_course(tmp_path / ODD)
    mini.hand_in(course, "one", mini.submission())

    assert workbook(course, "grade").returncode == 0
    assert (course / "gradebook.db").is_file()
    again = workbook(course, "grade")
    assert again.stderr == "1 left as graded before; --force grades them again.\n"
    done = workbook(course, "feedback", "--assignment", mini.NAME)
    assert (done.returncode, done.stdout[:8]) == (0, "1 pages "), done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [ODD]


def test_nbgraders_own_commands_find_the_gradebook_there_too(tmp_path: Path) -> None:
    """And leave none beside the course, under what is left of its name."""
    (tmp_path / ODD).mkdir()
    course = mini.make_course(tmp_path / ODD)
    mini.hand_in(course, "one", mini.submission())

    for words in (
        ("generate_assignment", mini.NAME),
        ("autograde", mini.NAME),
        ("generate_feedback", mini.NAME),
        ("export", "--to", "grades.csv"),
    ):
        done = nbgrader(course, *words)
        assert done.returncode == 0, (words, done.stderr)

    with sqlite3.connect(course / "gradebook.db") as database:
        assert database.execute("SELECT auto_score FROM grade WHERE auto_score").fetchall()
    assert (course / "feedback/one" / mini.NAME / f"{mini.NAME}.html").is_file()
    assert "6.0" in (course / "grades.csv").read_text()
    assert [path.name for path in tmp_path.iterdir() if path.name != "jupyter"] == [ODD]


def test_a_new_course_looks_for_its_gradebook_as_this_one_does() -> None:
    """The configuration that `workbook new` writes is this one under another name."""
    ours = (ROOT / "nbgrader_config.py").read_text()
    new = ROOT / "autograder" / "authoring" / "skeleton" / "nbgrader_config.txt"

    assert new.read_text() == ours.replace('"transformer-workbook"', '"my-course"')


@pytest.mark.parametrize("name", ["50%", "x%20y", "what?", "a#b", "ü & ö", "[a-z]*"])
def test_the_gradebook_is_in_the_course_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    course = Course(mini.make_course(tmp_path / name))

    assert sqlite_file(course.db_url) == course.root / "gradebook.db"
    create(course.db_url, "any")
    with sqlite3.connect(course.root / "gradebook.db") as database:
        assert database.execute("SELECT count(*) FROM assignment").fetchone() == (0,)


@pytest.fixture
def late(course: Path) -> Path:
    """A course with a late plugin of its own and a submission of an hour too late."""
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('c.AssignLatePenalties.plugin_class = "late.Policy"\n')
    (course / "late.py").write_text(POLICY)
    (course / "amount.py").write_text("def points(seconds):\n    return seconds / 1800\n")
    path = mini.hand_in(course, "one", mini.submission())
    (path.parent / "timestamp.txt").write_text("2031-03-05 08:11:14 UTC")
    with Gradebook(f"sqlite:///{course}/gradebook.db", "transformer-workbook") as gradebook:
        gradebook.update_or_create_assignment(mini.NAME, duedate="2031-03-05 07:11:14 UTC")
    return course


def test_a_late_plugin_may_lie_beside_the_configuration(late: Path) -> None:
    """And import what lies beside it; nbgrader's documented way."""
    done = program(late, "grade")

    assert done.returncode == 0, done.stderr
    with Gradebook(f"sqlite:///{late}/gradebook.db") as gradebook:
        assert gradebook.find_submission(mini.NAME, "one").late_submission_penalty == 2.0


def test_a_late_plugin_that_cannot_be_used_is_one_sentence(late: Path) -> None:
    (late / "late.py").write_text("Policy = 1 / 0")

    done = program(late, "grade")

    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "names the late plugin 'late.Policy', which cannot be used (ZeroDivision" in done.stderr


@pytest.mark.parametrize(
    "named", ["late.Policy", "late.inner.Policy"], ids=["a module", "a package"]
)
def test_another_policy_is_another_setting(named: str, course: Path) -> None:
    """Whoever changes the plugin has penalties given anew."""
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f"c.AssignLatePenalties.plugin_class = {named!r}\n")
    file = course / (named.replace(".", "/").rpartition("/")[0] + ".py")
    file.parent.mkdir(exist_ok=True)

    def settings() -> str:
        opened = Course(course)
        one = opened.assignments[mini.NAME]
        return parts(opened, one, package_of(opened, one))["settings"]

    file.write_text("one")
    before = settings()
    (course / "other.py").write_text("no plugin")
    assert settings() == before
    file.write_text("two")
    assert settings() != before


@pytest.mark.settled
def test_two_first_runs_at_once_lose_nothing(course: Path) -> None:
    """Both make the gradebook, register the assignment and write the same students."""
    for student in ("one", "two", "three"):
        mini.hand_in(course, student, mini.submission())
    command = [sys.executable, "-m", "autograder.cli", "grade", "--jobs", "1"]
    runs = [
        subprocess.Popen(command, cwd=course, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    ended = [(run.communicate(timeout=600)[1], run.returncode) for run in runs]

    assert [status for _, status in ended] == [0, 0], ended
    assert scores(course) == {"one": 6.0, "two": 6.0, "three": 6.0}
    assert results(course) == {}
    assert sorted(path.name for path in course.glob(".*")) == [".workbook"]


def test_a_gradebook_that_came_meanwhile_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes second, to the very end, replaces nothing."""
    file = tmp_path / "gradebook.db"
    link = os.link

    def second(source: Path, target: Path) -> None:
        file.write_text("the first one's")
        link(source, target)

    monkeypatch.setattr("autograder.gradebook.create.os.link", second)
    create(str(URL.create("sqlite", database=str(file))), "any")

    assert file.read_text() == "the first one's"
    assert list(tmp_path.iterdir()) == [file]


def no_exchange(one: str, other: str) -> None:
    raise OSError("this file system cannot")


@pytest.mark.parametrize("can", [True, False], ids=["at once", "in two steps"])
def test_a_folder_is_replaced(can: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there was none as well, and without anything left beside it."""
    if not can:
        monkeypatch.setattr(replace, "exchange", no_exchange)
    for number in "12":
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / number).touch()
        put_in_place(tmp_path / "new", tmp_path / "target")
        assert [path.name for path in (tmp_path / "target").iterdir()] == [number]
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_who_looks_while_a_folder_is_replaced_finds_one(tmp_path: Path) -> None:
    """The old or the new: a student never meets a release that is not there."""
    content, target = tmp_path / "content", tmp_path / "target"
    for folder in (content, target):
        folder.mkdir()
        (folder / "notebook").touch()
    missing: list[bool] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            missing.append(not (target / "notebook").exists())

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(60):
        replace_folder(target, content)
    done.set()
    looking.join()

    assert len(missing) > 60
    assert not any(missing)


def modes(top: Path, test: Callable[[Path], bool]) -> set[str]:
    paths = [top, *top.rglob("*")]
    return {oct(stat.S_IMODE(path.stat().st_mode)) for path in paths if test(path)}


def test_what_is_shared_with_a_group_can_be_written_by_it(course: Path) -> None:
    """As by nbgrader's own commands: the second instructor goes on where the first was."""
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("c.CourseDirectory.groupshared = True\n")
    path = mini.hand_in(course, "one", mini.submission())
    (path.parent / "notes.txt").write_text("mine")

    assert workbook(course, "release").returncode == 0
    assert workbook(course, "grade").returncode == 0

    for name in ("release", "autograded"):
        assert modes(course / name, Path.is_dir) == {"0o2775"}
        assert modes(course / name, Path.is_file) == {"0o664"}
    assert modes(course / ".workbook", Path.is_file) == {"0o660"}
    assert modes(course / "gradebook.db", Path.is_file) == {"0o664"}

"""The gradebook on a PostgreSQL server: all as with SQLite, and what only a server can do wrong."""

from __future__ import annotations

import csv
import errno
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import make_url

from autograder.course.course import Course
from autograder.errors import ChangedMeanwhileError
from autograder.marking.saving import Given
from tests import mini
from tests.gradebooks import COURSE, RANDOM, contents
from tests.postgres import Server, database, postgres, running
from tests.test_grade import results, workbook
from tests.test_mark import ClassRoom
from tests.test_nbgrader import nbgrader

LOOKS_AT = ("autograder/gradebook", "autograder/marking", "autograder/collecting")

__all__ = ["database", "postgres"]  # fixtures

WRONG = "def double(x):\n    return 3 * x"
DEAD = "import os\ndef first_row(x):\n    os._exit(3)"
DUE = datetime(2031, 3, 5, 7, 11, 13, 171717)
# A penalty that neither a whole number nor a short float can hold.
CONFIG = """
from nbgrader.plugins import LateSubmissionPlugin
class Seventh(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 7
c.AssignLatePenalties.plugin_class = Seventh
"""


def shown(course: Path) -> dict[str, Any]:
    """All that the formgrader's pages show, as its server asks for it; without made-up ids."""
    config = Course(course).config
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    (assignment,) = api.get_assignments()
    submissions = api.get_submissions(mini.NAME)
    pages = [
        assignment,
        sorted(api.get_students(), key=lambda row: str(row["id"])),
        submissions,
        api.get_notebooks(mini.NAME),
        sorted(api.get_notebook_submissions(mini.NAME, mini.NAME), key=lambda row: row["student"]),
        *(api.get_student_submissions(row["student"]) for row in submissions),
        *(
            api.get_student_notebook_submissions(row["student"], mini.NAME)
            for row in submissions
            if row["autograded"]
        ),
    ]
    return {"pages": _without_ids(pages)}


def _without_ids(given: Any) -> Any:
    if isinstance(given, list):
        return [_without_ids(item) for item in given]
    if isinstance(given, dict):
        return {
            key: _without_ids(item)
            for key, item in given.items()
            # A student's id is the name; the index is the place in the order of made-up ids.
            if key not in RANDOM | {"index"} or (key == "id" and "email" in given)
        }
    return (type(given), given)


def configure(course: Path, url: str) -> None:
    """Name the gradebook where a course names it."""
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f"{CONFIG}c.CourseDirectory.db_url = {url!r}\n")


def term(course: Path, url: str) -> list[dict[str, Any]]:
    """Grade, grade by hand, and grade again what changed; the gradebook after each step."""
    configure(course, url)
    with Gradebook(url, COURSE) as gradebook:
        gradebook.update_or_create_assignment(mini.NAME, duedate=DUE)
    mini.hand_in(course, "right", mini.submission())
    late = mini.hand_in(course, "Ünal-late", mini.submission(double=WRONG))
    (late.parent / "timestamp.txt").write_text("2031-03-05 08:11:14.5 UTC")
    mini.hand_in(course, "unal-late", mini.submission(**{"why-shape": "Weil 2·x ∈ ℝⁿ."}))
    dead = mini.hand_in(course, "dead", mini.submission(first_row=DEAD))
    mini.hand_in(course, "broken", '{"cells": [')

    after = [(results(course, "--seed", "7"), contents(url), shown(course))[1:]]
    with Gradebook(url, COURSE) as gradebook:
        gradebook.update_or_create_student("right", last_name="O'Neil", lms_user_id="%s")
        gradebook.grant_extension(mini.NAME, "Ünal-late", hours=1)
        grade = gradebook.find_grade("why-shape", mini.NAME, mini.NAME, "right")
        grade.manual_score, grade.extra_credit = 0.1, 1 / 3
        comment = gradebook.find_comment("why-shape", mini.NAME, mini.NAME, "right")
        comment.manual_comment = "Schön: 100 % 'right' \\ ∎"
        gradebook.db.commit()
    nbformat.write(mini.submission(double=WRONG), dead)
    again = results(course, "--seed", "7")
    # What needed attention, and who has an extension now; all else is as it was.
    assert set(again) == {"broken", "dead", "Ünal-late"}
    after.append((contents(url), shown(course)))
    results(course, "--seed", "7", "--force", "--student", "right")
    (late.parent / f"{mini.NAME}.ipynb").write_text("{")
    results(course, "--seed", "7", "--student", "Ünal-late")
    after.append((contents(url), shown(course)))
    return [dict(zip(("gradebook", "formgrader"), step, strict=True)) for step in after]


@pytest.mark.settled
def test_a_term_leaves_the_same_rows_as_in_sqlite(tmp_path: Path, database: str) -> None:
    """Scores, penalties, flags, comments and what the formgrader shows are equal at every step."""
    courses = [mini.make_course(tmp_path / name) for name in ("sqlite", "postgres")]
    lite = f"sqlite:///{courses[0]}/gradebook.db"

    expected, found = term(courses[0], lite), term(courses[1], database)

    assert found == expected
    first, _, last = (step["gradebook"]["submissions"] for step in found)
    assert {student: row["score"][1] for (_, student), row in first.items()} == {
        "right": 6.0,
        "Ünal-late": 2.0,
        "unal-late": 6.0,
        "dead": 4.0,
        "broken": 0.0,
    }
    late = first[mini.NAME, "Ünal-late"]
    assert late["seconds late"] == pytest.approx(3601.328283)
    assert late["notebooks"][mini.NAME]["late_submission_penalty"] == (float, 2 / 7)
    assert last[mini.NAME, "Ünal-late"]["score"][1] == 0.0
    assert last[mini.NAME, "right"]["needs_manual_grade"] == (bool, False)  # marked, and as it was
    assert not (courses[1] / "gradebook.db").exists()

    for step in ("upgrade", "export"):
        for course in courses:
            command = ("db", "upgrade") if step == "upgrade" else ("export", "--to", "grades.csv")
            done = nbgrader(course, *command)
            assert done.returncode == 0, done.stderr
    assert contents(database) == contents(lite) == found[-1]["gradebook"]
    rows = [
        sorted(csv.DictReader((course / "grades.csv").open()), key=lambda row: row["student_id"])
        for course in courses
    ]
    assert rows[1] == rows[0]
    assert len(rows[0]) == 5


def test_nbgraders_own_commands_give_the_same_scores(course: Path, database: str) -> None:
    """Generating, autograding and feedback by nbgrader's commands work on the server."""
    configure(course, database)
    mini.hand_in(course, "wrong", mini.submission(double=WRONG))

    for command in ("generate_assignment", "autograde", "generate_feedback"):
        done = nbgrader(course, command, mini.NAME)
        assert done.returncode == 0, done.stderr

    with Gradebook(database, COURSE) as gradebook:
        assert gradebook.find_submission(mini.NAME, "wrong").score == 2.0
    assert (course / "feedback" / "wrong" / mini.NAME / f"{mini.NAME}.html").is_file()


def test_what_was_graded_is_left_as_it_is(course: Path, database: str) -> None:
    """A second run with `--db` grades nothing and changes no row."""
    mini.hand_in(course, "one", mini.submission())
    assert results(course, "--db", database)["one"]["score"] == 6.0
    before = contents(database)

    assert results(course, "--db", database) == {}
    assert contents(database) == before


@pytest.mark.release  # of SQLite it is shown in each run
def test_two_runs_at_once_grade_both(course: Path, database: str) -> None:
    """Two graders of different students do not disturb each other, also in an empty database."""
    for student in ("one", "two"):
        mini.hand_in(course, student, mini.submission())

    command = [sys.executable, "-m", "autograder.cli", "grade", "--db", database, "--student"]
    runs = [
        subprocess.Popen([*command, student], cwd=course, stderr=subprocess.PIPE, text=True)
        for student in ("one", "two")
    ]
    ended = [(run.communicate(timeout=600)[1], run.returncode) for run in runs]

    assert [status for _, status in ended] == [0, 0], ended
    found = contents(database)["submissions"]
    scores = {student: row["score"][1] for (_, student), row in found.items()}
    assert scores == {"one": 6.0, "two": 6.0}


SECRET = "p-a-s-s-w-o-r-d"
NOWHERE = "127.0.0.1:1"  # tcpmux: nothing listens there


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgresql+psycopg://me:{SECRET}@{NOWHERE}/db", "Connection refused"),
        (f"postgresql+psycopg://me:{SECRET}@localhost:1/db", "Connection refused"),
        (f"postgresql+psycopg://{NOWHERE}/db?user=me&password={SECRET}", "Connection refused"),
        (f"postgresql+psycopg://me:{SECRET}@{NOWHERE}port/db", "this is no URL of a database"),
        (f"postgresql+psycopg://me:x@{SECRET}@{NOWHERE}/db", "%40"),
        (f"postgresql+psycopg3://me:{SECRET}@{NOWHERE}/db", "Can't load plugin"),
        (f"oracle+oracledb://me:{SECRET}@{NOWHERE}/db", "No module named 'oracledb'"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence(course: Path, url: str, says: str) -> None:
    """Exit status 2, and the sentence names the place but never the password."""
    mini.hand_in(course, "one", mini.submission())

    _refused(workbook(course, "grade", "--db", url), says)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("password", "password authentication failed"),
        ("database", 'database "nowhere" does not exist'),
        ("rights", "permission denied"),
    ],
)
def test_a_server_that_refuses_is_one_sentence(
    course: Path, postgres: Server, database: str, wrong: str, says: str
) -> None:
    """A wrong password, no such database, a database of somebody else: by --db or configured."""
    name = make_url(database).database or ""
    url = {
        "password": postgres.url(name, password=SECRET),
        "database": postgres.url("nowhere"),
        "rights": postgres.url("postgres"),
    }[wrong]
    mini.hand_in(course, "one", mini.submission())

    _refused(workbook(course, "grade", "--db", url), says, postgres.password)
    configure(course, url)
    _refused(workbook(course, "grade"), says, postgres.password)
    assert not (course / "autograded").exists()


def _refused(done: subprocess.CompletedProcess[str], says: str, secret: str = SECRET) -> None:
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.startswith("workbook: the gradebook ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert not any(word in done.stdout + done.stderr for word in (secret, SECRET))


def test_the_server_is_gone_afterwards() -> None:
    """Stopping it ends its processes and leaves no folder behind."""
    with running() as server:
        address = (server.admin.host, server.admin.port)
        with socket.create_connection(address, timeout=60):
            pass
    assert not server.data.parent.exists()
    with socket.socket() as refused:
        assert refused.connect_ex(address) == errno.ECONNREFUSED


# nbgrader's way with its database, which says so at every new submission.
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_written_answers_are_marked_there(tmp_path: Path, database: str) -> None:
    """And what the formgrader changed meanwhile is not written over."""
    room = ClassRoom(tmp_path)
    configure(room.root, database)
    room.course = Course(room.root)
    room.grade({"ada": "Each for itself."}, late=("ada",))
    desk = room.desk()
    (answer,) = desk.answers()
    typed = Given("2", "Schön.", answer.marks.digest, answer.written().digest)

    assert not desk.saver.save(answer.id, typed).marks.waits
    assert room.grade_of("ada") == (2.0, False, "Schön.")
    with pytest.raises(ChangedMeanwhileError):
        desk.saver.save(answer.id, typed)
    with room.gradebook() as gradebook:
        (submission,) = gradebook.assignment_submissions(mini.NAME)
        assert submission.late_submission_penalty == 8 / 7

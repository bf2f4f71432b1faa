"""nbgrader's own commands and buttons, with this course's configuration."""

from __future__ import annotations

import csv
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.nbgraderapp import main

from autograder.cli import main as workbook
from autograder.course.course import Course
from autograder.errors import CourseError
from tests import mini
from tests.forked import forked
from tests.harness import ROOT

BUTTON = """
import asyncio, json, sys
from pathlib import Path
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from autograder.course.course import Course

config = Course(Path.cwd()).config
api = NbGraderAPI(CourseDirectory(config=config), config=config)

async def handler():
    name, *students = sys.argv[1:]
    return {each: api.autograde(name, each, force=True, create=True) for each in students}

print(json.dumps(asyncio.run(handler())))
"""
WRONG = "def double(x):\n    return 3 * x"


def environment(course: Path, user: str = "one") -> dict[str, str]:
    """Variables of the user `user`, besides one's own."""
    return {
        # nbgrader calls alembic by name
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NB_USER": user,
        "HOME": str(course.parent),
        "JUPYTER_CONFIG_DIR": str(course.parent / "jupyter"),
    }


def nbgrader(course: Path, *arguments: str, user: str = "one") -> subprocess.CompletedProcess[str]:
    """Run nbgrader in the course folder as the user `user`."""
    return forked(main, ["nbgrader", *arguments], course, environment(course, user))


def validated(file: Path, student: Path) -> str:
    """What `nbgrader validate` prints, which it does where its process began to."""
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "validate", str(file)],
        cwd=student,
        env={**os.environ, **environment(student)},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def pressed(course: Path, *students: str) -> dict[str, dict[str, Any]]:
    """What the formgrader's button answers for each, pressed inside a server's event loop."""
    done = subprocess.run(
        [sys.executable, "-c", BUTTON, mini.NAME, *students],
        cwd=course,
        capture_output=True,
        text=True,
        timeout=300,  # or it waits for a pipe
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return answers


def scores(course: Path) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(mini.NAME)}


def test_the_public_surface() -> None:
    """What a configuration may name is complete, of one module, and cheap: no torch, no cluster."""
    program = (
        "import sys, autograder.nbgrader_plugin as plugin\n"
        "assert all(hasattr(plugin, name) for name in plugin.__all__)\n"
        "print(sorted({'torch', 'distributed'} & set(sys.modules)), *plugin.__all__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == [
        "[]",
        "CsvExport",
        "ExecuteAndJudge",
        "FeedbackExporter",
        "LatePolicy",
        "Rebuild",
        "SaveGrades",
        "SubmissionExporter",
        "WithoutHiddenTests",
        "clean_html",
        "rendered",
    ], done.stderr
    ours = re.findall(r"autograder[\w.]*", (ROOT / "nbgrader_config.py").read_text())
    assert ours
    assert {name.rpartition(".")[0] for name in ours} == {"autograder.nbgrader_plugin"}


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("autograder.present.clean_html", "write autograder.nbgrader_plugin.clean_html"),
        ("autograder.no.such.thing", "write autograder.nbgrader_plugin.thing"),
        ("autograder.feedback.exporter.FeedbackExporter", None),  # where it was, and is
        ("autograder.feedback.markdown.rendered", None),
    ],
)
def test_a_configuration_of_an_earlier_version(course: Path, name: str, remedy: str | None) -> None:
    """It works, or one sentence says what to write in it."""
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f'c.HTMLExporter.filters["other"] = "{name}"\n')
    if remedy is None:
        assert Course(course).assignments
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute)
    else:
        with pytest.raises(CourseError, match=f"names {name}, which is not there; {remedy}"):
            Course(course)


@pytest.fixture
def class_of_five(course: Path) -> Path:
    """Submissions that a stock nbgrader would misjudge or stop at."""
    skipping = mini.submission(double=WRONG)
    for cell in skipping.cells:
        cell.metadata["tags"] = ["skip-execution"]
    newer = mini.submission()
    for cell in newer.cells:
        cell.metadata.get("nbgrader", {})["schema_version"] = 99
    newer.cells.append(nbformat.v4.new_markdown_cell("As ![a sketch](attachment:a.png) shows"))
    newer.cells[-1]["attachments"] = {"a.png": {"image/png": "iVBORw0KGgo="}}
    mini.hand_in(course, "a-skips", skipping)
    mini.hand_in(course, "b-newer", newer)
    mini.hand_in(course, "c-broken", "{")
    other = mini.submission()
    for cell in other.cells[2:]:
        cell.id = f"other-{cell.id}"
        cell.source = cell.source.replace("double", "treble").replace("first_row", "last_row")
        cell.metadata["nbgrader"] = {**cell.metadata.get("nbgrader", {}), "grade_id": cell.id}
    mini.hand_in(course, "e-other", other)
    mini.hand_in(course, "d-wrong", mini.submission(first_row="def first_row(x):\n    return x"))
    return course


def test_autograde_and_the_button_agree_with_workbook_grade(class_of_five: Path) -> None:
    """The same submissions get the same scores on all three ways."""
    course = class_of_five
    assert forked(workbook, ["workbook", "grade"], course).returncode == 1
    expected = {"a-skips": 2.0, "b-newer": 6.0, "c-broken": 0.0, "d-wrong": 4.0, "e-other": 0.0}
    assert scores(course) == expected
    newer = course / "autograded" / "b-newer" / mini.NAME / f"{mini.NAME}.ipynb"
    answer = nbformat.read(newer, as_version=4).cells[-1]
    assert "As ![a sketch](attachment:a.png) shows" in answer.source

    (course / "gradebook.db").unlink()
    assert nbgrader(course, "generate_assignment", mini.NAME).returncode == 0
    done = nbgrader(course, "autograde", mini.NAME, "--force")
    assert done.returncode == 1  # one is not a notebook, one another notebook
    assert f"this is no notebook of {mini.NAME}" in done.stderr
    assert scores(course) == expected
    assert nbformat.read(newer, as_version=4).cells[-1] == answer
    assert answer.attachments == {"a.png": {"image/png": "iVBORw0KGgo="}}

    assert pressed(course, "d-wrong")["d-wrong"]["success"] is True
    assert scores(course) == expected


def test_autograde_and_the_button_take_no_link_and_wait_for_no_pipe(course: Path) -> None:
    """Neither what is called like the notebook nor what lies beside it; each is named."""
    source = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    right = mini.hand_in(course, "honest", mini.submission())
    odd = {student: mini.hand_in(course, student, "{}") for student in ("link", "pipe", "folder")}
    for path in odd.values():
        path.unlink()
    odd["link"].symlink_to(source)
    os.mkfifo(odd["pipe"])
    odd["folder"].parent.rmdir()
    odd["folder"].parent.symlink_to(right.parent)
    beside = mini.hand_in(course, "beside", mini.submission())
    (beside.parent / "secret.txt").symlink_to(course / "solutions" / "mini.py")
    assert nbgrader(course, "generate_assignment", mini.NAME).returncode == 0

    done = nbgrader(course, "autograde", mini.NAME)

    assert done.returncode == 1
    assert scores(course) == {"honest": 6.0, "link": 0, "pipe": 0, "folder": 0, "beside": 0}
    for said in (
        f"{mini.NAME}.ipynb is not a file",
        f"{mini.NAME} is a link to another place",
        "secret.txt beside",
    ):
        assert said in done.stderr
    graded = course / "autograded"
    assert [each.name for each in graded.iterdir() if any(each.iterdir())] == ["honest"]
    answers = pressed(course, "pipe", "link", "honest")
    for student in ("pipe", "link"):
        assert answers[student]["success"] is False
        assert f"{mini.NAME}.ipynb is not a file" in answers[student]["log"]
    assert answers["honest"]["success"] is True
    assert scores(course) == {"honest": 6.0, "link": 0, "pipe": 0, "folder": 0, "beside": 0}


def test_a_configuration_of_before_takes_no_link_either(course: Path) -> None:
    """Of a course that was begun before links were refused by its configuration."""
    config = course / "nbgrader_config.py"
    lines = [each for each in config.read_text().splitlines() if "exporter_class" not in each]
    config.write_text("\n".join(lines))
    path = mini.hand_in(course, "link", "{}")
    path.unlink()
    path.symlink_to(course / "source" / mini.NAME / f"{mini.NAME}.ipynb")
    assert nbgrader(course, "generate_assignment", mini.NAME).returncode == 0

    done = nbgrader(course, "autograde", mini.NAME)

    assert "is not a file" in done.stderr
    assert scores(course) == {"link": 0.0}


def test_the_feedback_shows_verdicts_and_no_hidden_test(class_of_five: Path) -> None:
    """What failed is on the page; hidden tests, rubric and printed output are not."""
    course = class_of_five
    printing = mini.submission(double="def double(x):\n    print(In[-1])\n    return 3 * x")
    own = nbformat.v4.new_code_cell("print(In)", metadata={})
    printing.cells.append(own)
    mini.hand_in(course, "e-prints", printing)
    nbgrader(course, "generate_assignment", mini.NAME)
    nbgrader(course, "autograde", mini.NAME)

    done = nbgrader(course, "generate_feedback", mini.NAME)

    assert done.returncode == 0, done.stderr
    for student in ("a-skips", "e-prints"):
        page = (course / "feedback" / student / mini.NAME / f"{mini.NAME}.html").read_text()
        assert "15 of 15 entries differ" in page
        for line in (*mini.TEST_DOUBLE.splitlines()[:10], "BEGIN HIDDEN", "One point for"):
            assert line.strip() == "" or line.strip() not in page, line
        assert "seen.output" not in page


def test_without_the_judge_a_test_cell_gives_nothing_and_says_why(course: Path) -> None:
    """A plain nbgrader, without this configuration, gives no points for correct work."""
    (course / "nbgrader_config.py").write_text(
        "c = get_config()\nc.ClearMarkScheme.enforce_metadata = False\n"
        "c.ExecutePreprocessor.iopub_timeout = 60\n"  # torch's import on a busy machine
    )
    assert nbgrader(course, "generate_assignment", mini.NAME).returncode == 0
    released = course / "release" / mini.NAME / f"{mini.NAME}.ipynb"
    mini.hand_in(course, "right", _solved(released))

    done = nbgrader(course, "autograde", mini.NAME)

    assert done.returncode == 0, done.stderr
    assert scores(course) == {"right": 0.0}
    graded = course / "autograded" / "right" / mini.NAME / f"{mini.NAME}.ipynb"
    assert "nbgrader alone cannot judge this cell" in graded.read_text()


def test_the_round_of_an_assignment(course: Path, tmp_path: Path) -> None:
    """Release, fetch, submit, collect, autograde, feedback and export by nbgrader's commands."""
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f"c.Exchange.root = {str(exchange)!r}\n")

    def run(*command: str) -> None:
        done = nbgrader(course, *command)
        assert done.returncode == 0, (command, done.stderr)

    run("generate_assignment", mini.NAME)
    run("release_assignment", mini.NAME)
    student = tmp_path / "student"
    student.mkdir()
    (student / "nbgrader_config.py").write_text(
        (course / "nbgrader_config.py").read_text()
        + "c.ExecutePreprocessor.iopub_timeout = 60\n"  # torch's import on a busy machine
    )
    assert nbgrader(student, "fetch_assignment", mini.NAME).returncode == 0
    fetched = student / mini.NAME / f"{mini.NAME}.ipynb"
    assert "BEGIN HIDDEN" not in fetched.read_text()

    assert "this step is still to do" in validated(fetched, student)
    nbformat.write(_solved(fetched), fetched)
    assert "Success" in validated(fetched, student)

    submitted = nbgrader(student, "submit", mini.NAME)
    assert submitted.returncode == 0, submitted.stderr
    run("collect", mini.NAME)
    run("autograde", mini.NAME)
    run("generate_feedback", mini.NAME)
    run("release_feedback", mini.NAME)
    run("export", "--to", "grades.csv")
    with (course / "grades.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (float(row["score"]), float(row["max_score"])) == (6.0, 7.0)
    assert row["timestamp"]


def _solved(release: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(release, as_version=4)
    solved = {cell.id: cell.source for cell in mini.notebook().cells}
    for cell in notebook.cells:
        if cell.id in ("double", "first_row", "why-shape"):
            cell.source = solved[cell.id]
    return notebook

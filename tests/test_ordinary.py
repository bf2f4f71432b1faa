"""Ordinary nbgrader assignments beside one of ours: nbgrader's own points are the oracle."""

from __future__ import annotations

import json
import shutil
import subprocess
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, Request, build_opener

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.apps.nbgraderapp import main as nbgrader_main

from autograder.cli import main
from tests import mini, ordinary
from tests.forked import forked
from tests.jupyter_server import jupyter_server
from tests.ordinary import BY_HAND, HIDDEN, NAMES, PARTIAL
from tests.test_nbgrader import environment

LOOKS_AT = ("autograder/ordinary",)

RIGHT = {
    HIDDEN: {
        "squares": "def squares(n):\n    if n < 1:\n        raise ValueError('n')\n"
        "    return [i * i for i in range(1, n + 1)]",
        "total": "def total(path):\n    return sum(map(int, open(path).read().split()))",
    },
    PARTIAL: {"root": "def root(x):\n    return x ** 0.5"},
    BY_HAND: {"plot": "bars = sorted(numbers)", "why": "The largest stands last."},
}
WRONG = {
    HIDDEN: {
        "squares": "def squares(n):\n    return [i ** 3 for i in range(1, n + 1)]",
        "total": "def total(path):\n    return 6",  # right where students can see
    },
    PARTIAL: {"root": "def root(x):\n    return x / 2"},
    BY_HAND: {"why": "They are not.", "plot": "numbers.sort()"},
}
BROKEN = {
    HIDDEN: {"squares": "def squares(n:\n    pass", "total": "def total(path):\n    return '6'"},
    PARTIAL: {"root": "def root(x):\n    raise KeyError(x)"},
    BY_HAND: {"plot": "del numbers"},
}
CLASS = {"right": RIGHT, "wrong": WRONG, "broken": BROKEN, "untouched": {}}
REPORT = {"report": [new_markdown_cell("My data are small."), new_code_cell("2 + 2")]}

Points = dict[tuple[str, str, str], tuple[float | None, bool]]


def workbook(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return forked(main, ["workbook", *arguments], course)


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return forked(nbgrader_main, ["nbgrader", *arguments], course, environment(course))


def points(course: Path) -> Points:
    """By student, assignment and cell: the points, and whether a person is waited for."""
    found: Points = {}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for name in (each.name for each in gradebook.assignments if each.name in NAMES):
            for submission in gradebook.assignment_submissions(name):
                for grade in submission.notebooks[0].grades:
                    key = (submission.student.id, name, grade.name)
                    found[key] = (grade.auto_score, bool(grade.needs_manual_grade))
    return found


def results(course: Path, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The results of a grading by student and assignment."""
    done = workbook(course, "grade", "--json", "out.json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads((course / "out.json").read_text())
    return {(each["student"], each["assignment"]): each for each in found}


def pressed(server: str, name: str, student: str) -> bool:
    """Whether the formgrader's button graded a submission."""
    cookies = CookieJar()
    user = build_opener(HTTPCookieProcessor(cookies))
    user.open(f"{server}/formgrader/manage_submissions/{name}").close()
    (token,) = (each.value for each in cookies if each.name == "_xsrf")
    button = f"{server}/formgrader/api/submission/{name}/{student}/autograde"
    with user.open(Request(button, b"", {"X-XSRFToken": str(token)})) as answer:
        return bool(json.load(answer)["success"])


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of ours beside the three, released."""
    course = mini.make_course(tmp_path_factory.mktemp("released"))
    ordinary.add_to(course)
    done = workbook(course, "release", *NAMES)
    assert done.returncode == 0, done.stderr
    assert "release/ps1-sums/ps1-sums.ipynb  (5 points)" in done.stdout
    return course


@pytest.fixture(scope="module")
def graded(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a class of four, graded by `workbook grade`."""
    course = tmp_path_factory.mktemp("graded") / "course"
    shutil.copytree(released, course)
    for student, work in CLASS.items():
        for name in NAMES:
            below = REPORT if student == "right" else None
            ordinary.hand_in(course, student, name, below, **work.get(name, {}))
    mini.hand_in(course, "right", mini.submission())
    mini.hand_in(course, "wrong", mini.submission(double="def double(x):\n    return 3 * x"))
    done = workbook(course, "grade")
    assert done.returncode == 0, done.stdout + done.stderr
    (course / "said.txt").write_text(done.stdout)
    return course


@pytest.fixture(scope="module")
def stock(graded: Path, tmp_path_factory: pytest.TempPathFactory) -> Points:
    """What a stock nbgrader gives the same submissions."""
    course = tmp_path_factory.mktemp("stock") / "course"
    for step in ("source", "submitted"):
        shutil.copytree(graded / step, course / step, ignore=shutil.ignore_patterns(mini.NAME))
    ours = (graded / "nbgrader_config.py").read_text()
    stubs = ours[ours.index("c.ClearSolutions") :]
    (course / "nbgrader_config.py").write_text(
        f"c = get_config()\n{stubs}\nc.ExecutePreprocessor.iopub_timeout = 60\n"
    )
    for name in NAMES:
        assert nbgrader(course, "generate_assignment", name).returncode == 0
        done = nbgrader(course, "autograde", name)
        assert done.returncode == 0, done.stderr
    return points(course)


@pytest.mark.settled
def test_points_are_nbgraders_own(graded: Path, stock: Points) -> None:
    """Visible and hidden assertions, partial credit, code and words for a person, a task."""
    assert len(stock) == len(CLASS) * 9
    earned = {score for score, _ in stock.values()}
    assert {0.0, 1.0, 2.0, 2.5, None} <= earned  # the class tries all of it

    assert points(graded) == stock


@pytest.mark.release
def test_autograde_and_the_button_give_the_same(
    graded: Path, stock: Points, tmp_path: Path
) -> None:
    """Behind nbgrader's own command, and pressed in the formgrader."""
    course = tmp_path / "course"
    shutil.copytree(graded, course)
    (course / "gradebook.db").unlink()
    shutil.rmtree(course / "autograded")
    for name in NAMES:
        assert nbgrader(course, "generate_assignment", name, "--force").returncode == 0
    for name in NAMES[:2]:
        done = nbgrader(course, "autograde", name)
        assert done.returncode == 0, done.stderr
    with jupyter_server(course, tmp_path / "home") as server:
        assert [pressed(server, BY_HAND, student) for student in CLASS] == [True] * len(CLASS)

    assert points(course) == stock


def test_the_table_says_by_which_rule(graded: Path) -> None:
    """The assignments are told apart where they are graded, and where the table is shown again."""
    again = workbook(graded, "table")
    for said in ((graded / "said.txt").read_text(), again.stdout):
        words = " ".join(said.split())
        assert "01-mini (of 6 points)" in words
        assert "ps1-sums (of 5 points, by nbgrader's rule)" in words
        assert "all 3 test cells ran through" in words
        assert "3 of 3 test cells lost points; first correct_squares, AssertionError in" in words


def test_the_results_say_by_which_rule(graded: Path) -> None:
    """Points, why they were lost, and no line of a hidden test."""
    done = workbook(graded, "table", "--json", "-")
    found = {(each["student"], each["assignment"]): each for each in json.loads(done.stdout)}

    assert "rule" not in found["right", mini.NAME]
    wrong = found["wrong", HIDDEN]
    assert wrong["rule"] == "nbgrader"
    said = {name: cell["checks"][-1]["message"] for name, cell in wrong["tests"].items()}
    assert said == {
        "correct_squares": "AssertionError in `assert squares(2) == [1, 4]`",
        "squares_invalid_input": "AssertionError: did not raise; in "
        '`raise AssertionError("did not raise")`',
        "correct_total": "AssertionError in a hidden test",
    }
    assert found["wrong", PARTIAL]["tests"]["test-root"]["score"] == 2.0
    assert found["wrong", PARTIAL]["score"] == 2.0
    assert found["right", BY_HAND]["score"] == 1.0
    assert found["right", BY_HAND]["gradebook"]["not_marked"] == ["plot", "report", "why"]


def test_what_is_below_a_task_is_there_to_be_marked(graded: Path) -> None:
    """Text and code, in the notebook that a person marks."""
    path = graded / "autograded" / "right" / BY_HAND / f"{BY_HAND}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    task = next(n for n, c in enumerate(cells) if c.metadata.get("nbgrader", {}).get("task"))

    assert [each.source for each in cells[task + 1 : task + 3]] == ["My data are small.", "2 + 2"]
    assert cells[task + 2].outputs[0].data["text/plain"] == "4"


@pytest.mark.settled
def test_every_command_of_the_desk(graded: Path) -> None:
    """None breaks on an ordinary assignment; what does not apply is said in words."""
    pages = workbook(graded, "feedback")
    assert pages.returncode == 0, pages.stderr
    assert pages.stdout.startswith("14 pages in")
    page = (graded / "feedback" / "wrong" / HIDDEN / f"{HIDDEN}.html").read_text()
    assert "Points by nbgrader" in page
    assert "in a hidden test" in page
    assert "others" not in page  # of the hidden lines
    by_hand = (graded / "feedback" / "right" / BY_HAND / f"{BY_HAND}.html").read_text()
    for said in ("My data are small.", "bars = sorted(numbers)", "The largest stands last."):
        assert said in by_hand
    assert "3 of what a person marks are not marked yet" in by_hand

    assert workbook(graded, "grade").returncode == 0  # nothing is due
    report = workbook(graded, "report", "--json", "report.json")
    assert report.returncode == 0, report.stderr
    rules = {
        each["name"]: each["rule"] for each in json.loads((graded / "report.json").read_text())
    }
    assert rules == {mini.NAME: "", **dict.fromkeys(NAMES, "nbgrader")}
    assert "Points by nbgrader" in (graded / "report.html").read_text()

    exported = workbook(graded, "export", "--to", "csv")
    assert exported.returncode == 0, exported.stderr
    regraded = workbook(graded, "regrade", "--dry-run")
    assert regraded.returncode == 0, regraded.stderr
    assert "0 would have more points, 0 fewer" in regraded.stdout
    similar = workbook(graded, "similar", HIDDEN)
    assert similar.returncode == 0, similar.stderr
    explained = workbook(graded, "explain", "wrong", HIDDEN)
    assert explained.returncode == 2
    assert "ps1-sums is an ordinary assignment, judged by nbgrader's rule" in explained.stderr
    for command in ("try", "prove"):
        refused = workbook(graded, command, HIDDEN)
        assert refused.returncode != 0
        assert "is an ordinary assignment" in refused.stdout + refused.stderr
        assert "Traceback" not in refused.stderr
    assert not (graded / "solutions" / "ps1_sums.py").exists()
    diagnosed = workbook(graded, "doctor")
    assert "ok   rule of ps1-sums: nbgrader's own (an ordinary assignment)" in diagnosed.stdout

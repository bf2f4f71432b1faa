"""What nbgrader's rule gives away or takes by accident, and who tries to have it so."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook

from tests import mini, ordinary
from tests.ordinary import BY_HAND, HIDDEN, PARTIAL, asserted, book, solution
from tests.test_ordinary import RIGHT, WRONG, results, workbook

SQUARES = "def squares(n):\n    {}\n    return [i * i for i in range(1, n + 1)]"
DROPPED = """import ast
class Dropped(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Dropped())
def squares(n):
    return []
"""
# What a student writes into `squares` of ps1-sums, and the points of its three test cells. For the
# first, stock nbgrader 0.9.6 gives `warns` and `prints` none, `drops` two; the last two end it.
TRIED = {
    "warns": (SQUARES.format("import warnings; warnings.warn('slow')"), (2, 0, 0)),
    "prints": (SQUARES.format("import sys; print('!', file=sys.stderr)"), (2, 0, 0)),
    "drops": (DROPPED, (0, 0, 0)),
    "hides": (
        "get_ipython().showtraceback = lambda *_, **__: None\ndef squares(n):\n    return []",
        (0, 0, 0),
    ),
    "exits": ("import sys\ndef squares(n):\n    sys.exit()", (0, 0, 0)),
    "displays": ("def squares(n):\n    get_ipython().displayhook(2.0)\n    return []", (0, 0, 0)),
    "ends": ("import os\ndef squares(n):\n    os._exit(0)", (0, 0, 2)),
}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The three assignments, released by hand: here the release itself is nobody's concern."""
    made = mini.make_course(tmp_path)
    ordinary.add_to(made)
    for name in ordinary.NAMES:
        folder = made / "release" / name
        folder.mkdir(parents=True)
        shutil.copy(made / "source" / name / f"{name}.ipynb", folder)
    return made


def of_each(result: dict[str, Any]) -> tuple[float, ...]:
    return tuple(cell["score"] for cell in result["tests"].values())


def test_what_a_cell_shows_or_says_decides_nothing(course: Path) -> None:
    """A warning is no zero, no output is no full mark, and no display is a score."""
    for student, (source, _) in TRIED.items():
        total = RIGHT[HIDDEN]["total"] if student == "ends" else "total = None"
        ordinary.hand_in(course, student, HIDDEN, squares=source, total=total)

    found = results(course, HIDDEN)

    earned = {student: of_each(each) for (student, _), each in found.items()}
    assert earned == {student: points for student, (_, points) in TRIED.items()}
    reasons = {student: each["reason"] for (student, _), each in found.items() if each["reason"]}
    assert list(reasons) == ["ends"]
    assert "the kernel died while running correct_squares" in reasons["ends"]
    ended = found["ends", HIDDEN]["tests"]["correct_squares"]["checks"][0]["message"]
    assert ended.startswith("did not run to its end: the kernel died")


def test_a_partial_score_is_that_of_the_last_expression(course: Path) -> None:
    """Of nothing else, whatever is shown before it, or kept from being shown."""
    shows = "def root(x):\n    get_ipython().displayhook(2.5)\n    return 0"
    silent = "import sys\nsys.displayhook = lambda _: None\ndef root(x):\n    return 0"
    stale = "__last_value__ = 2.5\n" + silent
    for student, source in {"shows": shows, "silent": silent, "stale": stale}.items():
        ordinary.hand_in(course, student, PARTIAL, root=source)

    found = results(course, PARTIAL)

    assert {of_each(each) for each in found.values()} == {(1.0, 0.0)}  # root(0) is 0 for all


def test_what_was_done_to_the_notebook_has_no_effect(course: Path) -> None:
    """Tags, doubled and deleted test cells, flags, a schema to come: the batch goes on."""
    plain = nbformat.read(ordinary.hand_in(course, "plain", HIDDEN, **WRONG[HIDDEN]), as_version=4)

    def hand_in(student: str, cells: list[NotebookNode]) -> None:
        made = nbformat.from_dict({**plain, "cells": cells})
        for each in cells:
            if student == "tagged":
                each.metadata["tags"] = ["skip-execution", "raises-exception"]
            if student == "newer" and "nbgrader" in each.metadata:
                each.metadata.nbgrader["schema_version"] = 99
            if student == "unflagged" and "nbgrader" in each.metadata:
                each.metadata.nbgrader.update(grade=False, locked=False, solution=True)
        ordinary.write(course, student, HIDDEN, made)

    for student in ("tagged", "newer", "unflagged"):
        hand_in(student, copy.deepcopy(plain.cells))
    hand_in("doubled", [copy.deepcopy(each) for each in plain.cells for _ in range(2)])
    kept = [each for each in plain.cells if not each.metadata.get("nbgrader", {}).get("grade")]
    hand_in("deleted", kept)

    found = results(course, HIDDEN)

    assert {student: of_each(each) for (student, _), each in found.items()} == dict.fromkeys(
        ("plain", "tagged", "newer", "unflagged", "doubled", "deleted"), (0.0, 0.0, 0.0)
    )
    assert {each["status"] for each in found.values()} == {"graded"}


# The last line of a test cell of three points, what it gives, and what is said of it. Stock
# nbgrader 0.9.6 gives all three points for each of the first four, and stops at the next two.
LAST = {
    "numpy": ("import numpy\nnumpy.float64(0.0)", 0.0, "gave 0 of 3 points"),
    "nan": ("float('nan')", 0.0, "no number of points"),
    "negative": ("-1", 0.0, "no number of points"),
    "torch": ("import torch\ntorch.tensor(1.5)", 1.5, "gave 1.5 of 3 points"),
    "nearly": ("3.0000001", 3.0, "gave 3 of 3 points"),
    "more": ("5", 0.0, "gave 5 of 3 points"),
    "text": ("'done'", 3.0, "ran through"),
    "nothing": ("print('done')", 3.0, "ran through"),
    "comparison": ("1 == 2", 3.0, "is True or False, which is no number of points"),
    "not-shown": ("0.0;", 3.0, "ran through"),
    "magic": ("%%capture\n1", 3.0, "ran through"),
    "awaited": ("import asyncio\nawait asyncio.sleep(0, 2.0)", 2.0, "gave 2 of 3 points"),
    "an-object": ("object()", 3.0, "ran through"),
}


def test_every_last_expression(course: Path) -> None:
    """A number is a score, also NumPy's and torch's; what is none is nbgrader's full credit."""
    name = "ps4-last"
    made = book(*(asserted(each, 3, source) for each, (source, _, _) in LAST.items()))
    (course / "source" / name).mkdir()
    nbformat.write(made, course / "source" / name / f"{name}.ipynb")
    ordinary.write(course, "one", name, made)

    (found,) = results(course, name).values()

    assert {each: cell["score"] for each, cell in found["tests"].items()} == {
        each: score for each, (_, score, _) in LAST.items()
    }
    for each, (_, _, said) in LAST.items():
        assert said in found["tests"][each]["checks"][-1]["message"], each
    assert found["reason"] == "more gave 5 of 3 points: look at its last expression"


def test_an_endless_test_cell_costs_itself(course: Path) -> None:
    """By the assignment's own limit of time; the next cell is run."""
    name = "ps5-slow"
    made = book(
        solution("slow", "def slow():\n    while True:\n        pass"),
        asserted("waits", 1, "slow()"),
        asserted("goes-on", 1, "assert True"),
        workbook={"limits": {"cell_seconds": 1}},
    )
    (course / "source" / name).mkdir()
    nbformat.write(made, course / "source" / name / f"{name}.ipynb")
    ordinary.write(course, "one", name, made)

    (found,) = results(course, name).values()

    assert of_each(found) == (0.0, 1.0)
    assert found["tests"]["waits"]["checks"][0]["message"] == "did not end within 1 seconds"


def test_the_points_of_a_task_are_given_again_where_the_work_changed(course: Path) -> None:
    """What was marked stays marked while the same cells stand below the task, and no longer."""
    below = {"report": [new_markdown_cell("First.")]}
    path = ordinary.hand_in(course, "one", BY_HAND, below)
    results(course, BY_HAND)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        grade = gradebook.find_grade("report", BY_HAND, BY_HAND, "one")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        gradebook.db.commit()

    (same,) = results(course, BY_HAND, "--force").values()
    shutil.rmtree(path.parent)
    changed = {"report": [new_markdown_cell("First."), new_code_cell("1 + 1")]}
    ordinary.hand_in(course, "one", BY_HAND, changed)
    (other,) = results(course, BY_HAND).values()

    assert same["gradebook"]["by_hand"] == other["gradebook"]["by_hand"] == {"report": 2.5}
    assert (same["gradebook"]["mark_again"], other["gradebook"]["mark_again"]) == ([], ["report"])


OBSERVING = "from autograder.observe import observe\nwith observe('x') as seen:\n    seen.x = 1"
REFUSED = {
    "half and half: records is with observations, asserts is with none": book(
        asserted("records", 1, OBSERVING), asserted("asserts", 1, "assert True")
    ),
    "made is of ps6 with AUTOTEST": book(asserted("made", 1, "### AUTOTEST squares(3)")),
    "is in R; the sandbox runs Python alone": book(
        asserted("one", 1, "1"), kernelspec={"name": "ir", "display_name": "R", "language": "R"}
    ),
    "forbids softmax, which nothing looks for under nbgrader's rule": book(
        asserted("one", 1, "1"), workbook={"forbidden": ["softmax"]}
    ),
    "records is with observations, which cost nobody a point": book(
        asserted("records", 1, OBSERVING), workbook={"rule": "nbgrader"}
    ),
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_no_rule_fits_is_refused_and_stops_no_other(course: Path, said: str) -> None:
    """At release and at grading, with the cells; another assignment's work is graded."""
    made = REFUSED[said]
    (course / "source" / "ps6").mkdir()
    nbformat.write(made, course / "source" / "ps6" / "ps6.ipynb")
    ordinary.write(course, "one", "ps6", made)
    ordinary.hand_in(course, "one", PARTIAL, **RIGHT[PARTIAL])

    found = results(course)
    released = workbook(course, "release", "ps6")

    assert found["one", PARTIAL]["score"] == 4.0
    refused = found["one", "ps6"]
    assert (refused["status"], refused["score"]) == ("needs attention", None)
    assert said in refused["reason"]
    assert released.returncode == 2
    assert said in " ".join(released.stderr.split())
    assert not (course / "release" / "ps6").exists()


def test_what_is_no_assignment_here_is_named(course: Path) -> None:
    """A second notebook that is graded, and a folder without the notebook that it is called by."""
    folder = course / "source" / PARTIAL
    nbformat.write(book(solution("more", "1")), folder / "problem2.ipynb")
    (course / "source" / "ps9").mkdir()
    nbformat.write(book(), course / "source" / "ps9" / "problem1.ipynb")

    said = workbook(course, "doctor").stdout

    assert "FIX  rule of ps2-partial: cannot be told" in said
    assert "holds more notebooks with graded cells than ps2-partial.ipynb: problem2.ipynb" in said
    assert "FIX  source/ps9: problem1.ipynb, but no ps9.ipynb" in said


def test_a_released_notebook_of_ours_in_source_is_not_taken_for_an_ordinary_one(
    course: Path,
) -> None:
    """Without its hidden tests it would be judged by what students see."""
    path = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    nbformat.write(mini.submission(), path)
    mini.hand_in(course, "one", mini.submission())

    done = workbook(course, "grade", mini.NAME)
    assert done.returncode == 2
    assert "solutions/mini.py is there" in done.stderr
    assert 'say so in its metadata: "workbook": {"rule": "nbgrader"}' in done.stderr

    declared = nbformat.read(path, as_version=4)
    declared.metadata["workbook"] = {"rule": "nbgrader"}
    nbformat.write(declared, path)
    (found,) = results(course, mini.NAME).values()
    assert (found["rule"], found["status"]) == ("nbgrader", "graded")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("assert root(4) == 3", "own solution does not earn all points; look at test-root (0 of"),
        ("root(4) == 2", "test-root ends in 'root(4) == 2', which costs nobody a point"),
        ("### BEGIN HIDDEN TESTS\nassert root(4) == 2", "without its '### END HIDDEN TESTS'"),
    ],
)
def test_slips_are_found_before_anything_is_released(course: Path, source: str, said: str) -> None:
    """A test that the solution fails, one that tests nothing, one whose hidden part has no end."""
    path = course / "source" / PARTIAL / f"{PARTIAL}.ipynb"
    made = nbformat.read(path, as_version=4)
    made.cells[1].source = source
    nbformat.write(made, path)
    before = (course / "release" / PARTIAL / f"{PARTIAL}.ipynb").read_bytes()

    done = workbook(course, "release", PARTIAL)

    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert (course / "release" / PARTIAL / f"{PARTIAL}.ipynb").read_bytes() == before

"""An author's slips that would cost nobody a point are said at release, with their place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from autograder.authoring.authored import read_authored
from autograder.authoring.in_process import InProcess
from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.observe import collecting, observe
from autograder.release.mistakes import (
    prove_cells,
    say_nothing,
    slip,
)
from autograder.release.published import answers_of_examples
from autograder.verdict.evidence import decode
from tests import mini
from tests.harness import ASSIGNMENTS, authored, process


def assignment_with(course: Path, cell: str, old: str, new: str) -> Assignment:
    assignment = Course(course).assignments[mini.NAME]
    (found,) = [each for each in assignment.notebook.cells if each.id == cell]
    assert old in found.source
    found.source = found.source.replace(old, new)
    return assignment


@pytest.mark.parametrize(
    ("cell", "old", "new", "said"),
    [
        ("double", "    ### END SOLUTION", "", "BEGIN SOLUTION' without its '### END SOLUTION'"),
        ("first_row", "    ### BEGIN SOLUTION\n", "", "END SOLUTION' without its '### BEGIN"),
        ("test-double", "### END HIDDEN TESTS\n", "", "without its '### END HIDDEN TESTS'"),
        ("why-shape-question", "### END MARK SCHEME", "", "without its '### END MARK SCHEME'"),
        ("double", "### END SOLUTION", "### BEGIN SOLUTION\n### END SOLUTION", "a second"),
        ("double", "### END SOLUTION", "### END HIDDEN TESTS", "END HIDDEN TESTS' without"),
        ("double", "### END SOLUTION", "### END SOLUTON", "SOLUTON', which marks nothing"),
        ("double", "SOLUTION", "", "which marks nothing"),
        (
            "double",
            "    ### BEGIN SOLUTION\n    doubled = 2 * x\n    return doubled\n    ### END SOLUTION",
            "    return 2 * x",
            "has no '### BEGIN SOLUTION'",
        ),
        ("double", "def double", "def dubble", "defines dubble, and not .*: double"),
    ],
)
def test_a_region_that_does_not_end_is_named(
    course: Path, cell: str, old: str, new: str, said: str
) -> None:
    """The cell, and which of the two lines is missing."""
    with pytest.raises(CourseError, match=f"the cell '{cell}' .*{said}"):
        prove_cells(assignment_with(course, cell, old, new))


def test_a_test_cell_without_points_is_named(course: Path) -> None:
    """Nothing would be lost by failing it."""
    assignment = Course(course).assignments[mini.NAME]
    del assignment.tests["test-double"].metadata["nbgrader"]["points"]

    with pytest.raises(CourseError, match="the cell 'test-double' is a test cell without points"):
        prove_cells(assignment)


@pytest.mark.parametrize(
    "line",
    [
        "assert double(torch.ones(2)).sum() == 4",
        "    assert seen.output == 3",
        "torch.testing.assert_close(double(torch.ones(1)), torch.tensor([2.0]))",
        "np.testing.assert_allclose(double(1), 2)",
    ],
)
def test_an_assertion_that_nobody_sees_is_named(course: Path, line: str) -> None:
    """In the hidden part it costs nothing, whatever comes out."""
    end = "### END HIDDEN TESTS"
    wrong = assignment_with(course, "test-double", end, f"{line}\n{end}")

    with pytest.raises(CourseError, match=r"'test-double' asserts .* costs nobody a point; record"):
        prove_cells(wrong)


def test_observations_that_prove_themselves_are_named() -> None:
    """The reference is compared with itself, so what it does by mistake is right for all."""
    asked_for = torch.ones(2)
    with collecting() as records:
        with observe("a mistyped name", naming="asked_fro") as seen:
            seen.output = asked_fro.sum()  # type: ignore[name-defined]  # noqa: F821
        with observe("a mistyped attribute") as seen:
            seen.output = asked_for.sums()  # type: ignore[operator]
        with observe("a refusal of nothing in particular"):
            raise ValueError("key is wrong")
        with observe("a refusal that names another argument", naming="value"):
            raise ValueError("key is wrong")
        with observe("nothing is looked at"):
            asked_for.sum()
        with observe("too long to be recorded") as seen:
            seen.output = {"ids": [0] * 1_001}
        with observe("too large to be recorded") as seen:
            seen.output = torch.ones(1), torch.zeros(1_025, 1_024)
        with observe("as it should be, by name", naming="key"):
            raise ValueError("key is wrong")
        with observe("as it should be, with any words", naming=""):
            raise ValueError("wrong")
        with observe("as it should be") as seen:
            seen.output = asked_for

    said = [slip(decode(record)) for record in records]

    assert [bool(each) for each in said] == [True] * 7 + [False] * 3
    for words, each in zip(
        ("NameError: is a name", "AttributeError; is that", "ValueError; is that", "own ValueError",
         "records nothing", "of a list that is as long", "a tensor of shape (1025, 1024)"),
        said, strict=False,
    ):  # fmt: skip
        assert words in each
    (first, *others) = say_nothing({"test-double": records})
    assert first.startswith("test-double, 'a mistyped name': the reference itself")
    assert len(others) == 6


@pytest.mark.parametrize(
    ("code", "said"),
    [("dubble(torch.ones(2))", "raised NameError"), ("first_row(torch.ones(0))", "naming=")],
)
def test_an_example_that_proves_itself_is_named(course: Path, code: str, said: str) -> None:
    """Students would be told that an error is right."""
    opened = Course(course)
    here = InProcess(read_authored(opened, opened.assignments[mini.NAME]))
    text = f"[example.double]\n'two ones' = {{ code = '{code}', hint = 'Two?' }}\n"

    with pytest.raises(CourseError, match=f"example 'two ones' of double: .*{said}"):
        answers_of_examples(here.authored.assignment, here, text)


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_this_course_has_none(name: str) -> None:
    """The examples' own are asked for when they are written."""
    prove_cells(authored(name).assignment)
    assert list(say_nothing(process(name).reference)) == []

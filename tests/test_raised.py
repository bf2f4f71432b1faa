"""An exception in a graded check says the student's own line and what it was given, no value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from nbformat.v4 import new_code_cell, new_output

from autograder.grading.grade import grade
from autograder.observe import collecting, observe
from autograder.observe._record import encode
from autograder.submission.handed_in import HandedIn
from autograder.verdict.judge import Circumstances, judge
from autograder.verdict.visible import visible_failure
from tests import mini

LINES = frozenset({"return halves(x) @ x", "return x", "weird = f(a, b, of.c)"})


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a grading says of each check of a submission that raises everywhere, otherwise each."""
    notebook = mini.submission(
        double="""def double(x):
    if x.ndim == 2:
        return halves(x) @ x
    if x.dtype == torch.float64:
        raise ValueError(f"{x}", str(x))  # of x
    return {"one": 1}[x.sum().item()]""",
        first_row="""def first_row(x):
    row = None if x.shape[0] else x[0]
    return row.mean(dim=0)""",
    )
    halves = "def halves(x):\n    return torch.stack([x, x]).mean(0)"
    notebook.cells.insert(2, new_code_cell(halves))
    key = mini.key_of(tmp_path_factory.mktemp("course"))
    graded = grade(key, HandedIn("a.ipynb", None, json.dumps(notebook).encode()))
    assert graded.reason is None
    return {c.name: c.message for test in graded.tests.values() for c in test.checks}


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (
            "any shape",
            "raised RuntimeError in your line `return halves(x) @ x`, where x is float32 of shape "
            "(3, 5)",
        ),
        (
            "float64 stays float64",
            'raised ValueError in your line `raise ValueError(f"{x}", str(x))  # of x`, where x is '
            "float64 of shape (7,)",
        ),
        (
            "gradient arrives",
            'raised KeyError in your line `return {"one": 1}[x.sum().item()]`, where x is float32 '
            "of shape (4,)",
        ),
        (
            "row and not column",
            "raised AttributeError in your line `return row.mean(dim=0)`, where row is None",
        ),
        (
            "an empty table is refused",
            "refusing counts only where something that is asked for works",
        ),
    ],
)
def test_the_line_and_the_shapes_are_said_and_no_value(
    said: dict[str, str], check: str, expected: str
) -> None:
    """Whatever the exception's own text holds: a tensor's numbers, a key, a formatted value."""
    assert said[check] == expected


def records(**raised: Any) -> tuple[list[bytes], list[bytes]]:
    """Evidence of one observation that is right, and of one that ends with what is claimed."""
    with collecting() as right, observe("one") as seen:
        seen.output = torch.ones(2)
    header = {"name": "one", "points": 1, "values": {}, "names": None, "calls": []}
    return right, [encode({**header, "raised": ["RuntimeError"], **raised}, {})]


def message(**raised: Any) -> str:
    right, found = records(**raised)
    circumstances = Circumstances(lines=LINES, missing={".linear1": "it has no linear1"})
    return judge("test-x", 1.0, right, found, (), circumstances).checks[0].message


HIDDEN = "seen.output = double(randn(3, 5))"


@pytest.mark.parametrize(
    ("at", "given"),
    [
        ([{"text": HIDDEN, "kinds": {}}], []),
        ([{"text": "", "kinds": {"x": "float32 (2,)"}}], []),
        ([{"text": "return x", "kinds": {"x": HIDDEN, HIDDEN: "None", "y": "NoneType"}}], []),
        ([{"text": "return x", "kinds": {"x": "float32 (1234567,)"}}], [HIDDEN, "Secret"]),
        ([{"text": "return x", "kinds": {"x": f"float32 ({'1, ' * 9})"}}], ["float32 (1 2)"]),
    ],
)
def test_no_word_of_a_hidden_test_can_be_put_into_it(at: Sequence[Any], given: list[str]) -> None:
    """Student code runs where the record is written, and can write anything into it."""
    found = message(at=at, given=given)

    assert found in ("raised RuntimeError", "raised RuntimeError in your line `return x`")


def test_the_innermost_line_of_the_students_own_is_said() -> None:
    """Helpers of the book and of the tests stand between; other names of the line are left out."""
    at = [
        {"text": "return given_by_the_book(x)", "kinds": {"x": "float32 (2,)"}},
        {"text": "weird = f(a, b, of.c)", "kinds": {"f": "function", "a": "list", "c": "int"}},
        {"text": "return x", "kinds": {}},
    ]

    assert message(at=at) == (
        "raised RuntimeError in your line `weird = f(a, b, of.c)`, where a is of type list"
    )
    given = ["tuple", "bfloat16 ()", "NoneType", "Linear"]
    assert message(at=at, given=given) == (
        "raised RuntimeError in your line `weird = f(a, b, of.c)`, where an operation was given of "
        "type tuple and bfloat16 of shape () and None"
    )


def test_an_attribute_that_the_tests_ask_for_is_said() -> None:
    """The hidden test itself stops there, in no line of the student's."""
    raised = ["AttributeError", "Exception"]

    assert message(raised=raised, missing="linear1") == "raised AttributeError: it has no linear1"
    assert message(raised=raised, missing=HIDDEN) == "raised AttributeError"


@pytest.mark.parametrize("at", [5, [5], [{"text": "return x"}], [{"kinds": {}, "text": None}]])
def test_a_record_of_another_form_is_no_error_of_the_grader(at: object) -> None:
    """It is evidence that the tests do not write, or says nothing."""
    right, found = records(at=at)

    checked = judge("test-x", 1.0, right, found).checks[0]

    assert not checked.passed
    assert json.dumps(checked.message)


VISIBLE = """### BEGIN HIDDEN TESTS
secret = "hidden words"
### END HIDDEN TESTS
assert out == 6, "twice three is six"
assert out == 6, f"twice three is six, and you returned {out:.3f} in {out.shape}"
torch.testing.assert_close(out, 6, msg=lambda text: "Look at the rows.\\n" + text)
"""


def close(found: object, expected: object) -> str:
    """What torch says of numbers that are not close."""
    with pytest.raises(AssertionError) as caught:
        torch.testing.assert_close(found, expected)
    return str(caught.value)


TENSORS = close(torch.eye(2), torch.zeros(2, 2))
SHAPES = close(torch.eye(2), torch.zeros(2, 3))


@pytest.mark.parametrize(
    ("words", "is_shown"),
    [
        ("twice three is six", True),
        ("twice three is six, and you returned -1.5e+08 in torch.Size([2, 3])", True),
        ("twice three is six, and you returned nan in ()", True),
        (TENSORS, True),
        (SHAPES, True),
        (close(1.0, 2.0), True),
        (close(torch.tensor([1, 2]), torch.tensor([1, 3])), True),
        (close(torch.eye(2), torch.eye(2).double()), True),
        (f"Look at the rows.\n{TENSORS}", True),
        ("hidden words", False),
        ('secret = "hidden words"', False),
        ("something that student code says", False),
        ("twice three is six, and you returned hidden words in ()", False),
        (f"hidden words\n{TENSORS}", False),
        (TENSORS.replace("(up to", "(hidden words"), False),
        (f"{TENSORS}\nhidden words", False),
        ("1" * 100_000, False),
    ],
)
def test_the_visible_tests_are_quoted_in_the_instructors_words_only(
    words: str, is_shown: bool
) -> None:
    """`assert_close` keeps its text, and a text its numbers; other words can be hidden ones."""
    output = new_output("error", ename="AssertionError", evalue=words, traceback=[])
    cell = new_code_cell(VISIBLE, outputs=[output])

    assert visible_failure(cell) == (f"AssertionError: {words}" if is_shown else "AssertionError")


def test_an_exception_of_a_visible_test_without_words_has_its_type() -> None:
    """A class can have any name in student code."""
    output = new_output("error", ename="<b>Error</b>", evalue="", traceback=[])

    assert visible_failure(new_code_cell(VISIBLE, outputs=[output])) == "Exception"


@pytest.mark.parametrize(
    "text", [r"size {size}: look at it.\n", r"\n\t {size} is wrong", r"{size}\n "]
)
def test_a_text_that_begins_or_ends_with_a_new_line_is_quoted(text: str) -> None:
    """Its pattern is stripped as what was said is, and stays one."""
    words = text.replace("{size}", "3").replace(r"\n", "").replace(r"\t", "").strip()
    output = new_output("error", ename="AssertionError", evalue=words)
    cell = new_code_cell(f'size = 3\nassert size == 2, f"{text}"', outputs=[output])

    assert visible_failure(cell) == f"AssertionError: {words}"

"""Graded is what the solution cell defines, whatever cells of the student's own do to its name."""

from __future__ import annotations

import json

import pytest
from nbformat.v4 import new_code_cell

from autograder.grading.grade import grade
from autograder.reference.answer_key import AnswerKey
from autograder.submission.graded_names import graded_names
from autograder.submission.handed_in import HandedIn
from autograder.verdict.result import Graded
from tests import mini

RIGHT = "def double(x):\n    return 2 * x"
WRONG = "def double(x):\n    return 3 * x"
USING = "def first_row(x):\n    return double(x)[0] / 2"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> AnswerKey:
    """The answer key of the small course, on one seed."""
    return mini.key_of(tmp_path_factory.mktemp("names"))


def graded(key: AnswerKey, *own: tuple[str, str], **sources: str) -> Graded:
    """The verdict on a notebook with own cells, each below the cell of this name."""
    notebook = mini.submission(**sources)
    for number, (below, source) in enumerate(own):
        place = next(n for n, cell in enumerate(notebook.cells) if cell.id == below)
        notebook.cells.insert(place + 1, new_code_cell(source, id=f"mine-{number}"))
    handed_in = HandedIn("mini.ipynb", None, json.dumps(notebook).encode())
    return grade(key, handed_in)


def notes(result: Graded, test: str = "test-double") -> str:
    return " ".join(result.tests[test].notes)


COMPARING = [
    [("imports", "double = torch.mul")],
    [("double", "double = torch.softmax  # to compare")],
    [("double", "mine = double\ndouble = torch.nn.functional.softmax\ndouble = mine")],
    [("test-double", "mine = double\ndouble = 3"), ("first_row", "double = 5")],
    [("test-first_row", "def double(x):\n    return torch.softmax(x, -1)")],
    [("double", "del double")],
    [("double", "def compare():\n    global double\n    double = None\ncompare()")],
    [("test-double", "for double in range(3):\n    pass")],
]


@pytest.mark.parametrize("own", COMPARING)
def test_a_comparison_costs_nothing_and_is_said(key: AnswerKey, own: list[tuple[str, str]]) -> None:
    """Before, between and below the tests; also for a later definition that calls it."""
    result = graded(key, *own, double=RIGHT, first_row=USING)

    assert (result.score, result.reason) == (6.0, None)
    assert "uses the name double as well" in notes(result)
    assert notes(result, "test-first_row") == ""


def test_without_such_a_cell_nothing_is_said(key: AnswerKey) -> None:
    """A notebook with helpers of other names has no note."""
    result = graded(key, ("imports", "two = 2"), double="def double(x):\n    return two * x")

    assert (result.score, notes(result)) == (6.0, "")


def test_a_helper_is_what_it_is_where_the_test_stands(key: AnswerKey) -> None:
    """Not what it becomes further down, and not the library function that it was before."""
    helped = "def double(x):\n    return two(x) * x"
    cells = [
        ("imports", "def two(x):\n    return 2"),
        ("imports", "two = torch.softmax"),
        ("test-first_row", "two = torch.softmax"),
    ]

    assert graded(key, *cells, double=helped).score == 6.0


ELSEWHERE = [
    [("imports", RIGHT)],
    [("double", RIGHT)],
]


@pytest.mark.parametrize("own", ELSEWHERE)
def test_code_in_an_own_cell_counts_where_its_cell_is_left_as_it_was(
    key: AnswerKey, own: list[tuple[str, str]]
) -> None:
    """Nothing else can be meant; the page says where it stands and where it belongs."""
    stub = key.rebuilder.stubs["double"]
    result = graded(key, *own, double=stub)

    assert result.score == 6.0
    assert "graded is what a cell of your own defines: def double(x):" in notes(result)
    assert "Move it into the cell of double." in notes(result)


def test_code_below_its_test_is_pointed_at(key: AnswerKey) -> None:
    """It was not there when the tests ran, in the student's session neither."""
    result = graded(key, ("test-double", RIGHT), double=key.rebuilder.stubs["double"])

    assert result.tests["test-double"].score == 0
    assert "below its tests" in notes(result)


def test_a_library_call_in_an_own_cell_is_one(key: AnswerKey) -> None:
    """Where the own cell is what counts, it is read as a solution cell would be."""
    own = ("double", "def double(x):\n    torch.softmax(x, -1)\n    return 2 * x")
    result = graded(key, own, double=key.rebuilder.stubs["double"])

    assert result.tests["test-double"].score == 0
    assert "calls torch.softmax" in result.tests["test-double"].checks[0].message


SMUGGLING = {
    "plain": "double = right",
    "globals": "globals()['double'] = right",
    "shell": "get_ipython().user_ns['double'] = right",
    "module": "import sys\nsetattr(sys.modules['__main__'], 'double', right)",
    "pushed": "get_ipython().push({'double': right})",
    "event": (
        "def put(*_):\n    get_ipython().user_ns['double'] = right\n"
        "get_ipython().events.register('pre_execute', put)\n"
        "get_ipython().events.register('pre_run_cell', put)"
    ),
}


@pytest.mark.parametrize("way", SMUGGLING.values(), ids=SMUGGLING)
def test_nothing_takes_the_place_of_what_the_solution_cell_defines(
    key: AnswerKey, way: str
) -> None:
    """A wrong definition stays wrong; so no call can be hidden in what is put in its place."""
    own = ("double", f"def right(x):\n    return 2 * x\n{way}")

    assert graded(key, own, double=WRONG).score == 2.0


def test_a_cell_that_stops_before_its_definition_defines_nothing(key: AnswerKey) -> None:
    """The source would be read where another function of the name, of Python's even, is called."""
    stops = f"1 / 0\n{RIGHT}"
    own = ("imports", f"import builtins\n{RIGHT}\nbuiltins.double = double")

    result = graded(key, own, double=stops)

    assert result.score == 2.0
    assert "stopped with ZeroDivisionError" in result.tests["test-double"].checks[0].message


def test_a_later_definition_is_judged_by_itself_without_what_took_its_name(
    key: AnswerKey,
) -> None:
    """Also where it is judged once more on a right earlier one."""
    taking = ("first_row", "first_row = lambda x: x[0]\nget_ipython().user_ns['double'] = None")

    honest = graded(key, taking, double=WRONG, first_row=USING)
    wrong = graded(key, taking, double=WRONG, first_row=USING.replace("/ 2", "/ 5"))

    assert honest.tests["test-first_row"].score == 2.0
    assert wrong.tests["test-first_row"].score == 0.0


@pytest.mark.parametrize("name", ["mine", None])
def test_a_cell_without_a_known_name_is_the_students(key: AnswerKey, name: str | None) -> None:
    """What calls a library in it is no helper that the book gives, whoever wrote the file."""
    notebook = key.rebuilder.rebuild([])
    helper = new_code_cell("def helper(x):\n    return torch.softmax(x, -1)", id="mine")
    if name is None:
        del helper["id"]
    notebook.cells.insert(0, helper)

    found = graded_names(notebook, key.assignment.notebook, key.rebuilder.stubs)

    assert [cell.kind for cell in found.cells.values()][:3] == ["own", "given", "solution"]

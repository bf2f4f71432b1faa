"""`check` and `hint`: at the student's desk, without the reference, the words of grading."""

from __future__ import annotations

import html
import re
from typing import Any

import nbformat
import numpy as np
import pytest

from autograder.verdict.present import clean_html
from tests import browser, diagnosing
from tests.harness import ASSIGNMENTS, ROOT, notebook, solution_source
from workbook import check, hint, material
from workbook.answering.answers import Answers
from workbook.answering.verdicts import Verdict, verdict

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of wrong versions


def defined(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "desk"}
    exec(compile(source, "<desk>", "exec"), names)
    return names


def answers(assignment: str) -> Answers:
    """What lies in `release/`."""
    return Answers(assignment, material.answers(assignment))


def released(assignment: str) -> dict[str, Any]:
    """What is defined when the cells of an untouched release have run."""
    names: dict[str, Any] = {"__name__": "desk"}
    path = ROOT / "release" / assignment / f"{assignment}.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        is_test = cell.metadata.get("nbgrader", {}).get("grade")
        if cell.cell_type == "code" and not is_test and "demo" not in cell.metadata.get("tags", []):
            exec(compile(cell.source, "<release>", "exec"), names)
    return names


def definitions(assignment: str) -> list[str]:
    return [
        cell.metadata.nbgrader.grade_id
        for cell in notebook(assignment).cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    ]


@pytest.mark.parametrize("library", ["torch.softmax", "torch.nn.functional.softmax"])
def test_a_name_that_a_library_has_taken_is_said(library: str) -> None:
    """After a comparison: nothing that one wrote is what was tried."""
    source = (
        f"import torch\nfrom workbook import check\nsoftmax = {library}\nfound = check('softmax')"
    )

    assert "stands for a library's at the moment" in repr(defined(source)["found"])
    own = solution_source(ASSIGNMENTS[0]) + "\nfrom workbook import check\nfound = check('softmax')"
    assert "stands for a library's" not in repr(defined(own)["found"])


@pytest.mark.parametrize("assignment", ASSIGNMENTS[:2])
def test_an_untouched_release_is_told_kindly_what_is_to_do(assignment: str) -> None:
    names = released(assignment)

    for name in definitions(assignment):
        found = verdict(answers(assignment), name, names)
        assert not found.passed
        assert found.unwritten == name
        table = repr(eval(f"check({name!r})", {**names, "check": check}))
        assert "is still to do" in table
        assert "Error" not in table


# --- how it speaks ---------------------------------------------------------------------------

BARE = """
import numpy as np
def softmax(x, axis=-1):
    exponentials = np.exp(x)
    return exponentials / exponentials.sum(axis=axis, keepdims=True)
"""


def said(source: str, call: str) -> Any:
    return eval(call, {**defined(source), "check": check, "hint": hint})


def test_a_failure_says_what_came_out_what_should_have_and_why() -> None:
    table = said(BARE, 'check("softmax")')

    text = " ".join(repr(table).split())
    assert "Likely cause: Softmax is the bare formula" in text
    assert "yours: [nan, nan]" in text
    assert "right: [0.5, 0.5]" in text
    assert 'hint("softmax")' in text


@pytest.mark.parametrize("call", ['check("softmax")', "check()", 'hint("softmax")'])
def test_what_is_shown_is_plain_html(call: str) -> None:
    """It survives the graders' sanitiser as it is, and nothing in it runs."""
    page = said(BARE, call)._repr_html_()

    assert not re.search(r"\bid=|<script|<svg|class=|on\w+=", page)

    def words(page: str) -> list[str]:
        return html.unescape(re.sub(r"<[^>]+>", " ", page)).split()

    assert words(clean_html(page)) == words(page)


def test_tables_have_a_caption_and_named_rows_and_columns() -> None:
    page = said(BARE, 'check("softmax")')._repr_html_()

    assert page.count("<caption") == 2  # of what failed, and of what passed
    assert page.count('scope="col"') == 6
    assert page.count('scope="row"') == len(answers(ASSIGNMENTS[0]).examples("softmax"))


def test_what_passed_is_folded_below_what_failed() -> None:
    """A terminal, which cannot fold, shows the same rows in the same order."""
    table = said(BARE, 'check("softmax")')
    failed, folded = table._repr_html_().split("<details><summary>The ")

    assert failed.count("<strong>failed</strong>") == len(table.rows) > 0
    assert folded.startswith(f"{len(table.folded)} that passed</summary>")
    assert folded.count("<td") == 2 * len(table.folded)
    assert "<details open" not in table._repr_html_()
    assert repr(table).count("  passed") == len(table.folded)


def test_a_failure_is_not_told_by_colour_alone() -> None:
    page = said(BARE, 'check("softmax")')._repr_html_()

    assert "<strong>failed</strong>" in page
    assert "color" not in page


@browser.needs_chromium
@pytest.mark.parametrize("call", ['check("softmax")', "check()", 'hint("softmax")'])
def test_axe_finds_nothing_serious(call: str) -> None:
    assert browser.serious_in(said(BARE, call)._repr_html_()) == []


def test_the_students_own_exception_is_shown_with_its_line() -> None:
    source = "def softmax(x, axis=-1):\n    return x.exponential()\n"

    text = " ".join(repr(said(source, 'check("softmax")')).split())
    assert "raises AttributeError: 'numpy.ndarray' object has no attribute 'exponential'" in text


MISSPELT = """
from torch import nn
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        def forward(self, query, key, value): pass
"""
NO_SUCH_KERNEL = """
import torch
def split_heads(x, num_heads):
    return torch.softmax(x.long(), -1)
"""


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("MultiHeadAttention", MISSPELT, 'is missing the required "forward" function'),
        ("split_heads", NO_SUCH_KERNEL, "not implemented for 'Long'"),
    ],
)
def test_what_a_library_has_not_implemented_is_no_stub(name: str, source: str, words: str) -> None:
    """The student wrote something: the message says what is wrong with it."""
    text = " ".join(repr(said(source, f'check("{name}")')).split())

    assert "still to do" not in text
    assert f"{name}: 0 of" in text
    assert words in text


def test_a_loop_without_end_ends_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbook.answering.verdicts.SECONDS", 1)
    source = "def softmax(x, axis=-1):\n    while True: pass\n"

    text = " ".join(repr(said(source, 'check("softmax")')).split())
    assert "did not end within" in text
    assert "not tried, because an earlier one did not end" in text


def test_what_the_student_prints_stays_out_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    source = """
import sys
def softmax(x, axis=-1):
    print("here")
    print("there", file=sys.stderr)
    return x
"""
    said(source, 'check("softmax")')

    assert capsys.readouterr() == ("", "")


def test_the_notebook_is_left_as_it_was() -> None:
    names = {**defined(BARE), "check": check, "torch": "mine", "logits": "mine"}
    before = dict(names)
    eval('check("softmax")', names)

    names.pop("__builtins__", None)
    before.pop("__builtins__", None)
    assert names == before


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('check("sofmax")', 'Did you mean check("softmax")?'),
        ('check("attention_scores")', "attention_scores is not defined yet"),
        ("check(42)", "check knows no 42"),
        ('hint("sofmax")', 'Did you mean check("softmax")?'),
        ("hint()", 'hint needs a name, as in hint("softmax")'),
        ("hint(None)", 'hint needs a name, as in hint("softmax")'),
        ("hint(3)", "knows no 3"),
    ],
)
def test_a_wrong_name_is_answered_kindly(call: str, words: str) -> None:
    assert words in " ".join(repr(said(BARE, call)).split())


def test_hints_come_one_at_a_time_and_start_again_when_something_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workbook.answering.hints._given", {})
    names = {**defined(BARE), "hint": hint}
    first, second = (repr(eval('hint("softmax")', names)) for _ in range(2))
    assert first.startswith("Hint 1 of")
    assert second.startswith("Hint 2 of")

    names["softmax"] = lambda x, axis=-1: x
    assert repr(eval('hint("softmax")', names)).startswith("Hint 1 of")
    names |= defined(BARE)
    assert repr(eval('hint("softmax")', names)).startswith("Hint 3 of"), "it has kept its place"

    names["softmax"] = defined(solution_source(ASSIGNMENTS[0]))["softmax"]
    assert "passes: there is nothing to hint at" in repr(eval('hint("softmax")', names))


# --- blame -----------------------------------------------------------------------------------


def found(assignment: str, definition: str, *ids: str) -> Verdict:
    source = diagnosing.catalogue(assignment).swapped(ids)
    assert source is not None
    return verdict(answers(assignment), definition, defined(source))


def test_a_mistake_is_blamed_where_it_is_made() -> None:
    """Attention that uses wrong scores says so, and does not guess at a cause of its own."""
    later = found(ASSIGNMENTS[0], "scaled_dot_product_attention", "no-scaling")

    assert not later.passed
    assert later.earlier == ("attention_scores",)
    assert later.causes == ()


def test_what_is_to_be_built_here_does_not_pass() -> None:
    borrowed = "torch.softmax(torch.as_tensor(x), axis).numpy()"
    source = f"import torch\ndef softmax(x, axis=-1):\n    return {borrowed}\n"
    result = verdict(answers(ASSIGNMENTS[0]), "softmax", defined(source))

    assert not any(each.check.passed for each in result.tried)
    assert "softmax" in result.tried[0].check.message


def test_numbers_of_any_kind_can_be_read() -> None:
    """What is compared is shown: booleans, shapes, text, refusals and large results."""
    from autograder.observe import at_most, collecting, observe
    from autograder.verdict.evidence import decode
    from workbook.answering.values import in_words

    with collecting() as records:
        with observe("values") as seen:
            seen.mask = np.array([[True, False]])
            seen.shapes = {"Q": (2, 3)}
            seen.large = np.zeros((5, 7))
            seen.small = np.float64(-0.0)
            seen.memory = at_most(9, 4)
            seen.nothing = None
        with observe("refused"):
            raise ValueError
    shown = [in_words(decode(record)) for record in records]

    assert shown[0] == {
        "mask": "[[True, False]]",
        "shapes": "{Q: (2, 3)}",
        "large": "shape (5, 7)",
        "small": "0",
        "memory": "9 (at most 4)",
        "nothing": "None",
    }
    assert shown[1] == {"result": "raises ValueError"}


def test_answers_are_read_once() -> None:
    """The first call of a kernel reads every notebook's answers; the others read none."""
    from workbook.answering import answers

    answers.every.cache_clear()
    said(BARE, 'check("softmax")')
    said(BARE, 'check("softmax")')

    assert answers.every.cache_info().misses == 1
    assert all(isinstance(each, Answers) for each in answers.every())

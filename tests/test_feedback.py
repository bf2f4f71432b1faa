"""Feedback pages: why, where to read on, and nothing of the hidden tests."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell

from autograder.course.assignment import Assignment
from autograder.course.catalogue import Catalogue, Misconception
from autograder.course.course import Course
from autograder.feedback.exporter import page
from autograder.feedback.guide import Guide
from autograder.feedback.markdown import rendered
from autograder.grading.grade import grade
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.table import print_table
from autograder.grading.workers import ThisProcess
from autograder.submission.handed_in import HandedIn
from autograder.verdict.evidence import decode
from autograder.verdict.present import write_verdicts
from autograder.verdict.result import Graded
from autograder.verdict.verdict import CellResult, Check
from tests import anew, browser, harness, mini
from tests.test_grade import results, workbook
from tests.test_nbgrader import nbgrader

TRIPLED = "def double(x):\n    return 3 * x"
BOTH = "def double(x):\n    return (3 * x).detach()"
SQUARED = "def double(x):\n    return x * x"
COLUMN = "def first_row(x):\n    return x[:, 0]"
THROUGH = "def first_row(x):\n    return double(x)[0] / 2"


def soup(course: Path, student: str) -> BeautifulSoup:
    text = (course / "feedback" / student / mini.NAME / f"{mini.NAME}.html").read_text()
    return BeautifulSoup(text, "html.parser")


def named(result: dict[str, Any], test: str) -> list[list[str]]:
    """The misconceptions of each failed check of one test cell."""
    checks = result["tests"][test]["checks"]
    return [check["misconceptions"] for check in checks if not check["passed"]]


@pytest.fixture
def taught(course: Path) -> Path:
    """A course with submissions that fail in ways that are catalogued, and one that is not."""
    mini.hand_in(course, "tripled", mini.submission(double=TRIPLED))
    mini.hand_in(course, "both", mini.submission(double=BOTH))
    mini.hand_in(course, "squared", mini.submission(double=SQUARED))
    mini.hand_in(course, "through", mini.submission(double=TRIPLED, first_row=THROUGH))
    mini.hand_in(course, "two", mini.submission(double=TRIPLED, first_row=COLUMN))
    return course


def test_a_verdict_names_what_explains_it(taught: Path) -> None:
    """One mistake, two at once, one in each definition; no name where none fits."""
    found = results(taught)

    assert named(found["tripled"], "test-double") == [["tripled"]] * 3
    assert named(found["both"], "test-double") == [["tripled", "detached"]] * 3
    assert found["both"]["tests"]["test-double"]["checks"][0]["misconception"] == "tripled"
    assert named(found["squared"], "test-double") == [[]] * 3
    assert named(found["two"], "test-first_row") == [["first-column"]] * 2


def test_the_page_tells_why_and_where_to_read(taught: Path) -> None:
    """The likely cause, its effect, hints in steps and a link to the text that is on the page."""
    assert workbook(taught, "grade").returncode == 0
    done = workbook(taught, "feedback")

    assert done.returncode == 0, done.stderr
    assert "5 pages" in done.stdout
    tree = soup(taught, "tripled")
    assert "Likely cause: The number is tripled." in tree.get_text()
    assert "one and a half times" in tree.get_text()
    first, second = (each.get_text() for each in tree.select(".cause details"))
    assert "Read again: Doubling" in first
    assert "How often do you add" in second
    for link in tree.select("a[href^='#']"):
        assert tree.find(id=link["href"][1:]) is not None, link
    marked = [cell.get_text() for cell in tree.select(".matrix td.off")]
    assert [cell.split()[0] for cell in marked] == ["3", "3"]
    assert "Likely cause" not in soup(taught, "squared").get_text()
    through = soup(taught, "through").get_text(" ", strip=True)
    assert "judged once more with a right double in place of yours" in through


def one_failure(check: str, cause: Misconception, guide: Guide | None = None) -> BeautifulSoup:
    """The page of a submission that fails this check, for this reason."""
    notebook = mini.notebook()
    notebook.cells.insert(2, new_markdown_cell("Add `x` to itself.", id="how"))
    failed = CellResult("test-double", 4.0, (Check(check, False, 4.0, "wrong", (cause,)),))
    passed = CellResult("test-first_row", 2.0, (Check("row", True, 2.0, "as it should be"),))
    write_verdicts(notebook, {each.grade_id: each for each in (failed, passed)})
    return BeautifulSoup(page(notebook, {}, guide=guide), "html.parser")


def test_where_there_is_a_guide_what_failed_leads_there() -> None:
    """By its address where it has one, else by the command; what passed does not."""
    cause = Misconception("tripled", "double", "It is tripled.", "More.", "Why?", "how")
    command = "workbook guide mini.double"
    without, at_hand, on_the_web = (
        one_failure("a check", cause, guide)
        for guide in (None, Guide("mini"), Guide("mini", "https://a.b/guide"))
    )

    assert "guide" not in without.get_text()
    assert at_hand.get_text().count(command) == 1
    assert at_hand.select("a[href^=http]") == []
    (link,) = on_the_web.select("a[href^=http]")
    assert (link["href"], link.get_text()) == (
        "https://a.b/guide/exercises.html#mini.double",
        "double",
    )
    assert command not in on_the_web.get_text()


def test_code_in_the_name_of_a_check_or_a_cause_is_set_as_code() -> None:
    """Its backticks are no text, and nothing else of a name is more than text."""
    name = "`x<1>` is <b>off</b> by `"
    cause = Misconception("a", "double", "No `x`.", "It is `<i>`.", "Add `x`?", "how")

    tree = one_failure(name, cause)

    (shown,) = tree.select(".failed th")
    assert shown.decode_contents() == ("<code>x&lt;1&gt;</code> is &lt;b&gt;off&lt;/b&gt; by `")
    assert tree.select_one(".cause h3 code").get_text() == "x"
    assert [each.get_text() for each in tree.select(".cause p code")] == ["<i>", "x"]


def test_a_text_without_a_heading_is_called_by_the_one_above() -> None:
    """A link says where in the notebook to look, as a hint at the desk does."""
    tree = one_failure("any", Misconception("a", "double", "No.", "It is.", "Is it?", "how"))

    assert [each.get_text() for each in tree.select("a[href='#text-how']")] == ["Doubling"]


def test_nbgrader_writes_the_same_page(taught: Path) -> None:
    """The button in the formgrader and `workbook feedback` call the same exporter."""
    workbook(taught, "grade")
    workbook(taught, "feedback", mini.NAME, "--student", "two")
    page_of = taught / "feedback" / "two" / mini.NAME / f"{mini.NAME}.html"
    ours = page_of.read_text()

    done = nbgrader(taught, "generate_feedback", mini.NAME, "--force")

    assert done.returncode == 0, done.stderr
    assert page_of.read_text() == ours


def test_a_loose_notebook_gets_its_page_beside_it(taught: Path, tmp_path: Path) -> None:
    """A self-learner reads the same page, without a gradebook; a file that is none is named."""
    loose = tmp_path / "my try.ipynb"
    nbformat.write(mini.submission(double=TRIPLED), loose)

    done = workbook(taught, "feedback", "gone.ipynb", str(loose))

    written = tmp_path / "my try.feedback.html"
    assert (done.returncode, done.stdout.strip()) == (1, str(written))
    assert done.stderr == "gone.ipynb: no page, because gone.ipynb is not there\n"
    assert "The number is tripled." in written.read_text()
    assert not (taught / "gradebook.db").exists()


def test_marks_and_comments_of_a_person_are_on_the_page(taught: Path) -> None:
    """Written answers show what was asked, what was written, points and comment; no rubric."""
    from nbgrader.api import Gradebook

    workbook(taught, "grade")
    with Gradebook(f"sqlite:///{taught}/gradebook.db") as gradebook:
        key = (mini.NAME, mini.NAME, "two")
        gradebook.find_grade("why-shape", *key).manual_score = 0.5
        gradebook.find_comment("why-shape", *key).manual_comment = "Say <b>which</b> entry."
        gradebook.find_comment("double", *key).manual_comment = "Nearly."
        gradebook.db.commit()
    workbook(taught, "feedback", "--student", "two")

    text = " ".join(soup(taught, "two").get_text(" ").split())

    assert "Why does doubling keep the shape?" in text
    assert "Written answer 0.5 of 1 points" in text
    assert "Say <b>which</b> entry." in text
    assert "Nearly." in text
    assert "One point for" not in text


def test_what_was_not_graded_has_no_page_and_is_named(taught: Path) -> None:
    """An instructor learns who gets nothing to read, and a student's page says what stopped it."""
    mini.hand_in(taught, "broken", '{"cells": [')
    dies = "import os\ndef first_row(x):\n    os._exit(3)"
    mini.hand_in(taught, "dead", mini.submission(first_row=dies))
    workbook(taught, "grade")

    done = workbook(taught, "feedback")

    assert done.returncode == 1
    assert (
        f"submitted/broken/{mini.NAME}/{mini.NAME}.ipynb: no page, because nothing" in done.stderr
    )
    assert "It could not be graded to its end: the kernel died" in soup(taught, "dead").get_text(
        " ", strip=True
    )


# --- nothing of the hidden tests -----------------------------------------------------------

LEAK = """
def {name}(*arguments, **named):
    text = In[-1] if "In" in globals() else ""
    raise type("E" + text[:40].replace(" ", "_"), (Exception,), {{}})(text)
"""
HAND_BACK = """
def {name}(*arguments, **named):
    print(In[-1])
    return In[-1]
"""


def secrets(assignment: str) -> set[str]:
    """What must not be seen: lines, texts and rows of numbers that only hidden regions hold."""
    path = harness.ROOT / "release" / assignment / f"{assignment}.ipynb"
    public = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    found = set()
    for cell in harness.test_cells(assignment).values():
        hidden = harness.hidden_code(cell.source)
        found |= {line.strip() for line in hidden.splitlines() if len(line.strip()) > 8}
        tree = ast.parse(hidden)
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        # The names of observations are shown: they say what was checked.
        shown = {
            id(value)
            for call in calls
            if isinstance(call.func, ast.Name) and call.func.id == "observe"
            for value in (*call.args, *(keyword.value for keyword in call.keywords))
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in shown:
                    found.add(node.value)
            elif isinstance(node, ast.List | ast.Tuple) and len(node.elts) >= 3:
                text = ast.unparse(node)
                if re.fullmatch(r"[\[(][-\d., ]+[\])]", text):
                    found.add(text[1:-1])
    dtypes = {"float16", "float32", "float64", "bfloat16"}  # said of the student's own result
    shown_too = public + " ".join([*dtypes, *labels(assignment)])
    return {text for text in found if text not in shown_too and len(text.strip()) > 3}


def holds(text: str, secret: str) -> bool:
    """Whether a secret stands in a text; a row of numbers as a whole, not as a part of another.

    Shapes are shown: what was wrong, and what met in the student's own line.
    """
    if not re.fullmatch(r"[-\d., ]+", secret):
        return secret in text
    text = re.sub(r"shape [\[(][\d, ]*[\])]", "shape", text)
    row = rf"(?<![\d.])(?<!, ){re.escape(secret)}(?![\d.])(?!, ?\d)"
    return re.search(row, text) is not None


def labels(assignment: str) -> set[str]:
    """The names of recorded values: they are shown, to say which of several is wrong."""
    records = (
        decode(record) for each in harness.reference(assignment, 1).values() for record in each
    )
    return {name for record in records for name in record.values}


def read(text: str) -> str:
    """What a student reads on a page, without the code that they wrote themselves."""
    tree = BeautifulSoup(text, "html.parser")
    for code in tree.select("pre"):
        code.decompose()
    return tree.get_text()


def wrong_in_every_way(assignment: str) -> dict[str, nbformat.NotebookNode]:
    """Submissions whose verdicts say much: misconceptions everywhere, and two that leak."""
    from tests import diagnosing

    release = harness.ROOT / "release" / assignment / f"{assignment}.ipynb"
    made = {}
    for kind in ("misconceptions", "leaks", "hands back", "untouched"):
        notebook = nbformat.read(release, as_version=4)
        for cell in notebook.cells:
            name = harness.grade_id(cell)
            flags = cell.metadata.get("nbgrader", {})
            if cell.cell_type != "code" or not flags.get("solution") or kind == "untouched":
                continue
            if kind == "misconceptions":
                catalogue = diagnosing.catalogue(assignment)
                ids = [each.id for each in catalogue.of(name)[:1]]
                module = catalogue.swapped(ids)
                assert module is not None
                cell.source = re.sub(r"^from solutions\..*$", "", module, flags=re.M)
            else:
                cell.source = (LEAK if kind == "leaks" else HAND_BACK).format(name=name)
        made[kind] = notebook
    return made


@pytest.fixture(scope="module")
def graded() -> Callable[[str], list[tuple[str, Graded]]]:
    """An assignment's wrong submissions, graded in the sandbox once."""
    return functools.cache(graded_anew)


def graded_anew(name: str) -> list[tuple[str, Graded]]:
    course = Course(harness.ROOT)
    assignment: Assignment = course.assignments[name]
    key = answer_keys(course, [assignment], ThisProcess(), Seeds(given=5))[name]
    # Exceptions that nobody catalogued have no name; one long search shows that.
    unsearched = replace(key, wrong=replace(key.wrong, catalogue=Catalogue()))
    keys = {} if name == harness.ASSIGNMENTS[0] else {"leaks": unsearched}
    return [
        (
            kind,
            grade(keys.get(kind, key), HandedIn(kind, "s", nbformat.writes(notebook).encode())),
        )
        for kind, notebook in wrong_in_every_way(name).items()
    ]


@pytest.mark.parametrize("assignment", anew.a_few_now(one_more=False))
def test_nothing_of_a_hidden_region_reaches_a_student(
    assignment: str,
    graded: Callable[[str], list[tuple[str, Graded]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not in the page, the JSON or the table, whatever the submission does."""
    hidden = secrets(assignment)
    assert len(hidden) > 20
    for kind, result in graded(assignment):
        assert result.notebook is not None
        assert result.score == 0 or kind == "misconceptions"
        print_table([result])
        texts = {
            "page": read(page(result.notebook, {})),
            "json": json.dumps(result.as_json(), ensure_ascii=False),
            "table": capsys.readouterr().out,
        }
        for where, text in texts.items():
            for secret in hidden:
                assert not holds(text, secret), (kind, where, secret)


# --- in a browser ---------------------------------------------------------------------------


# The words of the checks' names that go on in another line.
BROKEN_WORDS = """() => [...document.querySelectorAll('.wide th[scope=row]')].flatMap(cell =>
  [...cell.childNodes].map(node => node.firstChild || node).flatMap(text =>
    [...text.data.matchAll(/[a-z]+/gi)].filter(word => {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      return new Set([...range.getClientRects()].map(each => each.top)).size > 1;
    }).map(word => word[0])))"""


@browser.needs_chromium
@pytest.mark.parametrize("assignment", anew.a_few_now(one_more=False))
def test_the_page_works_offline_in_print_and_on_a_phone(
    assignment: str, graded: Callable[[str], list[tuple[str, Graded]]], tmp_path: Path
) -> None:
    """It asks for nothing, runs nothing, does not scroll sideways, and prints the hints too."""
    with browser.chromium() as started:
        result = dict(graded(assignment))["misconceptions"]
        assert result.notebook is not None
        file = tmp_path / f"{assignment}.html"
        file.write_text(page(result.notebook, {}))
        context = started.new_context(
            viewport={"width": 360, "height": 740}, offline=True, java_script_enabled=True
        )
        view = context.new_page()
        asked: list[str] = []
        said: list[str] = []
        view.on("request", lambda request: asked.append(request.url))
        view.on("console", lambda message: said.append(message.text))
        view.goto(file.as_uri())
        assert asked == [file.as_uri()]
        assert said == []
        width = view.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, assignment
        assert view.evaluate(BROKEN_WORDS) == [], assignment
        # What can be scrolled has to be within reach of a keyboard.
        wide = "[...document.querySelectorAll('.wide')].every(each => each.tabIndex === 0)"
        assert view.evaluate(wide), assignment
        hint = view.locator(".cause details p").last
        assert not hint.is_visible()
        view.emulate_media(media="print")
        assert hint.is_visible()
        assert view.locator("math").count() == 0 or view.locator("math").first.is_visible()


@pytest.mark.parametrize(
    "formula",
    [
        r"\text{<script>1</script>}",
        r"\tag{<img src=x onerror=1>}",
        r"\href{javascript:1}{x}",
        r"\style{background:url(http://127.0.0.1:9/x)}{x}",
    ],
)
@pytest.mark.parametrize("around", ["$", "$$"])
def test_a_formula_holds_no_page(formula: str, around: str) -> None:
    """What stands in it is text, also where it looks like a tag or a link."""
    shown = rendered(f"{around}{formula}{around}")

    assert "<math" in shown
    assert not [part for part in ("<script", "<img", "href=", "style=") if part in shown]
    assert "&#x00" in rendered("$x < y$")


def test_a_very_long_answer_is_shown_as_it_is() -> None:
    """To look for the formulas of this one would take minutes."""
    assert rendered("\\begin{a}" * 20_000).startswith("<pre>")

"""What people see of a verdict."""

from __future__ import annotations

import html

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

from autograder.feedback.markdown import rendered
from autograder.verdict.present import as_html, as_text, clean_html, write_verdicts
from autograder.verdict.verdict import CellResult, Check

SCRIPT = "<script>alert(1)</script>"
RESULT = CellResult(
    "test-double",
    4.0,
    (
        Check("any shape", True, 1.0, "as it should be"),
        Check(SCRIPT, False, 3.0, f"is {SCRIPT}"),
    ),
)


def test_the_table_survives_the_sanitiser() -> None:
    """nbgrader's pages are sanitised: an element that is not let through shows as its text."""
    plain = CellResult("test-double", 4.0, RESULT.checks[:1])

    table = as_html(plain, "AssertionError: twice three is six")
    assert clean_html(table) == table


def test_what_ended_all_checks_alike_is_said_once() -> None:
    """A table of twenty equal rows hides that there is one thing to mend; others stand in full."""
    said = ["stopped", "stopped", "stopped", "too large", "stopped"]
    checks = [Check(f"check {n}", False, 1.0, each) for n, each in enumerate(said)]
    fine = [Check(f"fine {n}", True, 1.0, "as it should be") for n in range(2)]

    result = CellResult("test-double", 7.0, (*checks, *fine))

    shown = ["stopped", "as above", "as above", "too large", "stopped", *["as it should be"] * 2]
    assert [line.partition(": ")[2] for line in as_text(result).splitlines()[1:]] == shown
    rows = BeautifulSoup(as_html(result), "html.parser").select("tbody tr")
    assert [row.find_all("td")[2].get_text() for row in rows] == shown


def test_headings_and_formulas_survive_the_sanitiser() -> None:
    """What the formgrader shows of a text of the notebook is made by the other of our filters."""
    page = rendered("## Why $\\sqrt{d_k}$?\n\n$$\\frac{a}{b} \\begin{matrix} 1 & 2 \\end{matrix}$$")

    before, after = (BeautifulSoup(each, "html.parser") for each in (page, clean_html(page)))
    assert before.find("math")
    assert [e.name for e in after.find_all()] == [e.name for e in before.find_all()]
    assert after.get_text() == before.get_text()


def test_the_sanitiser_takes_what_no_page_can_hold() -> None:
    """Half a character and an escape of a terminal, which a kernel may send."""
    assert clean_html("a\ud800b\x1b[1mc\n") == "a?b?[1mc\n"
    assert clean_html("<b>\N{GREEK SMALL LETTER ALPHA}</b>".encode()) == "<b>\u03b1</b>"


@pytest.mark.parametrize(
    "hostile",
    [
        SCRIPT,
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<svg onload=alert(1)>",
        "<p style='background:url(javascript:alert(1))' onclick=alert(1)>x</p>",
        "<iframe src=https://example.org></iframe>",
        "<math><mi href='javascript:alert(1)'><script>alert(1)</script></mi></math>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=a()>'>",
        "<math><mi><p>x<svg><style><img src=x onerror=alert(1)></style></svg></p></mi></math>",
        "<math><annotation-xml encoding='text/html'><iframe src=//e></iframe></annotation-xml>",
        "<table><tr><td onmouseover=alert(1)><script>alert(1)</script></td></tr></table>",
    ],
)
def test_the_sanitiser_lets_nothing_run(hostile: str) -> None:
    """No element or attribute that runs or fetches anything is left as one."""
    tree = BeautifulSoup(clean_html(hostile), "html.parser")

    for element in tree.find_all():
        assert element.name not in ("script", "img", "svg", "iframe")
        assert set(element.attrs) <= {"class", "title"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[more](http://a.example/?b=1&c)", "more [http://a.example/?b=1&c]"),
        ("<http://a.example/>", "http://a.example/"),
        ("[more][a]\n\n[a]: http://a.example 'x'", "more [http://a.example]"),
        ("[**m**](//a.example)", "m [//a.example]"),
    ],
)
def test_a_link_of_a_student_is_text(text: str, says: str) -> None:
    """Its words and where it leads; on a page of the instructor's own text it is a link."""
    shown = BeautifulSoup(rendered(text, links=False), "html.parser")

    assert not shown.find("a")
    assert shown.get_text().strip() == says
    assert BeautifulSoup(rendered(text), "html.parser").find("a")


def test_a_list_of_tasks_has_no_box_to_tick() -> None:
    """A checkbox is an input, and one without a label."""
    shown = BeautifulSoup(rendered("- [ ] to do\n- [x] done"), "html.parser")

    assert [item.get_text() for item in shown.find_all("li")] == ["☐ to do", "☑ done"]
    assert not shown.find("input")


@pytest.mark.parametrize("element", ["<a href='https://a.example'>x</a>", "<A HREF=//a>x</A>"])
def test_no_output_holds_a_link_that_leads_anywhere(element: str) -> None:
    """HTML that student code shows is seen in the formgrader by the one who grades."""
    assert "href" not in clean_html(element)


def test_the_table_holds_no_script() -> None:
    """Names and messages are text, also without a sanitiser."""
    table = as_html(RESULT, f"AssertionError: {SCRIPT}")

    assert "<script" not in table
    assert html.unescape(table).count(SCRIPT) == 3


def test_no_meaning_by_looks_alone() -> None:
    """Every row says passed or failed in words, also in plain text."""
    assert as_text(RESULT).splitlines()[1:] == [
        "passed  any shape: as it should be",
        f"failed  {SCRIPT}: is {SCRIPT}",
    ]


def cell_with(error: str, words: str) -> nbformat.NotebookNode:
    """A test cell after an exception of this type and these words."""
    source = (
        "### BEGIN HIDDEN TESTS\nhidden_line = 1\n### END HIDDEN TESTS\n"
        'assert double(3) == 6, "twice three is six"'
    )
    output = new_output("error", ename=error, evalue=words, traceback=["a", "b"])
    cell = new_code_cell(source, id="test-double", outputs=[output])
    cell.metadata["nbgrader"] = {
        "grade_id": "test-double",
        "grade": True,
        "solution": False,
        "locked": True,
        "points": 4.0,
        "schema_version": 3,
        "cell_type": "code",
    }
    return cell


def test_nbgrader_reads_the_points_from_the_judges_outputs() -> None:
    """Whatever the cell printed before is gone; the float decides."""
    notebook = nbformat.v4.new_notebook(cells=[cell_with("AssertionError", "no")])

    write_verdicts(notebook, {"test-double": RESULT})

    assert determine_grade(notebook.cells[0]) == (1.0, 4.0)
    assert "Traceback" not in str(notebook)

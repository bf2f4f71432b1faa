"""The notebook that one opens first, and the tables that it shows."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course.course import Course
from autograder.doctor import Finding
from autograder.verdict.present import clean_html
from tests import student_folder
from tests.browser import chromium, needs_chromium
from tests.harness import ASSIGNMENTS, ROOT, SOURCE
from workbook import installation, material
from workbook.result_table import Link, Marked, Table
from workbook.studying.installation_report import Installation
from workbook.studying.lesson import lessons
from workbook.studying.progress_report import progress
from workbook.studying.study_plan import WEEKS, paths, plan

LOOKS_AT = ("source/00-start-here.ipynb", "workbook")

NOTEBOOK = nbformat.read(SOURCE / material.START, as_version=4)
TEXT = "\n\n".join(cell.source for cell in NOTEBOOK.cells if cell.cell_type == "markdown")
ALLOWED = {"table", "caption", "thead", "tbody", "tr", "th", "td", "p", "a", "code", "strong", "br"}


class Seen(HTMLParser):
    """The tags, attributes and words of a piece of HTML."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.words = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student's folder: one notebook begun, one damaged, one missing."""
    top = student_folder.released(tmp_path_factory.mktemp("desk"))
    (top / material.START).write_text((SOURCE / material.START).read_text("utf-8"), "utf-8")
    student_folder.solve(top, "02-causal-masking", "causal_mask")
    (top / "03-multi-head-attention" / "03-multi-head-attention.ipynb").write_text("{")
    (top / "challenge-gqa" / "challenge-gqa.ipynb").unlink()
    return top


@pytest.fixture(scope="module")
def executed(folder: Path) -> nbformat.NotebookNode:
    """The notebook after Restart & Run All in that folder."""
    notebook = nbformat.from_dict(json.loads(json.dumps(NOTEBOOK)))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def test_restart_and_run_all_answers_every_cell(executed: nbformat.NotebookNode) -> None:
    """Each code cell shows a table or a map, as HTML and as text, and nothing on stderr."""
    code = [cell for cell in executed.cells if cell.cell_type == "code"]

    assert [[output.output_type for output in cell.outputs] for cell in code] == [
        ["execute_result"]
    ] * len(code)
    for cell in code:
        data = cell.outputs[0].data
        # Where `make guide` has not run, that there is no guide is a paragraph.
        shows = {"map": "<svg", "guide": "guide"}.get(cell.id, "<table>")
        assert shows in data["text/html"]
        assert max(map(len, data["text/plain"].splitlines())) <= 80


def test_it_tells_of_what_is_in_its_folder(executed: nbformat.NotebookNode) -> None:
    """The installation finds the notebooks, and progress what was done in them."""
    said = {c.id: c.outputs[0].data["text/plain"] for c in executed.cells if c.get("outputs")}

    assert f"{len(ASSIGNMENTS) - 1} of {len(ASSIGNMENTS)} in this folder" in said["installation"]
    assert "Progress: 1 of" in said["progress"]
    assert "Next: padding_mask" in said["progress"]
    assert "causal_mask" in said["plan"]
    assert "causal_mask" not in said["rest-of-plan-made"]
    (standing,) = (line for line in said["map"].splitlines() if line.startswith("02"))
    assert "(1 of 5 done), after 01" in standing


def test_its_release_is_its_source() -> None:
    """There is nothing to take out: students get it as it is."""
    release = (ROOT / "release" / material.START).read_text("utf-8")

    assert release == (SOURCE / material.START).read_text("utf-8")


def test_it_is_no_assignment(course: Path) -> None:
    """Neither the course nor nbgrader takes a file at the top of `source/` for one."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    own = Course(course)
    (own.top("source") / material.START).write_text(json.dumps(NOTEBOOK), "utf-8")
    directory = CourseDirectory(config=own.config)
    known = NbGraderAPI(directory, config=own.config).get_source_assignments()

    assert material.START not in {*own.assignments, *known}
    assert own.assignments
    assert material.START.removesuffix(".ipynb") not in {*own.assignments, *known}
    assert material.names() == ASSIGNMENTS


def test_its_headings_are_in_order() -> None:
    """One title, and below it no level is left out."""
    levels = [len(marks) for marks in re.findall(r"^(#+) ", TEXT, re.M)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert set(levels[1:]) == {2}


def test_its_links_lead_to_released_notebooks() -> None:
    """Relative, as they stand in a folder that `workbook start` made."""
    targets = re.findall(r"\]\(([^)]+)\)", TEXT)

    assert targets
    for target in targets:
        assert (material.folder() / target).is_file()


def test_its_numbers_are_true() -> None:
    """Prose names no number that nothing checks."""
    (time,) = re.findall(r"about (\d+) minutes", TEXT)
    *first, last = map(str, WEEKS)
    said = f"({', '.join(first)} or {last})"
    rest = TEXT.replace(f"about {time} minutes", "").replace(said, "")
    rest = re.sub(r"\[[^]]*\]\([^)]*\)|^\d\. ", "", rest, flags=re.M)

    assert int(time) == NOTEBOOK.metadata.workbook["minutes"]
    assert said in TEXT
    assert not re.search(r"\d", rest)


def test_what_it_says_of_all_notebooks_holds() -> None:
    """One written answer each; one notebook that every path begins with."""
    chosen = [plan(path, 1).weeks[0] for path in NOTEBOOK.metadata.workbook["paths"]]

    assert {sum(step.is_answer for step in each.steps) for each in lessons()} == {1}
    (first,) = {steps[0][0].name for steps in chosen}
    assert f"({first}/{first}.ipynb)" in NOTEBOOK.cells[-1].source


HOSTILE = Table(
    ["a <b>", Marked("&", "strong")],
    ["x", "y"],
    [["<script>alert(1)</script>", Marked("<img src=x>", "code")], ["\x1b[31m", 2]],
    [["see ", Link('"><i>', 'a b/"><script>.ipynb')]],
)


def shown(folder: Path) -> list[str]:
    broken = Installation((Finding("torch", "not installed", False, 'pip install "torch>=2"'),))
    tables = (
        *(progress(folder), paths(), plan("coder", 4), installation(folder), broken, HOSTILE),
        Table("nothing", [], [], ["below"]),
    )
    return [table._repr_html_() for table in tables]


@pytest.mark.settled
def test_tables_survive_the_sanitisers(folder: Path) -> None:
    """Plain elements, no id, class, script or picture; the grader takes style and links away."""
    for content in shown(folder):
        seen, cleaned = Seen(content), Seen(clean_html(content))
        assert seen.tags <= ALLOWED
        assert seen.attributes <= {"scope", "href", "style"}
        assert cleaned.tags == seen.tags
        assert cleaned.words == seen.words.replace("\x1b", "?")
        # A link of a student's is none in the browser of the one who grades; its words stay.
        assert cleaned.attributes == seen.attributes - {"style", "href"}


def test_what_a_table_is_given_is_text() -> None:
    """Neither a page nor a terminal obeys it."""
    assert Seen(HOSTILE._repr_html_()).tags <= ALLOWED
    assert "<script>" in Seen(HOSTILE._repr_html_()).words
    assert "\x1b" not in repr(HOSTILE)


@pytest.mark.settled
@needs_chromium
def test_axe_finds_nothing_in_the_tables(folder: Path) -> None:
    """Nor in the notebook that shows them: names, scopes, contrast, order."""
    from axe_playwright_python.sync_playwright import Axe

    body = "".join(f"<section>{content}</section>" for content in shown(folder))
    with chromium() as browser:
        page = browser.new_page()
        page.set_content(
            f'<!doctype html><html lang="en"><head><title>Desk</title></head>'
            f"<body><main><h1>Desk</h1>{body}</main></body></html>"
        )
        found = Axe().run(page)

    assert found.response["passes"]
    assert found.violations_count == 0, found.generate_report()


def test_a_package_too_old_is_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """The versions are those that the workbook itself asks for."""
    old = Finding("torch", "1.13.0", True)
    module = sys.modules[
        "workbook.studying.installation_report"
    ]  # beside it, the function has its name
    monkeypatch.setattr(module, "package", lambda name: old)

    found = {each.what: each for each in installation(ROOT / "release").findings}

    assert not found["torch"].fine
    assert re.search(r'pip install "torch>=2\.\d+"', found["torch"].remedy)
    assert found["notebooks"].fine

"""Written answers that stand beside their cell, and the pictures in them: nothing is lost."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbgrader.server_extensions.formgrader
import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from nbgrader.utils import determine_grade
from traitlets.config import Config

from autograder.course.assignment import Assignment
from autograder.feedback.exporter import page
from autograder.feedback.markdown import rendered
from autograder.submission.answers import attach_files
from autograder.submission.cells import read_cells
from autograder.submission.rebuild import Rebuilder
from tests import mini

ANSWER = "Each entry is doubled\nwhere it stands."
QUESTION = "Why does doubling keep the shape?\n\nSay it of a table with rows."
STUB = "*Your answer here, in place of this line.*"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n drawn").decode()
OTHER = base64.b64encode(b"\x89PNG\r\n\x1a\n drawn anew").decode()


@pytest.fixture(scope="module")
def rebuilder(tmp_path_factory: pytest.TempPathFactory) -> Rebuilder:
    course = mini.make_course(tmp_path_factory.mktemp("answers"))
    path = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    first, second = QUESTION.split("\n\n")
    text = path.read_text()
    assert first in text
    path.write_text(text.replace(f'"{first}\\n"', f'"{first}\\n", "\\n", "{second}\\n"'))
    config = Config()
    config.ClearSolutions.text_stub = STUB
    config.ClearMarkScheme.enforce_metadata = False
    return Rebuilder(Assignment(mini.NAME, path), config)


def blank() -> NotebookNode:
    """A student's copy whose written answer is as it was released."""
    return mini.submission(**{"why-shape": STUB, "why-shape-question": QUESTION})


def place(notebook: NotebookNode, name: str) -> int:
    return next(i for i, cell in enumerate(notebook.cells) if cell.id == name)


def answer_cell(rebuilder: Rebuilder, notebook: NotebookNode) -> NotebookNode:
    made = rebuilder.rebuild(read_cells(notebook, "handed in"))
    return made.cells[place(made, "why-shape")]


def below(notebook: NotebookNode) -> None:
    notebook.cells.append(new_markdown_cell(ANSWER))


def above(notebook: NotebookNode) -> None:
    notebook.cells.insert(place(notebook, "why-shape"), new_markdown_cell(ANSWER))


def instead(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "why-shape")] = new_markdown_cell(ANSWER)


def instead_of_both(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "why-shape-question") :] = [new_markdown_cell(ANSWER)]


def as_raw_text(notebook: NotebookNode) -> None:
    notebook.cells.append(new_raw_cell(ANSWER))


def as_code(notebook: NotebookNode) -> None:
    """Who forgets to make the new cell one of text."""
    notebook.cells.append(new_code_cell(ANSWER))


def as_comments(notebook: NotebookNode) -> None:
    notebook.cells.append(new_code_cell("\n".join(f"# {line}" for line in ANSWER.splitlines())))


def below_a_pointer(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "why-shape")].source = "See below."
    below(notebook)


def in_the_question(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "why-shape-question")].source += f"\n\n{ANSWER}"


def behind_the_question(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "why-shape-question")].source += f" {ANSWER}"


def over_the_question(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "why-shape-question")].source = ANSWER


def without_metadata(notebook: NotebookNode) -> None:
    instead(notebook)
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"anew-{number}"


def in_paragraphs_without_metadata(notebook: NotebookNode) -> None:
    """Another program cut the texts, so the question is known by its pieces only."""
    without_metadata(notebook)
    notebook.cells[0].source = "A title that another program made"
    notebook.cells[-2:-1] = [new_markdown_cell(piece) for piece in QUESTION.split("\n\n")]


def at_the_top(notebook: NotebookNode) -> None:
    notebook.cells.insert(0, new_markdown_cell(ANSWER))


def in_another_text(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "title")].source += f"\n\n{ANSWER}"


def as_a_program(notebook: NotebookNode) -> None:
    notebook.cells.append(new_code_cell("print('Each entry is doubled')\nprint('where it stands')"))


PLACED = [below, above, instead, as_raw_text, as_code, as_comments]
PLACED += [below_a_pointer, in_the_question, behind_the_question, over_the_question]
PLACED += [without_metadata, in_paragraphs_without_metadata]


@pytest.mark.parametrize("put", PLACED, ids=lambda put: put.__name__)
def test_an_answer_beside_its_cell_is_the_answer(
    rebuilder: Rebuilder, put: Callable[[NotebookNode], None]
) -> None:
    """All of it stands where a marker reads it, once, and nbgrader asks for a mark."""
    notebook = blank()
    put(notebook)

    found = answer_cell(rebuilder, notebook)

    for line in ANSWER.splitlines():
        assert found.source.count(line) == 1
    assert STUB not in found.source
    assert "A title" not in found.source
    assert "Is it the answer?" not in found.source
    assert determine_grade(found)[0] is None


@pytest.mark.parametrize("put", [at_the_top, in_another_text, as_a_program, instead_of_both])
def test_what_may_be_the_answer_is_shown_to_a_person(
    rebuilder: Rebuilder, put: Callable[[NotebookNode], None]
) -> None:
    """It is not put anywhere in silence: where it stood is said, and nbgrader asks for a mark."""
    notebook = blank()
    put(notebook)
    where = next(i for i, each in enumerate(notebook.cells, 1) if "Each entry" in each.source)

    found = answer_cell(rebuilder, notebook)

    assert "Each entry is doubled" in found.source
    assert f"cell {where} of the notebook holds this. Is it the answer?" in found.source
    assert determine_grade(found)[0] is None


def copied_question(notebook: NotebookNode) -> None:
    notebook.cells.append(new_markdown_cell(QUESTION.splitlines()[0]))


def blanks(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "why-shape")].source = f"\n{STUB}  \n"
    notebook.cells += [new_markdown_cell(" \n"), new_code_cell("")]


def another_release(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "title")].source = "# Doubling numbers"


@pytest.mark.parametrize("do", [copied_question, blanks, another_release])
def test_no_answer_stays_none(rebuilder: Rebuilder, do: Callable[[NotebookNode], None]) -> None:
    """What is not the student's words is no response, and nobody is asked to mark it."""
    notebook = blank()
    do(notebook)

    assert determine_grade(answer_cell(rebuilder, notebook)) == (0, 1.0)


def test_the_students_own_answer_is_not_touched(rebuilder: Rebuilder) -> None:
    """Where all stands in its cell, notes far away are nobody's business."""
    notebook = blank()
    notebook.cells[place(notebook, "why-shape")].source = ANSWER
    at_the_top(notebook)

    assert answer_cell(rebuilder, notebook).source == ANSWER


def attached(notebook: NotebookNode) -> None:
    cell = notebook.cells[place(notebook, "why-shape")]
    cell.source = "My drawing: ![a sketch](attachment:my%20sketch.png)"
    cell["attachments"] = {"my sketch.png": {"image/png": PNG}}


def attached_below(notebook: NotebookNode) -> None:
    notebook.cells.append(new_markdown_cell("![a sketch](attachment:image.png)"))
    notebook.cells[-1]["attachments"] = {"image.png": {"image/png": PNG}}


def as_data(notebook: NotebookNode) -> None:
    source = f"My drawing: ![a sketch](data:image/png;base64,{PNG})"
    notebook.cells[place(notebook, "why-shape")].source = source


def as_an_element(notebook: NotebookNode) -> None:
    """As Colab writes it."""
    source = f"Look: <img alt='a sketch' width=300 src='data:image/png;base64,{PNG}'> there"
    notebook.cells[place(notebook, "why-shape")].source = source


def by_a_reference(notebook: NotebookNode) -> None:
    """As Google's editor exports it."""
    source = f"![a sketch][image1]\n\n[image1]: <data:image/png;base64,{PNG}>"
    notebook.cells[place(notebook, "why-shape")].source = source


def in_a_file(notebook: NotebookNode) -> None:
    notebook.cells[place(notebook, "why-shape")].source = "![a sketch](./pictures/a%20sketch.png)"


SHOWN = [attached, attached_below, as_data, as_an_element, by_a_reference, in_a_file]
FILES = {"pictures/a sketch.png": base64.b64decode(PNG)}


@pytest.mark.parametrize("put", SHOWN, ids=lambda put: put.__name__)
def test_a_marker_and_the_student_see_every_picture(
    rebuilder: Rebuilder, put: Callable[[NotebookNode], None]
) -> None:
    """In the formgrader's page, by its own template, and on the feedback page."""
    notebook = blank()
    put(notebook)
    made = rebuilder.rebuild(read_cells(notebook, "handed in"))
    attach_files(made, FILES)

    for html in (page(made, {}), formgrader_page(made)):
        (shown,) = BeautifulSoup(html, "html.parser").select("img[alt='a sketch']")
        assert shown["src"] == f"data:image/png;base64,{PNG}"
    assert "img-src data:" in page(made, {})


def formgrader_page(notebook: NotebookNode) -> str:
    """The page on which nbgrader lets a person mark."""
    templates = Path(nbgrader.server_extensions.formgrader.__file__).parent / "templates"
    exporter = HTMLExporter(
        template_name="formgrade", extra_template_basedirs=[str(templates)], sanitize_html=True
    )
    for name, filter_ in (("markdown2html", "rendered"), ("clean_html", "clean_html")):
        exporter.register_filter(name, f"autograder.nbgrader_plugin.{filter_}")
    resources: dict[str, Any] = {"index": 0, "total": 1, "base_url": "", "submission_id": "one"}
    html: str = exporter.from_notebook_node(notebook, resources)[0]
    return html


def test_pictures_of_one_name_stay_two(rebuilder: Rebuilder) -> None:
    """Every program calls a pasted picture image.png."""
    notebook = blank()
    attached_below(notebook)
    attached_below(notebook)
    notebook.cells[-1]["attachments"] = {"image.png": {"image/png": OTHER}}

    found = answer_cell(rebuilder, notebook)
    shown = BeautifulSoup(rendered(found.source, found.attachments), "html.parser").select("img")

    assert [each["src"].split(",")[1] for each in shown] == [PNG, OTHER]


@pytest.mark.parametrize(
    "text",
    [
        "![a sketch](https://example.org/sketch.png)",
        "![a sketch](data:text/html;base64,PHNjcmlwdD4=)",
        "<img src=https://example.org/sketch.png onerror=alert(1)>",
        "<img src='data:image/png;base64,AAAA\" onerror=\"alert(1)'>",
        '<div><img src="attachment:x" onload="alert(1)"></div>',
        "![a](javascript:alert(1))",
    ],
)
def test_what_is_no_picture_at_hand_is_words(text: str) -> None:
    """Nothing is fetched, nothing is run; that there is a picture is said, with its address."""
    shown = rendered(text, {"x": {"text/html": PNG, "image/png": "no base64!"}, "y": "nonsense"})

    assert BeautifulSoup(shown, "html.parser").select("img, script, [onerror], [onload]") == []
    assert "a picture that is not shown" in shown

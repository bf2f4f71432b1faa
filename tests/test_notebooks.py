"""The instructor's notebooks are what the grader and the students rely on."""

from __future__ import annotations

import re
from itertools import pairwise

import matplotlib.pyplot
import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter

from autograder.course.assignment import RUBRIC
from autograder.observe import collecting
from tests import harness

EACH = pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)


def solution_cells(assignment: str) -> dict[str, nbformat.NotebookNode]:
    return {
        harness.grade_id(cell): cell
        for cell in harness.notebook(assignment).cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }


def drawing(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [c for c in notebook.cells if c.cell_type == "code" and re.search(r"\bplt\.", c.source)]


@EACH
def test_headings_go_down_one_step_at_a_time(assignment: str) -> None:
    """Who walks a page by its headings, as screen readers do, finds no level left out."""
    texts = (c.source for c in harness.notebook(assignment).cells if c.cell_type == "markdown")
    levels = [len(h) for text in texts for h in re.findall("^(#+) ", RUBRIC.sub("", text), re.M)]

    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


@EACH
def test_every_definition_has_its_test_cell_right_after(assignment: str) -> None:
    """A solution cell `f` is followed by `test-f` before the next solution cell."""
    order = [
        harness.grade_id(cell)
        for cell in harness.notebook(assignment).cells
        if cell.cell_type == "code"
        and (
            cell.metadata.get("nbgrader", {}).get("solution")
            or harness.grade_id(cell)[:5] == "test-"
        )
    ]

    assert order[1::2] == [f"test-{name}" for name in order[::2]]


@EACH
def test_the_reference_passes_its_own_checks(assignment: str) -> None:
    """Two runs of the reference on one seed agree, so every check can be passed."""
    definitions = harness.solutions(assignment)

    for seed in (1, 2, 3):
        for result in harness.verdicts(assignment, definitions, seed).values():
            assert result.score == result.max_score, result


@EACH
def test_an_unsolved_definition_earns_nothing(assignment: str) -> None:
    """A stub that raises NotImplementedError passes no check of its own test cell."""

    def stub(*arguments: object, **options: object) -> None:
        raise NotImplementedError

    def refuses(*arguments: object, **options: object) -> None:
        raise ValueError(
            "query key value mask lengths num_heads num_kv_heads d_model x offset "
            "head_dim block_size max_len"
        )

    def returns_nothing(*arguments: object, **options: object) -> None:
        return None

    for unsolved in (stub, refuses, returns_nothing):
        definitions = dict.fromkeys(solution_cells(assignment), unsolved)
        for result in harness.verdicts(assignment, definitions).values():
            assert result.score == 0.0, (unsolved.__name__, result)


@EACH
def test_cells_have_names_of_their_own(assignment: str) -> None:
    """Ids are words, unique, and equal to the grade_id where there is one."""
    cells = harness.notebook(assignment).cells
    ids = [cell.id for cell in cells]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in ids)
    assert all(harness.grade_id(cell) in ("", cell.id) for cell in cells)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # matplotlib
@EACH
def test_restart_and_run_all_is_clean_on_the_reference(
    assignment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every cell runs, pictures and visible tests too, without an error or a word on stderr."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: matplotlib.pyplot.close("all"))
    namespace: dict[str, object] = {"__name__": "__main__"}
    for cell in harness.notebook(assignment).cells:
        if cell.cell_type == "code":
            with collecting():
                exec(compile(cell.source, f"<{cell.id}>", "exec"), namespace)

    assert capsys.readouterr().err == ""


@EACH
def test_a_picture_is_told_in_words(assignment: str) -> None:
    """Each cell that draws, and no other, has an alternative text: a sentence or two of its own."""
    notebook = harness.notebook(assignment)
    texts = {cell.id: cell.metadata.alt for cell in notebook.cells if "alt" in cell.metadata}

    assert list(texts) == [cell.id for cell in drawing(notebook)]
    assert texts
    assert len(set(texts.values())) == len(texts)
    for name, text in texts.items():
        assert 80 <= len(text) <= 250, name
        assert re.fullmatch(r"[A-Z].*\.", text), name  # one line, whole sentences


@EACH
def test_a_page_of_the_notebook_says_what_its_pictures_show(assignment: str) -> None:
    """No image without its words, in the template under nbgrader's page for grading by hand.

    In nbconvert's other template, `lab`, and in JupyterLab nothing can be said of a plain picture:
    there the desk shows it as HTML.
    """
    path = harness.ROOT / "release" / assignment / f"{assignment}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    instructors = drawing(harness.notebook(assignment))
    for cell in drawing(notebook):
        cell.outputs = [nbformat.v4.new_output("display_data", data={"image/png": "AAAA"})]

    page, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)

    images = BeautifulSoup(page, "html.parser").find_all("img")
    assert [image.get("alt") for image in images] == [cell.metadata.alt for cell in instructors]

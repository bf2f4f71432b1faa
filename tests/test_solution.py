"""`workbook solution NAME`: a model notebook with all answers and no hidden test."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from typer.testing import CliRunner, Result

from autograder.cli import app
from autograder.course.assignment import is_solution, without_hidden
from autograder.release.release import MARKERS
from tests.harness import ASSIGNMENTS, ROOT, definition_source, grade_id, notebook
from workbook.studying import solution

FIRST = ASSIGNMENTS[0]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which nothing is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str) -> Result:
    return CliRunner().invoke(app, ["solution", *words])


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_all_answers_and_no_hidden_line_are_in_it(name: str, here: Path) -> None:
    result = called(name)
    written = nbformat.read(here / f"{name}-solution.ipynb", as_version=4)
    nbformat.validate(written)
    by_id = {grade_id(cell): cell for cell in written.cells if grade_id(cell)}
    text = "\n".join(cell.source for cell in written.cells)
    shown = {line.strip() for line in text.splitlines()}

    assert result.exit_code == 0
    assert "the model solution of" in result.output
    assert not any(marker in text for marker in (*MARKERS, "END SOLUTION"))
    for cell in notebook(name).cells:
        visible = {line.strip() for line in without_hidden(cell.source).splitlines()}
        hidden = {line.strip() for line in cell.source.splitlines()} - visible - {""}
        assert not {line for line in hidden if "observe(" in line} & shown
        if is_solution(cell) and cell.cell_type == "markdown":
            assert by_id[grade_id(cell)].source == cell.source.strip()
        elif is_solution(cell):
            own = definition_source(name, grade_id(cell))
            assert own in by_id[grade_id(cell)].source


def test_it_runs_from_the_top_and_gets_full_marks(here: Path) -> None:
    assert called(FIRST, "--to", "model.ipynb").exit_code == 0
    ran = nbformat.read(here / "model.ipynb", as_version=4)
    NotebookClient(ran, timeout=300, resources={"metadata": {"path": str(here)}}).execute()

    for name in ("source", "solutions"):
        shutil.copytree(ROOT / name, here / name)
    shutil.copy(ROOT / "nbgrader_config.py", here)
    graded = CliRunner().invoke(app, ["grade", "model.ipynb", "--json", "result.json"])
    assert graded.exit_code == 0, graded.output
    (result,) = json.loads((here / "result.json").read_text())
    assert result["assignment"] == FIRST
    assert result["score"] == result["max_score"] > 0


@pytest.mark.parametrize(
    ("name", "words"),
    [("02-casual-masking", "did you mean 02-causal-masking?"), ("xyz", "there is no 'xyz'; there")],
)
def test_another_name_is_answered_with_those_there_are(name: str, words: str, here: Path) -> None:
    result = called(name)

    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_a_file_that_is_there_stays(here: Path) -> None:
    (here / f"{FIRST}-solution.ipynb").write_text("mine")

    assert "is there already" in called(FIRST).output
    assert (here / f"{FIRST}-solution.ipynb").read_text() == "mine"


def test_without_a_checkout_one_sentence_says_where_solutions_are(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a wheel is installed there is no `source/` above the package."""
    monkeypatch.setattr(solution, "CHECKOUT", here / "site-packages")

    result = called(FIRST)

    assert result.exit_code == 2
    said = " ".join(result.output.split())
    assert "no solution is in what is installed" in said
    assert f"ask who has one for the file that it writes there, {FIRST}-solution.ipynb" in said
    assert list(here.iterdir()) == []

"""A released notebook opened where the package is not: Colab, Kaggle, VS Code, anybody's Python."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import nbformat
import pytest

from tests import anew, elsewhere
from tests.harness import ASSIGNMENTS, ROOT
from tests.student_work import released, solved
from workbook.material import text

START = "00-start-here"
STUB = "NotImplementedError: this step is still to do: write it where this line stands"
OF_THE_DESK = re.compile(
    r"(check|hint|trace|show_attention|installation|paths|plan)\(|= progress\("
)
Cells = dict[str, list[list[str]]]


FEW = anew.a_few_now()
EACH = pytest.mark.parametrize("name", FEW)


@pytest.fixture(scope="module")
def cells(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cells:
    """What each notebook did there, as released (by name) and solved (`name, solved`)."""
    folder = tmp_path_factory.mktemp("elsewhere")
    asked = {str(item.name) for item in request.session.items if item.path == request.path}
    names = [name for name in ASSIGNMENTS if any(f"[{name}]" in each for each in asked)]
    paths = {name: ROOT / "release" / name / f"{name}.ipynb" for name in names}
    paths[START] = ROOT / "release" / f"{START}.ipynb"
    for name in names:
        paths[f"{name}, solved"] = folder / f"{name}.ipynb"
        paths[f"{name}, solved"].write_text(json.dumps(solved(name)), encoding="utf-8")
    command = [sys.executable, elsewhere.__file__, *map(str, paths.values())]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return {name: found[str(path)] for name, path in paths.items()}


def of_the_desk(name: str) -> set[str]:
    """The cells that call what comes with the package."""
    path = next((ROOT / "release").rglob(f"{name}.ipynb"))
    return {
        cell.id
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code" and OF_THE_DESK.search(cell.source)
    }


@pytest.mark.parametrize("name", [*FEW, START])
def test_it_says_in_a_sentence_how_to_get_the_package(name: str, cells: Cells) -> None:
    """Each cell that needs it says so, and none of them fails."""
    calling = of_the_desk(name)
    said = {cell: (printed, error) for cell, printed, error in cells[name] if cell in calling}

    assert len(said) >= 2
    assert {error for _, error in said.values()} == {""}
    (sentence,) = {printed for printed, _ in said.values()}
    assert "run %pip install transformer_workbook-*.whl" in sentence
    assert sentence.count("\n") == 1
    assert sentence.endswith(".\n")


@EACH
def test_the_rest_of_a_solved_notebook_runs(name: str, cells: Cells) -> None:
    assert [(cell, error) for cell, _, error in cells[f"{name}, solved"] if error] == []


@EACH
def test_an_untouched_one_stops_only_where_a_step_is_to_do(name: str, cells: Cells) -> None:
    """A test cell says the stub's sentence, and what needs none of the steps runs."""
    errors = {cell: error for cell, _, error in cells[name] if error}
    sources = {cell["id"]: text(cell) for cell in released(name)["cells"]}
    tests = {cell for cell in sources if cell.startswith("test-")}

    assert {error for cell, error in errors.items() if cell in tests} == {STUB}
    assert tests <= set(errors)
    stopped = ""
    for cell, error in errors.items():
        missing = re.fullmatch("NameError: name '(.+)' is not defined", error)
        # A picture may need what an earlier one, which stopped at a step, was to make.
        assert error == STUB or (missing and re.search(rf"\b{missing[1]}\b", stopped)), error
        stopped += sources[cell]

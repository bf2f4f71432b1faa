"""The desk of another course: its students have its notebooks, by a wheel or by a folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course.released import MATERIAL
from autograder.submission.recognise import closest
from tests import mini
from tests.harness import PYTHON_PATH, ROOT
from tests.student_work import Notebook, cell_of, released, saved

LOOKS_AT = ("autograder/course", "autograder/release", "docs/students-desk.md", "workbook")

PAGE = (ROOT / "docs" / "students-desk.md").read_text(encoding="utf-8")
EXAMPLES = """
[example.double.three]
code = "double(torch.tensor(3.0))"
hint = "What is three and three?"

[example.first_row."two rows"]
code = "first_row(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))"
hint = "Which of the numbers stand beside each other?"
"""
DOUBLE = "def double(x):\n    return 3 * x"
FIRST_ROW = "def first_row(x):\n    if not len(x):\n        raise ValueError\n    return x[0]"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that has run `workbook release`, with the page's `pyproject.toml`."""
    folder = mini.make_course(tmp_path_factory.mktemp("elsewhere"))
    (folder / "solutions" / "mini.examples.toml").write_text(EXAMPLES)
    ran(["workbook", "release"], folder)
    proof = folder / "release" / "proofs" / f"{mini.NAME}.json"  # as `workbook prove` leaves one
    proof.parent.mkdir()
    proof.write_text("{}")
    # Its authors may keep what is made out of git.
    (folder / ".gitignore").write_text("release/\n")
    (project,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    assert tomllib.loads(project)
    (folder / "pyproject.toml").write_text(project)
    return folder


def ran(command: list[str], folder: Path, status: int = 0, **environment: str) -> str:
    module = {"workbook": "autograder.cli", "python": ""}[command[0]]
    start = [sys.executable, *(["-m", module] if module else [])]
    path = os.pathsep.join([PYTHON_PATH, environment.pop("PYTHONPATH", "")])
    done = subprocess.run(
        [*start, *command[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module", params=["wheel", pytest.param("folder", marks=pytest.mark.release)])
def way(request: pytest.FixtureRequest, course: Path) -> dict[str, str]:
    """The variables of a student's machine, to which the course came by a wheel or a folder."""
    if request.param == "folder":
        return {MATERIAL: str(course / "release")}
    # With the builder that is here: pip would fetch one.
    build = ["--quiet", "--no-deps", "--no-build-isolation", "."]
    ran(["python", "-m", "pip", "wheel", *build], course)
    (wheel,) = course.glob("*.whl")
    assert f"install transformer_workbook-*.whl {wheel.name}\n" in PAGE
    place = course.parent / "site"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(place), str(wheel)]
    ran(["python", *install], course)
    names = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert f"my_course_notebooks/desk/{mini.NAME}.json" in names
    assert not any(part in name for name in names for part in ("source", "solutions", "proofs"))
    return {"PYTHONPATH": str(place)}


@pytest.mark.settled
def test_its_students_start_are_answered_and_check(way: dict[str, str], tmp_path: Path) -> None:
    """From a folder with nothing in it to a notebook in which all passed."""
    file = tmp_path / "work" / mini.NAME / f"{mini.NAME}.ipynb"
    put = ran(["workbook", "start", "work", "--no-lab"], tmp_path, **way)
    assert "Put 1 notebook into work: 01-mini" in put

    notebook = nbformat.read(file, as_version=4)
    by_id = {cell.id: cell for cell in notebook.cells}
    by_id["double"].source, by_id["first_row"].source = DOUBLE, FIRST_ROW
    nbformat.write(notebook, file)
    calls = f"import torch\nfrom workbook import check, hint, paths, plan\n{DOUBLE}\n"
    calls += "print(check('double'))\nprint(hint('double'))\nprint(paths())\nprint(plan('all', 1))"
    answer = ran(["python", "-c", calls], file.parent, **way)
    assert "Likely cause: The number is tripled." in answer
    assert "What is three and three?" in answer
    assert "Doubling" in answer
    checked = ran(["workbook", "check", file.name], file.parent, 1, **way)
    assert "failed double twice three is six" in checked
    assert "passed first_row" in checked
    progress = ran(["workbook", "progress", "work"], tmp_path, **way)
    assert "Progress: 1 of 3 steps done" in progress
    assert "about 0 min" not in progress

    by_id["double"].source = "def double(x):\n    return 2 * x"
    nbformat.write(notebook, file)
    assert "All 2 passed" in ran(["workbook", "check", file.name], file.parent, **way)


OTHER = ["softmax", "test-softmax", "rms_norm", "test-rms_norm", "swiglu", "test-swiglu"]


def test_a_notebook_of_another_course_is_said_to_be_unknown(tmp_path: Path) -> None:
    """A cell that every notebook has decides nothing, and neither does one name that is shared."""
    notebook = released("01-scaled-dot-product-attention")
    renamed: Notebook = {**notebook, "cells": [cell_of(notebook, "imports")]}
    for name in OTHER:
        cell = json.loads(json.dumps(cell_of(notebook, "softmax")))
        cell["id"] = cell["metadata"]["nbgrader"]["grade_id"] = name
        renamed["cells"].append(cell)
    for cells in (renamed["cells"], renamed["cells"][:1]):
        file = saved({**renamed, "cells": cells}, tmp_path, "own")

        result = CliRunner().invoke(app, ["check", str(file)])

        assert result.exit_code == 2
        assert "own.ipynb is none of the notebooks that can be checked here" in result.output
        assert "Traceback" not in result.output


def test_what_is_shared_least_decides() -> None:
    known = {"01-a": {"f", "test-f"}, "02-b": {"f", "test-f", "g", "test-g"}}

    assert closest(["imports", "f", "test-f"], known) == "01-a"
    assert closest(["imports", "f", "test-f"], known, "02-b (1).ipynb") == "02-b"
    assert closest(["imports", "f", "g"], known) == "02-b"
    assert closest(["imports"], known) is None
    assert closest([None], known, "01-a.ipynb", ["g"]) == "02-b"
    assert closest(["f", "h", "test-h"], known) is None


def test_two_installed_courses_are_not_chosen_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        about = tmp_path / f"{name}-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (about / "entry_points.txt").write_text(f"[workbook.release]\n{name} = {name}_notebooks\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv(MATERIAL, raising=False)

    result = CliRunner().invoke(app, ["start", "--no-lab", str(tmp_path / "work")])

    assert result.exit_code == 2
    assert "more than one course is installed (one in " in result.output
    assert "set WORKBOOK_RELEASE" in result.output

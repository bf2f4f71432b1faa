"""`pytest --nbval` is green on the executed source notebooks, and the release has their outputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.course.assignment import Assignment
from autograder.course.released import INLINE
from autograder.release.worked_outputs import comparable, executed
from tests.harness import ASSIGNMENTS, ROOT, SOURCE
from workbook.material import answers


def run(name: str) -> nbformat.NotebookNode:
    """The source notebook, executed from the top."""
    return executed(Assignment(name, SOURCE / name / f"{name}.ipynb"))


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_release_has_the_outputs_of_today(name: str) -> None:
    """Run `workbook release` after every change of a source notebook."""
    assert comparable(run(name)) == answers(name)["outputs"]


@pytest.mark.parametrize(
    "name",
    # `workbook check` runs all of them by nbval in every test run: see `test_self_check`.
    [ASSIGNMENTS[0], *(pytest.param(n, marks=pytest.mark.release) for n in ASSIGNMENTS[1:])],
)
def test_an_executed_reference_notebook_is_green_with_nbval(name: str, tmp_path: Path) -> None:
    """A second run gives every output again; without the hidden tests, the same worked outputs."""
    path = tmp_path / f"{name}.ipynb"
    nbformat.write(run(name), path)
    options = ["-q", "--nbval", "--nbval-current-env", "--nbval-cell-timeout", "300"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-p", "nbval.plugin", path.name],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(ROOT),
            "MPLBACKEND": INLINE,
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout

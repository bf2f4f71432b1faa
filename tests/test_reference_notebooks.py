"""`pytest --nbval` is green on the executed source notebooks, and the release has their outputs."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.course.assignment import Assignment
from autograder.course.released import INLINE
from autograder.release.worked_outputs import comparable, executed
from tests.harness import ASSIGNMENTS, PYTHON_PATH, SOURCE
from workbook.material import answers


@functools.cache
def run(name: str) -> nbformat.NotebookNode:
    """The source notebook, executed from the top."""
    return executed(Assignment(name, SOURCE / name / f"{name}.ipynb"))


# What the book's cells print is compared without a kernel, for every notebook, by
# `test_worked_outputs`; and in one, for what only a kernel shows.
IN_KERNELS = [
    ASSIGNMENTS[0],
    *(pytest.param(name, marks=pytest.mark.release) for name in ASSIGNMENTS[1:]),
]


@pytest.mark.parametrize("name", IN_KERNELS)
def test_the_release_has_the_outputs_of_today(name: str) -> None:
    """Run `workbook release` after every change of a source notebook."""
    assert comparable(run(name)) == answers(name)["outputs"]


@pytest.mark.parametrize("name", IN_KERNELS)
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
            "PYTHONPATH": PYTHON_PATH,
            "MPLBACKEND": INLINE,
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout

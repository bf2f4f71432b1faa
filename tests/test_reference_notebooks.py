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


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_an_executed_reference_notebook_is_green_with_nbval(name: str, tmp_path: Path) -> None:
    """A second run gives every output again; without the hidden tests, the same worked outputs.

    Run `workbook release` after every change of a source notebook.
    """
    notebook = executed(Assignment(name, SOURCE / name / f"{name}.ipynb"))

    assert comparable(notebook) == answers(name)["outputs"]
    path = tmp_path / f"{name}.ipynb"
    nbformat.write(notebook, path)
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

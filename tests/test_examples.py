"""The example submissions end as their stories say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples import make
from tests.harness import ROOT

pytestmark = pytest.mark.xdist_group("examples")  # one grading for all of them


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """All examples graded in one run, by student and assignment."""
    root = tmp_path_factory.mktemp("examples")
    for folder in ("source", "solutions"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copytree(ROOT / "examples" / "submitted", root / "submitted")
    command = [sys.executable, "-m", "autograder.cli", "grade", "--json", "out.json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr  # some need attention
    results = json.loads((root / "out.json").read_text())
    return {(result["student"], result["assignment"]): result for result in results}


@pytest.mark.parametrize(
    "example", make.EXAMPLES, ids=lambda example: f"{example.student}-{example.assignment}"
)
def test_an_example_ends_as_its_story_says(
    example: make.Example, graded: dict[tuple[str, str], dict[str, Any]]
) -> None:
    """State, reason and the test cells that lose points are those of the table."""
    result = graded[example.student, example.assignment]
    lost = [name for name, t in result["tests"].items() if t["score"] < t["max_score"]]

    assert result["status"] == example.status
    assert example.reason in (result["reason"] or "")
    if example.loses == ("all",):
        assert not result["score"]
    else:
        assert lost == list(example.loses)


def test_the_files_are_what_the_table_gives(tmp_path: Path) -> None:
    """Run `python examples/make.py` after a change of notebooks or examples."""
    make.write(tmp_path / "submitted")
    kept = ROOT / "examples" / "submitted"

    fresh = {p.relative_to(tmp_path / "submitted") for p in tmp_path.rglob("*.ipynb")}
    assert {path.relative_to(kept) for path in kept.rglob("*.ipynb")} == fresh
    for path in fresh:
        assert (kept / path).read_text() == (tmp_path / "submitted" / path).read_text(), path

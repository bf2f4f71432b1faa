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
from tests import anew
from tests.harness import ASSIGNMENTS, ROOT


def graded(folder: Path, *names: str) -> dict[tuple[str, str], dict[str, Any]]:
    """All examples, or those of some assignments, graded in one run, by student and assignment."""
    for part in ("source", "solutions"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "examples" / "submitted", folder / "submitted")
    command = [sys.executable, "-m", "autograder.cli", "grade", *names, "--json", "out.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr  # some need attention
    results = json.loads((folder / "out.json").read_text())
    return {(result["student"], result["assignment"]): result for result in results}


def outcome(result: dict[str, Any]) -> tuple[str, list[str]]:
    """The state, and the test cells that lost points (`all` where no point was earned)."""
    tests = result["tests"]
    lost = [name for name, test in tests.items() if test["score"] < test["max_score"]]
    return result["status"], lost if result["score"] else ["all"]


FEW = sorted(anew.a_few(one_more=False))


@pytest.mark.parametrize(
    "names", [FEW, pytest.param([], marks=pytest.mark.release)], ids=["few", "all"]
)
def test_every_example_ends_as_its_story_says(names: list[str], tmp_path: Path) -> None:
    """State and lost test cells are those of the table, and the reason is the documented one."""
    examples = [each for each in make.EXAMPLES if not names or each.assignment in names]
    results = graded(tmp_path, *names)

    told = {(e.student, e.assignment): (e.status, list(e.loses)) for e in examples}
    assert {key: outcome(result) for key, result in results.items()} == told
    for example in examples:
        reason = results[example.student, example.assignment]["reason"]
        assert example.reason in (reason or "")


def test_somebody_solved_every_notebook() -> None:
    """A notebook that is added has an example of full marks, and nobody has to think of it."""
    solved = [each.assignment for each in make.EXAMPLES if each.story == "solved everything"]

    assert solved == ASSIGNMENTS


def test_the_files_are_what_the_table_gives(tmp_path: Path) -> None:
    """Run `python examples/make.py` after a change of notebooks or examples."""
    make.write(tmp_path / "submitted")
    kept = ROOT / "examples" / "submitted"

    fresh = {p.relative_to(tmp_path / "submitted") for p in tmp_path.rglob("*.ipynb")}
    assert {path.relative_to(kept) for path in kept.rglob("*.ipynb")} == fresh
    for path in fresh:
        assert (kept / path).read_text() == (tmp_path / "submitted" / path).read_text(), path

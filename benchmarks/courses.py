"""The two course folders, and the two commands in an environment that leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from autograder.course.assignment import without_hidden
from benchmarks.measure import CommandFailed, Measured, run
from benchmarks.submissions import MadeWork, hand_in, without_demos
from examples.make import ROOT, source

RESULTS = "results.json"
# As plain as can be: the course's name, and how our source notebooks are to be released.
STOCK_CONFIG = """c = get_config()
c.CourseDirectory.course_id = "stock"
c.ClearMarkScheme.enforce_metadata = False
"""


def environment(scratch: Path) -> dict[str, str]:
    """This environment with the user's configuration and caches replaced by empty folders."""
    env = dict(os.environ)
    # nbgrader calls alembic by name.
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}"
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "XDG_CACHE_HOME"):
        folder = scratch / "env" / name.lower()
        folder.mkdir(parents=True, exist_ok=True)
        env[name] = str(folder)
    env["JUPYTER_PLATFORM_DIRS"] = "1"
    # Measure this checkout, whichever is installed.
    env["PYTHONPATH"] = str(ROOT)
    return env


class Workbook:
    """A course below `scratch`, as this repository's are."""

    def __init__(self, scratch: Path, works: Sequence[MadeWork] = ()) -> None:
        self.folder = scratch / "course"
        for name in ("source", "solutions", "release/proofs"):
            shutil.copytree(
                ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(ROOT / "nbgrader_config.py", self.folder)
        hand_in(works, self.folder)
        self._env = environment(scratch)

    def grade(self, *arguments: str) -> Measured:
        """Run `workbook grade`."""
        return self.command("grade", *arguments)

    def command(self, *arguments: str) -> Measured:
        """Run `workbook` with these arguments."""
        command = [sys.executable, "-m", "autograder.cli", *arguments]
        return run(command, self.folder, self._env)

    def python(self, code: str) -> Measured:
        """Run a line of Python in the same environment."""
        return run([sys.executable, "-c", code], self.folder, self._env)

    def first_grade(self) -> Measured:
        """Grade everything for the first time and keep the results.

        Raises: CommandFailed, which names each submission that needs attention and says why.
        """
        try:
            return self.grade("--json", RESULTS)
        except CommandFailed as error:
            # The end of a long table need not have the lines that matter.
            if not (troubled := self._troubled()):
                raise
            said = "\n".join(["workbook grade did not grade all submissions:", *troubled])
            raise CommandFailed(said) from error

    def scores(self) -> dict[tuple[str, str, str], float]:
        """The points by student, assignment and test cell, of the first grading."""
        return {
            (result["student"], result["assignment"], test): cell["score"]
            for result in self._results()
            for test, cell in result["tests"].items()
        }

    def _troubled(self) -> list[str]:
        return [
            f"{result['file']}: {result['reason']}"
            for result in self._results()
            if result["reason"] is not None
        ]

    def _results(self) -> list[dict[str, Any]]:
        """What the first grading wrote; nothing where it did not come so far."""
        path = self.folder / RESULTS
        return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


class Stock:
    """A course below `scratch` that a plain nbgrader can judge.

    A hidden region here observes and does not judge, so it is left out of the source notebooks and
    the visible assertions are the tests. That is less to run than a region of hidden tests.
    """

    def __init__(self, scratch: Path, works: Sequence[MadeWork]) -> None:
        self.folder = scratch / "stock"
        self._env = environment(scratch)
        self._assignments = list(dict.fromkeys(work.assignment for work in works))
        hand_in(works, self.folder)
        (self.folder / "nbgrader_config.py").write_text(STOCK_CONFIG)
        for assignment in self._assignments:
            notebook = without_demos(source(assignment))
            for cell in notebook.cells:
                cell.source = without_hidden(cell.source)
            path = self.folder / "source" / assignment / f"{assignment}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(notebook, path)
            self._nbgrader("generate_assignment", assignment)

    def autograde(self) -> list[Measured]:
        """Run `nbgrader autograde`, which takes one assignment at a time."""
        return [self._nbgrader("autograde", assignment) for assignment in self._assignments]

    def _nbgrader(self, *arguments: str) -> Measured:
        return run([sys.executable, "-m", "nbgrader", *arguments], self.folder, self._env)

    def scores(self) -> dict[tuple[str, str, str], float | None]:
        """The points by student, assignment and test cell, from the gradebook."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder}/gradebook.db") as gradebook:
            return {
                (submission.student.id, assignment, grade.cell.name): grade.auto_score
                for assignment in self._assignments
                for submission in gradebook.assignment_submissions(assignment)
                for notebook in submission.notebooks
                for grade in notebook.grades
                if grade.cell.cell_type == "code"
            }

"""An assignment as the instructor wrote it: cells by grade_id, stubs, points, the reference."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.errors import CourseError

if TYPE_CHECKING:
    from nbformat import NotebookNode

DEMO = "demo"  # cells that show something; grading does not run them
HIDDEN, RUBRIC = (
    re.compile(rf"^[^\n]*BEGIN {region}.*?END {region}[^\n]*\n?", re.S | re.M)
    for region in ("HIDDEN TESTS", "MARK SCHEME")
)


def nbgrader_of(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """The cell's nbgrader metadata, empty where there is none (or nonsense)."""
    metadata = cell.get("metadata")
    found = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def grade_id_of(cell: Mapping[str, Any]) -> str | None:
    """The cell's grade_id, if it has one."""
    found = nbgrader_of(cell).get("grade_id")
    return found if isinstance(found, str) and found else None


def is_solution(cell: Mapping[str, Any]) -> bool:
    """Whether the student writes this cell (code or a written answer)."""
    return bool(nbgrader_of(cell).get("solution"))


def is_test(cell: Mapping[str, Any]) -> bool:
    """Whether this is a test cell, which the judge gives points for."""
    flags = nbgrader_of(cell)
    return cell["cell_type"] == "code" and bool(flags.get("grade")) and not flags.get("solution")


def graded_ids(cells: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The grade_ids of cells that the student writes or that give points, not of given ones."""
    graded = (cell for cell in cells if is_solution(cell) or nbgrader_of(cell).get("grade"))
    return frozenset(name for cell in graded if (name := grade_id_of(cell)))


def error_type(cell: NotebookNode) -> str | None:
    """The type of the exception that ended a cell, as far as it is a plain name."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            name = str(output.get("ename"))
            return name if re.fullmatch(r"\w{1,60}", name) else "Exception"
    return None


def without_hidden(source: str) -> str:
    """The part of a test cell that students see."""
    return HIDDEN.sub("", source)


def hidden_code(source: str) -> str:
    """What students do not see of a test cell."""
    return "".join(HIDDEN.findall(source))


def as_hidden(source: str) -> str:
    """A test cell of which students see nothing."""
    return f"### BEGIN HIDDEN TESTS\n{source}\n### END HIDDEN TESTS\n"


def hidden_lines(cell: Mapping[str, Any]) -> list[tuple[int, int]]:
    """From which line to which, counted from 1, a cell holds what students do not see."""
    source = cell["source"]
    return [
        (source.count("\n", 0, each.start()) + 1, source[: each.end()].rstrip().count("\n") + 1)
        for each in HIDDEN.finditer(source)
    ]


def headings(cells: Iterable[NotebookNode]) -> dict[str, str]:
    """The heading that each cell stands under, by the cells' ids; empty above the first."""
    headings, current = {}, ""
    for cell in cells:
        if cell.cell_type == "markdown":
            text = RUBRIC.sub("", cell.source)
            lines = [line for line in text.splitlines() if line.startswith("#")]
            current = lines[0].lstrip("# ") if lines else current
        headings[cell.get("id", "")] = current
    return headings


@dataclass(frozen=True)
class Assignment:
    """The instructor's notebook of one assignment, and where it lies."""

    name: str
    path: Path

    @cached_property
    def notebook(self) -> NotebookNode:
        """The notebook of `source/`.

        Raises: CourseError, when it is not there or not a notebook.
        """
        import nbformat  # late, as it takes long

        try:
            notebook: NotebookNode = nbformat.read(self.path, as_version=4)
        except FileNotFoundError as error:
            raise CourseError(
                f"{self.path} is not there: an assignment NAME is the notebook "
                "source/NAME/NAME.ipynb"
            ) from error
        except Exception as error:
            raise CourseError(f"{self.path} is not a notebook: {error}") from error
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        return notebook

    @property
    def tests(self) -> dict[str, NotebookNode]:
        """The test cells by grade_id, in order."""
        return {nbgrader_of(c)["grade_id"]: c for c in self.notebook.cells if is_test(c)}

    @cached_property
    def graded_ids(self) -> frozenset[str]:
        """The grade_ids of what is written or tested; by these a loose file is recognised."""
        return graded_ids(self.notebook.cells)

    @property
    def max_score(self) -> float:
        """The points of the test cells together; written answers are marked by people."""
        return float(sum(nbgrader_of(cell)["points"] for cell in self.tests.values()))

    def forbidden(self, test: NotebookNode) -> list[str]:
        """Parts of the names of torch functions that a definition must not call."""
        return forbidden(self.notebook, test)

    @property
    def module(self) -> str:
        """The module of `solutions/`: `02-some-name` is `solutions.some_name`."""
        return "solutions." + re.sub(r"^\d+-", "", self.name).replace("-", "_")

    def reference(self) -> NotebookNode:
        """The notebook with every solution cell replaced by an import of its namesake."""
        notebook = copy.deepcopy(self.notebook)
        for cell in notebook.cells:
            if cell.cell_type == "code" and is_solution(cell):
                cell.source = f"from {self.module} import {grade_id_of(cell)}"
        return notebook


def forbidden(notebook: NotebookNode, test: NotebookNode) -> list[str]:
    """Parts of the names of torch functions that the definition of a test cell must not call."""
    of_both = (notebook.metadata, test.metadata)
    return [part for each in of_both for part in each.get("workbook", {}).get("forbidden", [])]


def noted(notebook: NotebookNode) -> list[str]:
    """Parts of the names of all torch functions that some definition must not call."""
    tests = [cell for cell in notebook.cells if is_test(cell)]
    return sorted({part for test in tests for part in forbidden(notebook, test)})


def stub(cell: NotebookNode, config: Any) -> str:
    """A solution cell's text as the student gets it, made by nbgrader's own preprocessor."""
    from nbgrader.preprocessors import ClearMarkScheme, ClearSolutions

    cell = copy.deepcopy(cell)
    cell, _ = ClearSolutions(config=config).preprocess_cell(cell, {"language": "python"}, 0)
    cell, _ = ClearMarkScheme(config=config).preprocess_cell(cell, {}, 0)
    return str(cell.source)

"""All that an author wrote of one assignment: notebook, reference, wrong and right versions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

from autograder.course.assignment import DEMO, Assignment, grade_id_of, is_solution, is_test
from autograder.course.catalogue import Catalogue
from autograder.course.course import Course
from autograder.course.public_examples import EXAMPLES
from autograder.errors import CourseError
from autograder.reading.names import uses
from autograder.reference.package import checked_catalogue, package_of

STYLES = "styles"
ORACLE = "oracle"  # a style of this name stands on what a student may not call


@dataclass(frozen=True)
class Authored:
    """The files of one assignment, as text.

    `module` is the source of the reference, `examples` the TOML of the public examples, and
    `styles` are right versions, each run over what the notebook provides and the reference.
    """

    course: Course
    assignment: Assignment
    module: str
    catalogue: Catalogue
    examples: str
    styles: Mapping[str, str]

    @property
    def name(self) -> str:
        """The assignment's name."""
        return self.assignment.name

    @property
    def own_styles(self) -> dict[str, str]:
        """The styles that a student could have written: none of them an oracle."""
        return {name: s for name, s in self.styles.items() if not name.startswith(ORACLE)}

    @cached_property
    def uses(self) -> dict[str, frozenset[str]]:
        """By definition, of the reference and of what the notebook provides, all that it uses."""
        return uses([self.module, *self.provided])

    @cached_property
    def solution_cells(self) -> dict[str, NotebookNode]:
        """The cells in which a definition is written, by its name, in order."""
        return {
            str(grade_id_of(cell)): cell
            for cell in self.assignment.notebook.cells
            if cell.cell_type == "code" and is_solution(cell)
        }

    @cached_property
    def provided(self) -> list[str]:
        """The sources of the cells that solutions may stand on, such as imports."""
        return [
            cell.source
            for cell in self.assignment.notebook.cells
            if cell.cell_type == "code"
            and not is_solution(cell)
            and not is_test(cell)
            and DEMO not in cell.metadata.get("tags", [])
        ]

    @cached_property
    def forbidden(self) -> dict[str, list[str]]:
        """By test cell, parts of the names of library functions that must not run."""
        return {name: self.assignment.forbidden(c) for name, c in self.assignment.tests.items()}

    def definition(self, name: str) -> str:
        """The source of one definition of the reference; empty where it has none of this name."""
        for node in ast.parse(self.module).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                return "\n".join(self.module.splitlines()[node.lineno - 1 : node.end_lineno])
        return ""


def read_authored(course: Course, assignment: Assignment) -> Authored:
    """Read what belongs to an assignment of a course.

    The course's `solutions` can be imported afterwards, and no other course's.

    Raises: CourseError, naming the file that is missing or cannot be used.
    """
    module = module_path(course, assignment)
    if not module.is_file():
        raise CourseError(
            f"{module} is not there: it holds the solution cells of {assignment.name} as a module"
        )
    make_importable(course.root)
    catalogue = checked_catalogue(assignment, package_of(course, assignment))
    examples = module.with_name(module.stem + EXAMPLES)
    styles = sorted((course.solutions / STYLES / module.stem).glob("*.py"))
    return Authored(
        course,
        assignment,
        module.read_text(encoding="utf-8"),
        catalogue,
        examples.read_text(encoding="utf-8") if examples.is_file() else "",
        {path.stem: path.read_text(encoding="utf-8") for path in styles},
    )


def module_path(course: Course, assignment: Assignment) -> Path:
    """The file of the reference."""
    return course.solutions / f"{assignment.module.removeprefix('solutions.')}.py"


def make_importable(root: Path) -> None:
    """Have `solutions` stand for that of the course in `root`, whichever was imported before."""
    loaded = sys.modules.get("solutions")
    if loaded is not None and str(root / "solutions") not in list(loaded.__path__):
        for name in [each for each in sys.modules if each.split(".")[0] == "solutions"]:
            del sys.modules[name]
    if sys.path[:1] != [str(root)]:
        sys.path.insert(0, str(root))

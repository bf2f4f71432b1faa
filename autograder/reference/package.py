"""The part of `solutions/` that the reference of one assignment stands on."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from autograder.course.assignment import Assignment
from autograder.course.catalogue import Catalogue, read_catalogue
from autograder.course.course import Course
from autograder.course.public_examples import EXAMPLES
from autograder.course.telling import read_telling
from autograder.course.tried import Failing, path_of, read_tried
from autograder.errors import CourseError

PREFIX = "solutions"


@dataclass(frozen=True)
class Package:
    """The module of one assignment with all that it imports, and its table of wrong versions.

    `modules` are by their paths in `solutions/`; `table` is the text of the table, empty where
    there is none, `examples` that of the public examples, and `tried` what its proof says of the
    wrong versions.
    """

    modules: Mapping[str, bytes]
    table: bytes = b""
    examples: bytes = b""
    tried: Failing = field(default_factory=dict)


def package_of(course: Course, assignment: Assignment) -> Package:
    """Read what the reference of an assignment needs, and nothing that only others need.

    Raises: OSError, when a file that is there cannot be read.
    """
    modules: dict[str, bytes] = {}
    names = [_module(assignment)]
    while names:
        for path in _files(course.solutions, names.pop()):
            if path not in modules:
                modules[path] = (course.solutions / path).read_bytes()
                names += _imports(path, modules[path])
    table, examples = (
        path.read_bytes() if path.is_file() else b""
        for end in (".toml", EXAMPLES)
        for path in [course.solutions / f"{_module(assignment)}{end}"]
    )
    return Package(
        {path: modules[path] for path in sorted(modules)},
        table,
        examples,
        read_tried(path_of(course, assignment.name)),
    )


def catalogue_of(assignment: Assignment, package: Package) -> Catalogue:
    """The catalogue beside the assignment's module; an empty one where there is none.

    Raises: CourseError, when it cannot be used.
    """
    return _catalogue(assignment, package, assignment.notebook.cells)


def checked_catalogue(assignment: Assignment, package: Package) -> Catalogue:
    """The catalogue, in which each wrong version is Python and defines what it is one of.

    Raises: CourseError, when it cannot be used.
    """
    catalogue = catalogue_of(assignment, package)
    with _of(f"solutions/{_module(assignment)}.toml"):
        catalogue.check_code()
    return catalogue


def _catalogue(
    assignment: Assignment, package: Package, cells: Sequence[Mapping[str, Any]]
) -> Catalogue:
    file = _module(assignment)
    module = package.modules.get(f"{file}.py", b"").decode()
    with _of(f"solutions/{file}{EXAMPLES}"):
        telling = read_telling(package.examples.decode(), cells)
    with _of(f"solutions/{file}.toml"):
        return replace(read_catalogue(package.table.decode(), module, cells), telling=telling)


@contextmanager
def _of(file: str) -> Iterator[None]:
    """Say in which file it is what cannot be used."""
    try:
        yield
    except (CourseError, ValueError) as error:
        raise CourseError(f"{file} cannot be used: {error}") from error


def without_words(assignment: Assignment, package: Package) -> bytes:
    """What of the table decides about evidence and about which misconception is named.

    A table that cannot be used is returned as it is: who judges by it will say what is wrong.
    """
    try:
        # Not by nbformat, whose import would cost more than a look at what changed.
        cells = json.loads(assignment.path.read_bytes())["cells"]
        return decisive(_catalogue(assignment, package, cells))
    except (CourseError, OSError, ValueError, SyntaxError, KeyError, TypeError, AttributeError):
        return package.table


def decisive(catalogue: Catalogue) -> bytes:
    """The catalogue without its words: what is changed where, in order, and what is drawn."""
    edits = catalogue.edits or {}
    content = {
        "misconceptions": [
            [m.id, m.definition, *chain.from_iterable(edits[m.id])]
            for m in catalogue.misconceptions
        ],
        "pictures": [[picture.definition, picture.code] for picture in catalogue.pictures],
        "told": [[*check, told.id] for check, told in catalogue.telling.items()],
    }
    return json.dumps(content).encode()


def _module(assignment: Assignment) -> str:
    return assignment.module.removeprefix(f"{PREFIX}.")


def _files(solutions: Path, name: str) -> Iterator[str]:
    """The files that an import of a dotted name below `solutions` reads, where there are any."""
    parts = name.split(".") if name else []
    for depth in range(len(parts) + 1):
        inside = "/".join(parts[:depth])
        for path in (f"{inside}/__init__.py".lstrip("/"), f"{inside}.py"):
            if (solutions / path).is_file():
                yield path


def _imports(path: str, source: bytes) -> Iterator[str]:
    """The names below `solutions` that a module of it may import; some may be no modules."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return  # running it will say so
    package = [PREFIX, *path.split("/")[:-1]]
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith(f"{PREFIX}."):
                yield name.removeprefix(f"{PREFIX}.")

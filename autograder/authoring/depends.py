"""What a proof depends on, a digest for each part: a change of any makes it stale."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path

import autograder
import workbook
from autograder.authoring.authored import STYLES, module_path
from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.course.public_examples import EXAMPLES
from autograder.kernel.start import LARGE_BLOCK_BYTES
from autograder.reference.package import package_of

# Below the packages: what runs the cells, judges, diagnoses and speaks at the desk.
CODE = {
    autograder: ("observe", "verdict", "reading", "course"),
    workbook: ("answering/answers.py", "answering/verdicts.py"),
}


def parts_of(course: Course, assignment: Assignment) -> dict[str, str]:
    """The digest of each part, by what it is called in a sentence.

    Raises: CourseError, when the notebook is not there.
    """
    module, package = module_path(course, assignment), package_of(course, assignment)
    styles = course.solutions / STYLES / module.stem
    return {
        "notebook": _digest([json.dumps(assignment.notebook, sort_keys=True).encode()]),
        "reference": _digest(each for pair in package.modules.items() for each in pair),
        "table of wrong versions": _digest([package.table]),
        "public examples": _of_files([module.with_name(module.stem + EXAMPLES)]),
        "styles": _of_files(sorted(styles.glob("*.py"))),
        "code of observing and judging": _of_files(_code()),
        # Without what stands behind a plus, which names the build for a machine.
        "torch": importlib.metadata.version("torch").split("+")[0],
        "kernel": f"blocks of {LARGE_BLOCK_BYTES} bytes are given back",
    }


def _code() -> Iterable[Path]:
    for package, parts in CODE.items():
        root = Path(package.__file__ or "").parent
        for part in parts:
            path = root / part
            yield from (
                sorted([*path.rglob("*.py"), *path.rglob("*.toml")]) if path.is_dir() else [path]
            )


def _of_files(paths: Iterable[Path]) -> str:
    there = [path for path in paths if path.is_file()]
    return _digest([part for path in there for part in (path.name.encode(), path.read_bytes())])


def _digest(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in (each.encode() if isinstance(each, str) else each for each in parts):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()

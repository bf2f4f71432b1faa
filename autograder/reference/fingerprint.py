"""What a verdict depends on besides the submission, as one digest for each assignment."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from functools import cache
from pathlib import Path

import autograder
from autograder.course.assignment import Assignment
from autograder.course.course import CONFIG, Course
from autograder.reference.package import Package, without_words
from autograder.submission.handed_in import digest, plain_files

# Those whose behaviour reaches a verdict or the file that shows it.
PACKAGES = (
    "torch",
    "numpy",
    "safetensors",
    "nbgrader",
    "nbformat",
    "nbclient",
    "jupyter-client",
    "ipykernel",
    "ipython",
)
# The rooms of the grader that a verdict passes through. Release, feedback, the author's tools and
# the command line are none of them.
ROOMS = (
    "course",
    "gradebook",
    "grading",
    "kernel",
    "observe",
    "ordinary",
    "reading",
    "reference",
    "sandbox",
    "submission",
    "verdict",
)


def counted() -> dict[str, Path]:
    """The modules of the grader that a verdict depends on, by their paths in the package."""
    package = Path(autograder.__file__).parent
    files = [package / "errors.py", *(f for room in ROOMS for f in (package / room).rglob("*.py"))]
    return {str(file.relative_to(package)): file for file in files}


@cache
def software() -> str:
    """A digest of the grader and the packages that it stands on."""
    code = {name: file.read_bytes() for name, file in counted().items()}
    versions = [platform.python_version(), *(importlib.metadata.version(p) for p in PACKAGES)]
    return digest({**code, "": " ".join(versions).encode()})


def fingerprint(course: Course, assignment: Assignment, package: Package) -> str:
    """One digest of all `parts`. Raises: OSError, as these."""
    each = parts(course, assignment, package)
    return digest({name: part.encode() for name, part in each.items()})


def parts(course: Course, assignment: Assignment, package: Package) -> dict[str, str]:
    """Digests of what the verdicts on an assignment depend on, by what an instructor calls it.

    No word that students read of a misconception is in it, and nothing of another assignment that
    this one does not import.

    Raises: OSError, when a file of the course cannot be read.
    """
    reference = {f"solutions/{path}": source for path, source in package.modules.items()}
    files = plain_files(assignment.path.parent)
    source = {f"source/{name}": content for name, content in files.items()}
    own = {
        "notebook": assignment.path.read_bytes() if assignment.path.is_file() else b"",
        "wrong versions": without_words(assignment, package),
        "tried": json.dumps(package.tried, sort_keys=True).encode(),
    }
    return {
        "source": digest({**reference, **source, **own}),
        "settings": digest({"": (course.root / CONFIG).read_bytes(), **_late_plugin(course)}),
        "grader": software(),
    }


def _late_plugin(course: Course) -> dict[str, bytes]:
    """The files of the late plugin that the configuration names, where it lies in the course."""
    named = course.config.AssignLatePenalties.get("plugin_class", "")
    module = named.rpartition(".")[0] if isinstance(named, str) else str(named.__module__)
    top = module.partition(".")[0]
    files = [course.root / f"{top}.py", *sorted((course.root / top).rglob("*.py"))] if top else []
    return {str(file): file.read_bytes() for file in files if file.is_file()}

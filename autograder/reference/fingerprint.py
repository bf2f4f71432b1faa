"""What a verdict depends on besides the submission, as one digest for each assignment."""

from __future__ import annotations

import importlib.metadata
import platform
from functools import cache
from pathlib import Path

import autograder
from autograder.course.assignment import Assignment
from autograder.course.course import CONFIG, Course
from autograder.course.public_examples import EXAMPLES
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


@cache
def software() -> str:
    """A digest of the grader and the packages that it stands on."""
    package = Path(autograder.__file__).parent
    files = {str(file.relative_to(package)): file for file in package.rglob("*.py")}
    code = {name: file.read_bytes() for name, file in files.items()}
    versions = [platform.python_version(), *(importlib.metadata.version(p) for p in PACKAGES)]
    return digest({**code, "": " ".join(versions).encode()})


def solutions(course: Course) -> dict[str, bytes]:
    """The files of the reference package and its catalogues, by their paths in it.

    Public examples are not among them: no grade depends on them.
    """
    package = course.root / "solutions"
    files = [*package.rglob("*.py"), *package.rglob("*.toml")]
    files = [file for file in files if not file.name.endswith(EXAMPLES)]
    return {str(file.relative_to(package)): file.read_bytes() for file in sorted(files)}


def fingerprint(course: Course, assignment: Assignment) -> str:
    """The digest of the tests, the reference, the configuration and the software.

    Raises: OSError, when a file of the course cannot be read.
    """
    reference = {f"solutions/{name}": content for name, content in solutions(course).items()}
    beside = plain_files(assignment.path.parent)
    files = {f"source/{name}": content for name, content in beside.items()}
    own = {
        "notebook": assignment.path.read_bytes() if assignment.path.is_file() else b"",
        "config": (course.root / CONFIG).read_bytes(),
        "software": software().encode(),
    }
    return digest({**reference, **files, **own})

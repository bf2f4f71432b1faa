"""What this machine has, what is missing, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.course.assignment import Assignment
    from autograder.course.course import Course

PACKAGES = ("torch", "numpy", "nbgrader", "nbclient", "nbconvert", "ipykernel", "jupyterlab")

# What students import besides; what is not here stops a cell of theirs.
OFTEN = ("einops", "matplotlib", "numpy", "pandas", "scipy", "seaborn", "sklearn", "torch", "tqdm")


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` says what to do where `fine` is not so.

    `counts` is false where it is only needed for grading and nobody grades here.
    """

    what: str
    found: str
    fine: bool
    remedy: str = ""
    counts: bool = True


def findings(root: Path) -> list[Finding]:
    """Look at Python, packages, sandbox and the course folder `root`."""
    from autograder.course.course import CONFIG, Course
    from autograder.errors import CourseError

    python = platform.python_version()
    found = [
        Finding("Python", python, sys.version_info >= (3, 11), "use Python 3.11 or newer"),
        *(package(name) for name in PACKAGES),
        importable(),
    ]
    grades = (root / CONFIG).is_file()
    alembic = shutil.which("alembic")
    found.append(
        Finding(
            "alembic on PATH",
            alembic or "not found",
            alembic is not None,
            "activate the virtual environment; nbgrader calls alembic by name",
        )
    )
    problem = _sandbox_problem()
    if problem:
        why = problem if grades else f"only needed for grading; {problem}"
        found.append(Finding("sandbox", "does not work here", False, why, grades))
        found += _weaker_sandbox()
    else:
        found.append(Finding("sandbox", "a kernel can be isolated here", True))
    try:
        course = Course(root)
        found.append(Finding("course", f"{len(course.assignments)} assignments", True))
        found += (
            each for one in course.chosen([]) for each in (*_rule(course, one), *_limits(one))
        )
        found += _not_seen(course)
    except CourseError as error:
        why = str(error) if grades else "only needed for grading"
        found.append(Finding("course", "none in this folder", False, why, grades))
    return found


def _rule(course: Course, assignment: Assignment) -> list[Finding]:
    """By which rule an assignment is judged, where that is not by observations."""
    from autograder.errors import CourseError
    from autograder.ordinary.rule import is_ordinary

    called = f"rule of {assignment.name}"
    try:
        plain = is_ordinary(course, assignment)
    except CourseError as error:
        return [Finding(called, "cannot be told", False, str(error))]
    return [Finding(called, "nbgrader's own (an ordinary assignment)", True)] if plain else []


def _not_seen(course: Course) -> list[Finding]:
    """Folders of source/ with notebooks that are no assignment here."""
    found = []
    for folder in sorted(course.top("source").iterdir()):
        names = [path.name for path in sorted(folder.glob("*.ipynb"))] if folder.is_dir() else []
        if names and folder.name not in course.assignments and not folder.name.startswith("."):
            said = f"{', '.join(names)}, but no {folder.name}.ipynb"
            remedy = "an assignment NAME is the notebook source/NAME/NAME.ipynb: rename one of them"
            found.append(Finding(f"source/{folder.name}", said, False, remedy))
    return found


def _limits(assignment: Assignment) -> list[Finding]:
    """The limits that an assignment sets itself, where it does."""
    from autograder.errors import CourseError
    from autograder.sandbox.limits import own_limits

    called = f"limits of {assignment.name}"
    try:
        own = own_limits(assignment)
    except CourseError as error:
        return [Finding(called, "cannot be used", False, str(error))]
    shown = ", ".join(f"{name} {value:,}" for name, value in own.items())
    return [Finding(called, shown, True)] if own else []


def _sandbox_problem() -> str:
    """Why no kernel can be isolated here; empty where one can."""
    if sys.platform != "linux":
        return "it needs Linux"
    from autograder.errors import SandboxUnavailableError
    from autograder.sandbox import kernel_server

    try:
        kernel_server()
    except SandboxUnavailableError as error:
        return str(error)
    return ""


def _weaker_sandbox() -> list[Finding]:
    """What an autograder for Gradescope would have in its place here; nothing but for root."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return []
    from autograder.errors import KernelServerError, SandboxUnavailableError
    from autograder.sandbox import KernelServer
    from autograder.sandbox.own_user import OwnUser

    called = "weaker sandbox, taken on Gradescope alone"
    try:
        server = KernelServer(OwnUser((), closed=()))
    except (SandboxUnavailableError, KernelServerError) as error:
        return [Finding(called, "does not work here", False, str(error), counts=False)]
    server.close()
    return [Finding(called, f"{server.holds}; docs/gradescope.md", True)]


def package(name: str) -> Finding:
    """The version of an installed package."""
    try:
        return Finding(name, importlib.metadata.version(name), True)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "not installed", False, f"pip install {name}")


def importable() -> Finding:
    """What a notebook can import here."""
    here = [name for name in OFTEN if importlib.util.find_spec(name)]
    others = [name for name in OFTEN if name not in here]
    found = ", ".join(["Python's own modules", *here])
    return Finding(
        "can be imported", f"{found}; not {', '.join(others)}" if others else found, True
    )

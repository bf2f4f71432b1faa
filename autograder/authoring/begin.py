"""`workbook new`: a notebook with all that belongs to it; at first it holds a tiny definition."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from autograder.authoring.authored import STYLES
from autograder.course.course import CONFIG
from autograder.errors import CourseError

SKELETON = resources.files("autograder.authoring") / "skeleton"


def begin(root: Path, name: str) -> list[Path]:
    """Write the files of a notebook that can be tried, proved and released at once.

    In a folder that is no course yet, its configuration too. Returns what was written.
    Raises: CourseError, when the name is none, or something of this name is there.
    """
    stem = re.sub(r"^\d+-", "", name).replace("-", "_")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name) or not stem.isidentifier():
        raise CourseError(
            f"{name!r} is no name for a notebook: letters, digits and hyphens, as in 06-my-topic"
        )
    solutions = root / "solutions"
    title = stem.replace("_", " ").capitalize()
    files = {
        root / "source" / name / f"{name}.ipynb": _text("notebook.ipynb").replace("TITLE", title),
        solutions / f"{stem}.toml": _text("wrong.toml"),
        solutions / f"{stem}.examples.toml": _text("examples.toml"),
        solutions / STYLES / stem / "sum_over_size.py": _text("style.txt"),
    }
    for path in (*files, solutions / f"{stem}.py"):
        if path.exists():
            raise CourseError(f"{path} is there already; choose another name, or remove it first")
    once = {root / CONFIG: _text("nbgrader_config.txt"), solutions / "__init__.py": ""}
    files |= {path: text for path, text in once.items() if not path.exists()}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)


def _text(name: str) -> str:
    return (SKELETON / name).read_text(encoding="utf-8")

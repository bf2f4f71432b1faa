"""`workbook new`: a notebook with all that belongs to it; at first it holds a tiny definition."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

from autograder.authoring.authored import STYLES
from autograder.course.course import CONFIG
from autograder.errors import CourseError

SKELETON = resources.files("autograder.authoring") / "skeleton"


def begin(root: Path, name: str, title: str = "") -> list[Path]:
    """Write the files of a notebook that can be tried, proved and released at once.

    Without a `title` it has the words of its name. In a folder that is no course yet, its
    configuration is written too. Returns what was written.
    Raises: CourseError, when the name is none, or something of its name or number is there.
    """
    stem = re.sub(r"^\d+-", "", name).replace("-", "_")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", name) or not stem.isidentifier():
        raise CourseError(
            f"{name!r} is no name for a notebook: letters, digits and hyphens, as in "
            f"{_free_number(root)}-my-topic"
        )
    solutions = root / "solutions"
    title = title.strip() or stem.replace("_", " ").capitalize()
    in_json = json.dumps(title, ensure_ascii=False)[1:-1]
    files = {
        root / "source" / name / f"{name}.ipynb": _text("notebook.ipynb").replace("TITLE", in_json),
        solutions / f"{stem}.toml": _text("wrong.toml"),
        solutions / f"{stem}.examples.toml": _text("examples.toml"),
        solutions / STYLES / stem / "sum_over_size.py": _text("style.txt"),
    }
    for path in (*files, solutions / f"{stem}.py"):
        if path.exists():
            raise CourseError(f"{path} is there already; choose another name, or remove it first")
    number = _number(name)
    same = sorted(each for each, taken in _numbers(root).items() if taken == number)
    if same:
        raise CourseError(
            f"{name} has the number of {same[0]}, and numbers put notebooks in order; choose one "
            f"that is free, as in {_free_number(root)}{name[name.index('-') :]}"
        )
    once = {root / CONFIG: _text("nbgrader_config.txt"), solutions / "__init__.py": ""}
    files |= {path: text for path, text in once.items() if not path.exists()}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)


def _number(name: str) -> int | None:
    """The number that a name begins with."""
    found = re.match(r"(\d+)-", name)
    return int(found[1]) if found else None


def _numbers(root: Path) -> dict[str, int]:
    """The numbers of the assignments that are there and have one, by name."""
    names = [folder.name for folder in (root / "source").glob("*") if folder.is_dir()]
    return {name: number for name in names if (number := _number(name)) is not None}


def _free_number(root: Path) -> str:
    """The number after the last one that is there."""
    return f"{max(_numbers(root).values(), default=0) + 1:02}"


def _text(name: str) -> str:
    return (SKELETON / name).read_text(encoding="utf-8")

"""Where the students' notebooks lie: inside an installed wheel, or in the checkout's `release/`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.course.released import ANSWERS, MATERIAL
from autograder.course.released import START as START
from autograder.errors import DeskError

IN_WHEEL = Path(__file__).parent / "material"
IN_CHECKOUT = Path(__file__).parents[1] / "release"


def folder() -> Path:
    """The folder of the released notebooks.

    Raises: DeskError, when this installation came without them.
    """
    given = os.environ.get(MATERIAL)
    for place in [Path(given)] if given else [IN_WHEEL, IN_CHECKOUT]:
        if place.is_dir():
            return place
    if given:
        raise DeskError(f"{given} is no folder of released notebooks: mend or unset {MATERIAL}")
    raise DeskError(
        "this installation came without the notebooks: install the wheel of Transformer Workbook, "
        "or work in a checkout in which `workbook release` has run"
    )


def names() -> list[str]:
    """The names of the notebooks, in order."""
    return sorted(
        path.parent.name for path in folder().glob("*/*.ipynb") if path.stem == path.parent.name
    )


def path_of(name: str) -> Path:
    """The released notebook of this name."""
    return folder() / name / f"{name}.ipynb"


def released(name: str) -> dict[str, Any]:
    """The released notebook of this name, as JSON."""
    content: dict[str, Any] = json.loads(path_of(name).read_text(encoding="utf-8"))
    return content


def has_answers(name: str) -> bool:
    """Whether anything is recorded for the notebook of this name."""
    return (folder() / ANSWERS / f"{name}.json").is_file()


def answers(name: str) -> dict[str, Any]:
    """What `workbook release` recorded for the notebook of this name: public examples only.

    Raises: DeskError, when it is not there.
    """
    path = folder() / ANSWERS / f"{name}.json"
    if not has_answers(name):
        raise DeskError(f"{path} is not there: in a checkout, run `workbook release` first")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def text(cell: dict[str, Any]) -> str:
    """A cell's source; a file may hold it line by line."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(map(str, source))


def recognised(grade_ids: Iterable[str | None], otherwise: str | None = None) -> str | None:
    """Which notebook has most of these grade_ids, if any has one; of equals it is `otherwise`."""
    ids = set(grade_ids)
    shared = {
        name: len(ids & set(re.findall(r'"grade_id": "([^"]+)"', path_of(name).read_text("utf-8"))))
        for name in names()
    }
    best = max(shared, key=lambda name: (shared[name], name == otherwise), default=None)
    return best if best is not None and shared[best] else None

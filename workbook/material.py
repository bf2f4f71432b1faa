"""Where the students' notebooks lie: in a wheel, of a course or of the workbook, or a folder."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.course.assignment import Assignment, graded_ids
from autograder.course.released import ANSWERS, COURSES, MATERIAL
from autograder.course.released import START as START
from autograder.errors import DeskError

if TYPE_CHECKING:
    from autograder.submission.cells import SubmittedCell

IN_WHEEL = Path(__file__).parent / "material"
IN_CHECKOUT = Path(__file__).parents[1] / "release"


def folder() -> Path:
    """The folder of the released notebooks: a course's own goes before the workbook's.

    Raises: DeskError, when this installation came without them, or two courses are installed.
    """
    given = os.environ.get(MATERIAL)
    for place in [Path(given)] if given else [*_of_courses(), IN_WHEEL, IN_CHECKOUT]:
        if place.is_dir():
            return place
    if given:
        raise DeskError(f"{given} is no folder of released notebooks: mend or unset {MATERIAL}")
    raise DeskError(
        "this installation came without the notebooks: install the wheel of Transformer Workbook, "
        "or work in a checkout in which `workbook release` has run"
    )


def _of_courses() -> list[Path]:
    """The release that an installed course brought, if one did."""
    courses = {
        entry.name: Path(str(entry.dist.locate_file(entry.value)))
        for entry in importlib.metadata.entry_points(group=COURSES)
        if entry.dist is not None
    }
    if len(courses) > 1:
        known = "; ".join(f"{name} in {place}" for name, place in sorted(courses.items()))
        raise DeskError(
            f"more than one course is installed ({known}): set {MATERIAL} to the folder of the one "
            "that is meant"
        )
    return list(courses.values())


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


def answers(name: str) -> dict[str, Any]:
    """What `workbook release` recorded for the notebook of this name: public examples only.

    Raises: DeskError, when it is not there.
    """
    path = folder() / ANSWERS / f"{name}.json"
    if not path.is_file():
        raise DeskError(f"{path} is not there: in a checkout, run `workbook release` first")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def text(cell: Mapping[str, Any]) -> str:
    """A cell's source; a file may hold it line by line."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(map(str, source))


def recognised(
    path: Path, cells: Sequence[SubmittedCell], other_marks: Iterable[str] = ()
) -> str | None:
    """Which released notebook a file is a student's copy of, if of any."""
    from autograder.submission.recognise import by_text, closest, texts_of  # late, as it takes long

    graded = {name: graded_ids(released(name)["cells"]) for name in names()}
    name = closest((cell["grade_id"] for cell in cells), graded, path.name, other_marks)
    if name is not None or any(cell["grade_id"] for cell in cells):
        return name
    return by_text(cells, texts_of(Assignment(name, path_of(name)) for name in names()))

"""What a released notebook holds for a student: its steps, and how long they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from autograder.course.assignment import DEMO, grade_id_of, is_solution, nbgrader_of
from workbook import material


@dataclass(frozen=True)
class Step:
    """One thing to write: a definition, or an answer in words."""

    name: str
    stub: str
    is_answer: bool
    minutes: int


@dataclass(frozen=True)
class Lesson:
    """A released notebook; `heading` is its title as the notebook shows it.

    `minutes` is 0 where it does not say how long it takes, and `run_seconds` is 0 where it does not
    say how long running it may take; `paths` has the paths that it is on,
    and its place on each.
    """

    name: str
    heading: str
    minutes: int
    run_seconds: float
    prerequisites: tuple[str, ...]
    paths: Mapping[str, float]
    steps: tuple[Step, ...]
    cells: tuple[dict[str, Any], ...]

    @property
    def file(self) -> str:
        """Where the notebook lies in a student's folder."""
        return f"{self.name}/{self.name}.ipynb"


def lessons() -> list[Lesson]:
    """Every notebook of the material, in order."""
    return [lesson(name) for name in material.names()]


def lesson(name: str) -> Lesson:
    """The notebook of this name; its minutes are shared out to its steps by their points."""
    notebook = material.released(name)
    cells = notebook["cells"]
    about = notebook["metadata"].get("workbook", {})
    minutes = about.get("minutes", 0)
    wanted = [cell for cell in cells if is_solution(cell)]
    shares = share(minutes, [points_of(cells, cell) for cell in wanted])
    steps = (
        Step(grade_id_of(cell) or "", material.text(cell), cell["cell_type"] != "code", part)
        for cell, part in zip(wanted, shares, strict=True)
    )
    return Lesson(
        name,
        _heading(cells) or name,
        minutes,
        about.get("limits", {}).get("notebook_seconds", 0.0),
        tuple(about.get("prerequisites", ())),
        about.get("paths", {}),
        tuple(steps),
        tuple(cells),
    )


def _heading(cells: Sequence[dict[str, Any]]) -> str:
    """The title that a notebook begins with; empty where it begins otherwise."""
    texts = (material.text(cell) for cell in cells[:1] if cell["cell_type"] == "markdown")
    return next(("".join(text.splitlines()[:1]).removeprefix("# ") for text in texts), "")


def is_demo(cell: dict[str, Any]) -> bool:
    """Whether a cell only shows something."""
    return DEMO in cell["metadata"].get("tags", [])


def points_of(cells: Sequence[dict[str, Any]], solution: dict[str, Any]) -> float:
    """The points of a written answer, or of the test cell that comes after a definition."""
    below = cells[cells.index(solution) :]
    return next((float(nbgrader_of(c)["points"]) for c in below if "points" in nbgrader_of(c)), 1.0)


def share(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers in the proportion of `weights` that sum to `total`."""
    whole = sum(weights) or 1.0
    ends = [round(total * sum_so_far / whole) for sum_so_far in accumulate(weights)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def in_hours(minutes: int) -> str:
    """A time as people say it: `2 h 5 min`."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{rest} min"] * (rest > 0 or hours == 0)
    return " ".join(parts)

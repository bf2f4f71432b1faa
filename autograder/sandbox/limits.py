"""What one submission may use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from autograder.errors import CourseError

if TYPE_CHECKING:
    from autograder.course.assignment import Assignment

MIB = 2**20
# Tried: with less memory or fewer processes a kernel does not start, or not always, or matplotlib
# cannot be imported in it; with less room for files matplotlib has none for its list of fonts; no
# cell is stopped sooner than after a tenth of a second; of less output or evidence there is none.
LEAST = {
    "cell_seconds": 0.1,
    "notebook_seconds": 0.1,
    "memory_bytes": 1024 * MIB,
    "processes": 8,
    "file_bytes": 1 * MIB,
    "scratch_bytes": 1 * MIB,
    "output_bytes": 4096,
    "evidence_bytes": 4096,
}
MOST_WAITING = 3  # a notebook that waits for others takes at most so many times its limit


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes and counts; generous for honest work, small for the machine."""

    cell_seconds: float = 20.0
    notebook_seconds: float = 120.0
    memory_bytes: int = 4096 * MIB
    processes: int = 64
    file_bytes: int = 64 * MIB
    scratch_bytes: int = 256 * MIB
    output_bytes: int = 1 * MIB
    evidence_bytes: int = 64 * MIB

    @property
    def longest_seconds(self) -> float:
        """What a run takes by the clock at most, however long it waits for others."""
        return MOST_WAITING * (self.notebook_seconds + self.cell_seconds)


def limits_of(assignment: Assignment) -> Limits:
    """The limits of an assignment: the usual ones, but for those that its notebook sets.

    Raises: CourseError, naming the one that cannot be used.
    """
    return Limits(**own_limits(assignment))


def own_limits(assignment: Assignment) -> Mapping[str, Any]:
    """What an assignment's notebook sets in `metadata.workbook.limits`, by name.

    Raises: CourseError, naming the one that cannot be used.
    """
    own = assignment.notebook.metadata.get("workbook", {}).get("limits", {})
    where = f"{assignment.path}: metadata.workbook.limits"
    names = [field.name for field in fields(Limits)]
    if not isinstance(own, Mapping):
        raise CourseError(f"{where} is {own!r}; it is an object with some of {', '.join(names)}")
    for name, value in own.items():
        if name not in names:
            raise CourseError(f"{where} has {name!r}; there are {', '.join(names)}")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 < value < math.inf:
            raise CourseError(f"{where} has {name} = {value!r}; a number above 0 is expected")
        if not name.endswith("_seconds") and value != int(value):
            raise CourseError(f"{where} has {name} = {value!r}; a whole number is expected")
        if value < LEAST[name]:
            raise CourseError(
                f"{where} has {name} = {value:,}; at least {LEAST[name]:,} is expected, as a "
                "notebook cannot run with less"
            )
    return dict(own)

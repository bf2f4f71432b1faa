"""Whose an entry of a zip is and of which assignment, going by where it lies.

Moodle     Full Name_123456_assignsubmission_file_/PATH, or ..._file_PATH
Canvas     lastfirst_LATE_12345_67890_FILE, LATE only where it was
exchange   STUDENT+NAME+2031-03-05 08:11:14.000000 UTC+random/PATH
plain      STUDENT/NAME/PATH

Folders may stand before it. The first part of a path that fits decides: what comes behind is the
student's choice, and says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

MOODLE, CANVAS, EXCHANGE, PLAIN = "Moodle", "Canvas", "exchange", "plain"
OF_PLATFORMS = (MOODLE, CANVAS)  # with names of people rather than ids
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?")
_CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<file>.+)")
_EXCHANGE = re.compile(r"(?P<name>.+?)\+(?P<of>[^+]+)\+(?P<time>\d{4}-\d\d-\d\d [^+]*)(?:\+[^+]*)?")


@dataclass(frozen=True)
class Owner:
    """Somebody as the zip calls them; `number` is what Moodle or Canvas puts beside the name."""

    system: str
    name: str
    number: str = ""

    @property
    def label(self) -> str:
        """Name and number."""
        return f"{self.name} ({self.number})" if self.number else self.name


@dataclass(frozen=True)
class Placed:
    """Where an entry belongs: `inside` is its path in the student's folder.

    `time` is what the exchange puts into a folder's name; with it a student may come twice.
    """

    owner: Owner
    inside: PurePosixPath
    assignment: str | None = None
    is_late: bool = False
    time: str = ""


def placed(path: PurePosixPath, assignments: Mapping[str, str]) -> Placed | None:
    """Whose an entry is; None where no layout fits.

    `assignments` has the names of the course's assignments by their casefolded ones.
    """
    parts = path.parts
    for at, part in enumerate(parts):
        rest = PurePosixPath(*parts[at + 1 :])
        if match := _MOODLE.fullmatch(part):
            file = match["file"] or ""
            owner = Owner(MOODLE, match["name"], match["number"])
            return Placed(owner, PurePosixPath(file, rest))
        if match := _EXCHANGE.fullmatch(part):
            of = assignments.get(match["of"].casefold(), match["of"])
            return Placed(Owner(EXCHANGE, match["name"]), rest, of, time=match["time"])
        if at and (name := assignments.get(part.casefold())) is not None:
            return Placed(Owner(PLAIN, parts[at - 1]), rest, name)
        match = _CANVAS.fullmatch(part)
        if match and at == len(parts) - 1:
            owner = Owner(CANVAS, match["name"], match["number"])
            return Placed(owner, PurePosixPath(match["file"]), is_late=bool(match["late"]))
    return None

"""How the files look that learning management systems export: which column is whose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# What Moodle calls the column, by the language of the site.
_MOODLES_GRADE = (
    *("Grade", "Bewertung", "Note", "Calificación", "Calificació", "Valutazione", "Cijfer"),
    *("Nota", "Avaliação", "Ocena", "Betyg", "Karakter", "Arvosana", "Оценка", "评分", "評定"),
)
_NUMBER = r"(?P<most>\d+(?:[.,]\d+)?)"


@dataclass(frozen=True)
class System:
    """One system's file.

    `grades` matches what stands above a column of grades: its title, where it has one, and what is
    the most. `of_students` are columns of which one at least must be there, `most` are titles of
    columns with the most points, `left` are grades that are none and stay, and `before` begins the
    last line before those of students. Keys may have a `#` in front where `marked`.
    """

    name: str
    grades: re.Pattern[str]
    of_students: Sequence[str]
    most: Sequence[str] = ()
    left: Sequence[str] = ()
    before: str | None = None
    marked: bool = False


SYSTEMS = {
    each.name: each
    for each in (
        System(
            "canvas",
            re.compile(r"(?P<title>.*) \(\d+\)"),
            ("ID", "SIS User ID", "SIS Login ID", "Integration ID"),
            left=("EX", "N/A"),
            before="Points Possible",
        ),
        System(
            "moodle",
            re.compile("|".join(map(re.escape, _MOODLES_GRADE))),
            (),
            most=("Maximum Grade", "Bestwertung", "Maximum grade"),
        ),
        System(
            "blackboard",
            re.compile(rf"(?P<title>.*?) *\[Total Pts: (?:up to )?{_NUMBER}[^\]]*\] *\|\d+"),
            ("Username", "Student ID"),
        ),
        System(
            "brightspace",
            re.compile(rf"(?P<title>.*) Points Grade(?: <.*MaxPoints:{_NUMBER}.*>)?"),
            ("OrgDefinedId", "Username"),
            marked=True,
        ),
    )
}


def alike(title: str, name: str) -> bool:
    """Whether a title is an assignment's name, but for capitals, spaces and signs."""
    return _words(title) == _words(name) != ""


def _words(text: str) -> str:
    return "-".join(re.findall(r"\w+", text.replace("_", " ").casefold()))

"""Somebody of the class, and who of them a zip means: one, or nobody."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.collecting.layouts import CANVAS, MOODLE, OF_PLATFORMS, Owner
from autograder.course.course import is_litter

MAX_ID = 128  # as a gradebook on PostgreSQL has room for


@dataclass(frozen=True)
class Person:
    """One student; `participant` is the number by which Moodle calls them in one assignment.

    `cells` are those of the class list's row by their headings.
    """

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""
    full_name: str = ""
    participant: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> set[str]:
        """The ways in which a system may write the name."""
        last, comma, first = self.full_name.partition(",")
        written = {self.full_name, first + last if comma else ""}
        if self.first_name and self.last_name:
            written |= {self.first_name + self.last_name, self.last_name + self.first_name}
        return {key(each) for each in written} - {""}


def key(text: str) -> str:
    """A name without what systems write in different ways: case, blanks and signs."""
    normal = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in normal if each.isalnum())


def is_id(text: str) -> bool:
    """Whether a text can be the name of a student's folder."""
    return (
        text.isprintable()
        and text == text.strip()
        and 0 < len(text.encode("utf-8", "replace")) <= MAX_ID
        and not any(each in text for each in "/\\")
        and not is_litter(text)
    )


class Roll:
    """The class. `by` is the only column that counts, where one is given; an `is_open` class takes
    ids that it does not know, and where nobody is known names as well.
    """

    def __init__(
        self, people: Sequence[Person], by: str | None = None, is_open: bool = False
    ) -> None:
        self.people = people
        self._by = by
        self._is_open = is_open

    def whose(self, owner: Owner) -> tuple[str | None, str]:
        """The id of the one who is meant, or None and the reason."""
        clues = [found for found in self._clues(owner) if found]
        meant = set.intersection(*clues) if clues else set()
        if len(meant) == 1:
            (only,) = meant
            return (only, "") if is_id(only) else (None, f"{only!r} can be no folder's name")
        if len(meant) > 1:
            return None, f"several students fit: {', '.join(sorted(meant))}"
        if clues:
            each = " and ".join(", ".join(sorted(clue)) for clue in clues)
            return None, f"its name and its number are those of different students: {each}"
        is_new = self._is_open and (owner.system not in OF_PLATFORMS or not self.people)
        if is_new and is_id(owner.name):
            return owner.name, ""
        return None, (
            "no student fits; give a class list by --students, and --by the column that has "
            "this name"
        )

    def _clues(self, owner: Owner) -> list[set[str]]:
        if self._by is not None:
            words = {key(owner.name), key(owner.number)} - {""}
            return [
                {
                    each.id
                    for each in self.people
                    if {key(each.cells[self._by]), _number(each.cells[self._by])} & words
                }
            ]
        name = key(owner.name)
        exact = {each.id for each in self.people if each.id == owner.name}
        if exact and owner.system not in OF_PLATFORMS:
            return [exact]
        named = {each.id for each in self.people if name and name in each.names()}
        by_id = {
            each.id
            for each in self.people
            if owner.name.casefold() in (each.id.casefold(), each.email.casefold())
        }
        numbers = {
            each.id
            for each in self.people
            if owner.number
            and owner.number
            == {MOODLE: each.participant, CANVAS: each.lms_user_id}.get(owner.system)
        }
        return [named | by_id, numbers]


def _number(text: str) -> str:
    """The number in what Moodle writes as Participant 123."""
    match = re.fullmatch(r"\D+ (\d+)", text.strip())
    return match[1] if match else ""

"""Families: mistakes that belong to no subject, with words that are true wherever one is made."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from string import Formatter

from autograder.errors import CourseError

FILE = Path(__file__).with_name("families.toml")


@dataclass(frozen=True, slots=True)
class Words:
    """What students read: what is wrong, what it does to the numbers, how to think about it."""

    name: str
    effect: str
    hint: str


@cache
def families() -> Mapping[str, Words]:
    """The families by id. Their words may hold `{definition}` and `{argument}`."""
    return {
        id: Words(**words) for id, words in tomllib.loads(FILE.read_text(encoding="utf-8")).items()
    }


def words_of(called: str, definition: str, entry: Mapping[str, str]) -> Words:
    """The words of an entry `of` a family: the family's, but for those that the entry has itself.

    Raises: CourseError, where there is no such family or its words need an argument.
    """
    if entry["of"] not in families():
        known = ", ".join(families())
        raise CourseError(f"{called} is of the family {entry['of']!r}; there are {known}")
    family = families()[entry["of"]]
    words = Words(
        entry.get("name", family.name),
        entry.get("effect", family.effect),
        entry.get("hint", family.hint),
    )
    needed = {field for text in astuple(words) for _, field, _, _ in Formatter().parse(text)}
    if ("argument" in needed) != ("argument" in entry):
        says = "need" if "argument" in needed else "do not hold"
        raise CourseError(f"{called}: the words of {entry['of']!r} {says} an argument")
    filled = {"definition": definition, "argument": entry.get("argument", "")}
    return Words(*(text.format(**filled) for text in astuple(words)))

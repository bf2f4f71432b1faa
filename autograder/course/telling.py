"""Hidden checks of which each looks at one promise: where they fail and no others, it is broken.

`[promise.DEFINITION]` in the file of the public examples has a row for each check: what it stands
`on`, a house rule by its id or words of the notebook. Of one that stands on house rules alone, and
of one that says what it `tells`, a failure has the words of the family of that name, whatever the
code looks like. Where it tells `promise`, these are the words that it stands on.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from autograder.course.catalogue import Misconception
from autograder.course.families import Words, words_of
from autograder.course.wrong_rows import text_above
from autograder.errors import CourseError

FILE = Path(__file__).with_name("promises.toml")
SEVERAL = "house-rules"  # the family of a check that stands on more than one of them
PROMISE = "promise"  # the family of one that says of a special case what the notebook does
# Told whatever else fails: what a module's parameters are called decides about all of it.
ALWAYS = "parameters"
# Families that no one check tells, but any may: by what it gave, and by what it gives alone.
TYPE, CALLS = "tuple", "calls"

Telling = Mapping[tuple[str, str], Misconception]  # by definition and check


@cache
def house_rules() -> Mapping[str, str]:
    """The rules of every notebook, by id, in the words in which they stand there."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def read_telling(examples: str, cells: Sequence[Mapping[str, Any]]) -> Telling:
    """What the checks of an assignment tell, from the text of its public examples.

    Raises: CourseError, naming the row that cannot be used and why.
    """
    try:
        table = tomllib.loads(examples).get("promise", {})
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"the file of public examples is not TOML: {error}") from error
    told: dict[tuple[str, str], Misconception] = {}
    for definition, rows in table.items():
        above = text_above(definition, cells)
        for check, row in [*rows.items(), *((each, {"tells": each}) for each in (TYPE, CALLS))]:
            if family := _family(row):
                words = _words(f"the promise of {check!r}", definition, family, row)
                told[definition, check] = Misconception(
                    f"{_kind(check, family, row)}-{definition}",
                    *(definition, words.name, words.effect, words.hint, above),
                )
    return told


def is_told_always(told: Misconception) -> bool:
    """Whether it is to be told of its check whatever else fails."""
    return told.id == f"{ALWAYS}-{told.definition}"


def _family(row: Mapping[str, Any]) -> str:
    on = row.get("on", ())
    if "tells" in row:
        return str(row["tells"])
    if not on or not all(rule in house_rules() for rule in on):
        return ""
    return str(on[0]) if len(on) == 1 else SEVERAL


def _kind(check: str, family: str, row: Mapping[str, Any]) -> str:
    if family == PROMISE:
        return re.sub(r"\W+", "-", check).strip("-").lower()
    return "-or-".join(row["on"]) if family == SEVERAL else family


def _words(called: str, definition: str, family: str, row: Mapping[str, Any]) -> Words:
    entry = {"of": family}
    if family in (SEVERAL, PROMISE):
        rules = house_rules()
        entry["argument"] = "; or: ".join(rules.get(on, f"“{on.strip()}”") for on in row["on"])
    return words_of(called, definition, entry)

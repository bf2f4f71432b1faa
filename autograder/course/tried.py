"""Which checks each misconception failed when its notebook was proved.

A diagnosis looks first at those that failed what a submission fails. Where this is of another time
the verdicts are the same, and it takes longer until a mistake has its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from autograder.course.course import Course

FOLDER = "proofs"  # below the release; one file for each notebook
Failing = Mapping[str, Mapping[str, str]]  # by test cell and misconception


def as_numbers(checks: Iterable[str], fails: frozenset[str]) -> str:
    """The failed ones of a test cell's checks by their places, with a space between them."""
    return " ".join(str(place) for place, name in enumerate(checks) if name in fails)


def as_names(checks: Iterable[str], numbers: str) -> frozenset[str]:
    """The checks at these places, of those that are there."""
    places = {int(number) for number in numbers.split() if number.isdecimal()}
    return frozenset(name for place, name in enumerate(checks) if place in places)


def failed(
    tried: Failing, test: str, checks: Iterable[str], ids: Iterable[str]
) -> dict[tuple[str, ...], frozenset[str]]:
    """The checks of a test cell that each misconception alone failed; of some, none.

    Empty where nothing is known of the cell. `checks` are its checks, `ids` all misconceptions.
    """
    names, found = [*checks], tried.get(test, {})
    return {(id,): as_names(names, found.get(id, "")) for id in (ids if found else ())}


def path_of(course: Course, name: str) -> Path:
    """The file of one notebook's proof."""
    return course.top("release") / FOLDER / f"{name}.json"


def read_tried(proof: Path) -> Failing:
    """What a proof says of it; nothing where there is none that can be read."""
    try:
        failing = json.loads(proof.read_text(encoding="utf-8"))["failing"]
        return {test: {id: str(each[id]) for id in each} for test, each in failing.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}

"""Where the guide lies, and which of its passages tells of a notebook or a definition."""

from __future__ import annotations

import html
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.course.released import MATERIAL
from autograder.errors import DeskError
from workbook import material

INDEX, EXERCISES = "index.html", "exercises.html"
# How the guide's pages list all of them: the name of each part, and the pages in it.
LISTED = re.compile(
    r'<span class="caption-text">(?P<part>[^<]+)|'
    r'<li class="toctree-l1"><a class="reference internal" href="(?P<page>[^"]+)">(?P<title>[^<]+)'
)


@dataclass(frozen=True)
class Passage:
    """A page of the guide, the first if none is named, and an anchor in it."""

    page: str = INDEX
    anchor: str = ""

    @property
    def address(self) -> str:
        """As it stands behind the guide's own address."""
        return self.page + (f"#{self.anchor}" if self.anchor else "")


def folder() -> Path | None:
    """The guide of the material that is used, of this installation or of this clone, if any."""
    given = os.environ.get(MATERIAL)
    among = [Path(given)] if given else []
    places = (each / "guide" for each in (*among, material.IN_WHEEL, material.IN_CHECKOUT))
    return next((place for place in places if (place / INDEX).is_file()), None)


def tells_of(notebook: str) -> bool:
    """Whether there is a guide, and it has a section on this notebook."""
    place = folder()
    return place is not None and f'id="{notebook}"' in _text(place / EXERCISES)


@cache
def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8") if page.is_file() else ""


def contents() -> dict[str, list[tuple[str, str]]]:
    """The titles of the guide's pages and where they are, by the part that they are in."""
    place, found, part = folder(), dict[str, list[tuple[str, str]]](), ""
    for each in LISTED.finditer(_text(place / INDEX)) if place else ():
        part = html.unescape(each["part"]) if each["part"] else part
        if each["page"]:
            found.setdefault(part, []).append((html.unescape(each["title"]), each["page"]))
    return found


def of(notebook: str = "", definition: str = "") -> Passage:
    """What the guide says of a notebook, or of one definition or answer in it."""
    if not notebook:
        return Passage()
    return Passage(EXERCISES, f"{notebook}.{definition}" if definition else notebook)


def wanted(name: str) -> tuple[str, str]:
    """The notebook and the definition that a name stands for: `02`, a name, or `02.name`.

    Of a notebook's name the beginning is enough.

    Raises: DeskError, when it stands for none or for several.
    """
    from workbook.studying.lesson import lessons

    beginning, dot, definition = name.partition(".")
    found = [(each, "") for each in material.names() if each.startswith(beginning)]
    if dot or not found:
        found = [
            (lesson.name, step.name)
            for lesson in lessons()
            for step in lesson.steps
            if step.name == (definition or name) and lesson.name.startswith(beginning * bool(dot))
        ]
    if len(found) == 1:
        return found[0]
    if found:
        choices = (f"{book}.{step}" if step else book for book, step in found)
        raise DeskError(f"{name!r} may be several: choose {' or '.join(choices)}")
    raise DeskError(
        f"{name!r} is not the name of a notebook, or of what one writes in one: there are "
        f"{', '.join(material.names())}"
    )

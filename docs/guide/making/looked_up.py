"""Which passage of the reference tells of what one writes in a notebook, from its own links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mdit_py_plugins.anchors.index import slugify

from making.course import notebooks

REFERENCE = Path(__file__).parents[1] / "reference"
SECTION = re.compile(r"^## ", re.M)
HEADING = re.compile(r"^##+ (.+)$")
LINK = re.compile(r"exercises\.md#([\w-]+)|\{misconceptions\} (\S+)")
NAME = re.compile(r"`(\w+)[`(]|\{misconceptions\} \S+ (\S+)")


@cache
def looked_up() -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    """Titles of passages, and where they are from the guide's top, by notebook and definition."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for page in sorted(REFERENCE.glob("*.md")):
        for section in SECTION.split(page.read_text(encoding="utf-8"))[1:]:
            for of, heading in _told(f"## {section}"):
                to = f"reference/{page.name}#{slugify(heading)}"
                found.setdefault(of, {}).setdefault(to, heading)
    return {
        of: tuple((title, to) for to, title in passages.items()) for of, passages in found.items()
    }


def _told(section: str) -> Iterator[tuple[tuple[str, str], str]]:
    """What a section names of the notebooks that it leads to, and under which heading."""
    books = {a or b for a, b in LINK.findall(section)} & set(notebooks())
    written = {(book, each.name) for book in books for each in notebooks()[book].definitions}
    heading = ""
    for line in section.splitlines():
        if is_heading := HEADING.match(line):
            heading = is_heading[1]
        named = {a or b for a, b in NAME.findall(line)}
        yield from ((of, heading) for of in sorted(written) if of[1] in named)

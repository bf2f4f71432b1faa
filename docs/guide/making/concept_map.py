"""What builds on what, from the notebooks' own prerequisites: a picture and a list."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from textwrap import wrap

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from making.course import Notebook, notebooks
from making.exercises import Made
from making.figures import Html, Picture
from making.glossary import terms

WIDTH, HEIGHT, ACROSS, DOWN = 140, 58, 156, 104
THIN = 34  # what a line that passes by a row takes of it
PASSING = ">"


def direct(books: Mapping[str, Notebook]) -> dict[str, tuple[str, ...]]:
    """The prerequisites of each, without those that another one already needs."""
    return {
        name: tuple(
            each
            for each in book.prerequisites
            if not any(
                each in everything_before(books, other)
                for other in book.prerequisites
                if other != each
            )
        )
        for name, book in books.items()
    }


def everything_before(books: Mapping[str, Notebook], name: str) -> set[str]:
    """All that a notebook stands on, directly or not."""
    found: set[str] = set()
    for each in books[name].prerequisites:
        found |= {each} | everything_before(books, each)
    return found


def depths(needs: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """In which row each stands: one below the lowest that it needs.

    Raises: ValueError, when notebooks need each other in a circle.
    """
    found: dict[str, int] = {}
    while len(found) < len(needs):
        ready = {
            name: 1 + max((found[each] for each in needed), default=-1)
            for name, needed in needs.items()
            if name not in found and all(each in found for each in needed)
        }
        if not ready:
            raise ValueError("notebooks need each other in a circle")
        found |= ready
    return found


def ways(needs: Mapping[str, tuple[str, ...]]) -> list[list[str]]:
    """For each line its two ends, and between them a place in each row that it passes."""
    depth = depths(needs)
    return [
        [
            each,
            *(f"{each}{PASSING}{name}@{row}" for row in range(depth[each] + 1, depth[name])),
            name,
        ]
        for name, needed in needs.items()
        for each in needed
    ]


def places(needs: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, tuple[float, int]], float]:
    """The middle and the row of each box and passing line, and how wide all of it is."""
    depth = depths(needs)
    above: dict[str, list[str]] = {name: [] for name in needs}
    for way in ways(needs):
        for before, after in pairwise(way):
            above.setdefault(after, []).append(before)
            depth.setdefault(after, int(after.rpartition("@")[2]) if PASSING in after else 0)
    found: dict[str, tuple[float, int]] = {}
    widest = 0.0
    for row in range(1 + max(depth.values())):
        members = [name for name in depth if depth[name] == row]
        wanted = {
            name: sum(found[each][0] for each in above[name]) / max(1, len(above[name]))
            for name in members
        }
        members.sort(key=lambda name: wanted[name])
        takes = [THIN if PASSING in name else ACROSS for name in members]
        x = -sum(takes) / 2
        for name, wide in zip(members, takes, strict=True):
            found[name] = (x + wide / 2, row)
            x += wide
        widest = max(widest, sum(takes))
    return found, widest


def concept_map() -> Html:
    """The picture: a box for each notebook, a line from what it needs."""
    books = notebooks()
    needs = direct(books)
    found, width = places(needs)
    at = {name: (width / 2 + x, row * DOWN + 4.0) for name, (x, row) in found.items()}
    says = "; ".join(
        f"{books[name].title} after {' and '.join(books[each].title for each in needed)}"
        for name, needed in needs.items()
        if needed
    )
    height = (1 + max(row for _, row in found.values())) * DOWN - DOWN + HEIGHT + 8
    picture = Picture(round(width), height, f"What builds on what: {says}.")
    for way in ways(needs):
        picture.pieces.append(_line([at[name] for name in way]))
    for name in needs:
        x, y = at[name]
        number, _, title = books[name].heading.partition(" · ")
        first, rest = (number, title) if title else number.split(": ", 1)
        picture.pieces.append(
            f'<rect x="{x - WIDTH / 2:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="4" '
            'fill="none" stroke="currentColor"/>'
        )
        words = wrap(rest.split(" (")[0], 17)
        for line, text in enumerate([first, *words]):
            down = y + HEIGHT / 2 + 15 * (line - len(words) / 2) + 4
            picture.text(x, down, text, 12 if line else 11, bold=bool(line))
    return Html(
        '<div class="guide-wide" role="group" tabindex="0" aria-label="Map of the notebooks">'
        f'<div style="min-width: {width:g}px">{picture.svg()}</div></div>'
    )


def _line(points: list[tuple[float, float]]) -> str:
    """A line from the foot of the first box, straight by every row that it passes, to the last."""
    (x, y), *between, (end_x, end_y) = points
    y += HEIGHT
    path = f"M {x:g} {y:g}"
    for next_x, next_y in [*between, (end_x, end_y - 2)]:
        bend = (next_y - y) / 2
        path += f" C {x:g} {y + bend:g} {next_x:g} {next_y - bend:g} {next_x:g} {next_y:g}"
        x, y = next_x, next_y
        if (next_x, next_y) in between:
            y += HEIGHT
            path += f" V {y:g}"
    head = f"{end_x:g},{end_y:g} {end_x - 4:g},{end_y - 8:g} {end_x + 4:g},{end_y - 8:g}"
    return f'<path d="{path}" fill="none" stroke="currentColor"/><polygon points="{head}"/>'


def listed() -> str:
    """The same as a list in MyST, with the words of the glossary that each notebook brings."""
    books = notebooks()
    lines = []
    for name, book in books.items():
        needed = ", ".join(
            f"[{books[each].heading}](../exercises.md#{each})" for each in book.prerequisites
        )
        leads = ", ".join(
            f"[{other.heading}](../exercises.md#{key})"
            for key, other in books.items()
            if name in other.prerequisites
        )
        words = ", ".join(f"{{term}}`{t.name}`" for t in terms().values() if t.introduced == name)
        lines += [
            f"- **[{book.heading}](../exercises.md#{name})**",
            f"  - needs {needed or 'nothing'}",
            *([f"  - leads to {leads}"] if leads else []),
            *([f"  - brings {words}"] if words else []),
        ]
    return "\n".join(lines)


class ConceptMap(SphinxDirective):
    """The picture."""

    def run(self) -> list[nodes.Node]:
        """Write it."""
        return [nodes.raw("", concept_map().text, format="html")]


class ConceptList(Made):
    """The list."""

    def run(self) -> list[nodes.Node]:
        """Write it."""
        return self.parsed(listed())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("concept-map", ConceptMap)
    app.add_directive("concept-list", ConceptList)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The map of what builds on what: for the guide, and with how far one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from textwrap import fill, wrap

from autograder.errors import DeskError
from workbook.studying.lesson import Lesson, lessons
from workbook.studying.map_layout import direct, places, ways
from workbook.studying.progress_report import LessonProgress, Progress

WIDTH, HEIGHT, DOWN = 140, 58, 104
STANDING = 18  # how much higher a box is that also says how far one is
# How a box is drawn; its words say the same, and so do its edge and how much of it is filled.
DONE = 'stroke="#2e7d32" stroke-width="3"'
STARTED = 'stroke="#b26a00" stroke-width="3"'
OPEN = 'stroke="currentColor" stroke-dasharray="5 3"'


@dataclass(frozen=True)
class ConceptMap:
    """A box for each notebook, a line from what it needs; with `standing`, how far each is."""

    books: Mapping[str, Lesson]
    standing: Mapping[str, LessonProgress]

    @property
    def says(self) -> str:
        """The picture in words."""
        lines = [self._line_of(name, needed) for name, needed in direct(self.books).items()]
        return f"What builds on what: {'; '.join(lines)}."

    def _line_of(self, name: str, needed: Sequence[str]) -> str:
        how_far = f" ({self.standing[name].standing})" if name in self.standing else ""
        after = ", after " * bool(needed) + ", ".join(self.books[each].heading for each in needed)
        return self.books[name].heading + how_far + after

    def svg(self) -> str:
        """The picture, as wide as it is drawn or, where there is less room, as the page."""
        height = HEIGHT + STANDING * bool(self.standing)
        down = DOWN + height - HEIGHT
        needs = direct(self.books)
        found, width = places(needs)
        at = {name: (width / 2 + x, row * down + 4.0) for name, (x, row) in found.items()}
        tall = max(y for _, y in at.values()) + height + 4
        lines = "".join(_line([at[name] for name in way], height) for way in ways(needs))
        boxes = "".join(self._box(name, *at[name], height) for name in needs)
        says = escape(self.says)
        return (
            f'<svg viewBox="0 0 {width:g} {tall:g}" role="img" aria-label="{says}" '
            'fill="currentColor" font-family="inherit" '
            f'style="width: {width * 1.15:g}px; max-width: 100%; height: auto">'
            f"<title>{says}</title>{lines}{boxes}</svg>"
        )

    def _repr_html_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        lines = self.says.replace(": ", ":\n", 1).replace("; ", "\n").splitlines()
        return "\n".join(fill(line, 80, subsequent_indent="    ") for line in lines)

    def _box(self, name: str, x: float, y: float, height: int) -> str:
        left, top = f"{x - WIDTH / 2:g}", f"{y:g}"
        standing = self.standing.get(name)
        number, _, title = self.books[name].heading.partition(" · ")
        first, rest = (number, title) if title else number.rpartition(": ")[::2]
        words = [(each, 12, True) for each in wrap(rest.split(" (")[0], 17)]
        words.insert(0, (first, 11, False))
        filled = ""
        if standing is not None:
            words.append((standing.standing, 11, False))
            share = len(standing.done) / max(1, len(standing.lesson.steps))
            filled = (
                f'<rect x="{left}" y="{top}" width="{WIDTH * share:g}" height="{height}" rx="4" '
                'fill="#2e7d32" fill-opacity=".25"/>'
            )
        middle = y + height / 2 - 15 * (len(words) - 1) / 2 + 4
        texts = "".join(
            f'<text x="{x:g}" y="{middle + 15 * line:g}" font-size="{size}" text-anchor="middle" '
            f'font-weight="{700 if bold else 400}">{escape(text)}</text>'
            for line, (text, size, bold) in enumerate(words)
        )
        return (
            f'{filled}<rect x="{left}" y="{top}" width="{WIDTH}" height="{height}" rx="4" '
            f'fill="none" {_edge(standing)}/>{texts}'
        )


def concept_map(done: Progress | None = None) -> ConceptMap:
    """What builds on what, and how far you are, where `progress()` is given.

    Raises: DeskError, when notebooks of a course need each other in a circle.
    """
    every = {each.name: each for each in lessons()}
    books = {
        name: replace(each, prerequisites=tuple(p for p in each.prerequisites if p in every))
        for name, each in every.items()
    }
    try:
        made = ConceptMap(books, {} if done is None else {e.lesson.name: e for e in done.notebooks})
        made.svg()
    except ValueError as error:
        raise DeskError(f"there is no map of these notebooks: {error}") from None
    return made


def _edge(standing: LessonProgress | None) -> str:
    if standing is None:
        return 'stroke="currentColor"'
    if standing.is_there and not standing.left:
        return DONE
    return STARTED if standing.is_touched or standing.done else OPEN


def _line(points: list[tuple[float, float]], height: int) -> str:
    """A line from the foot of the first box, straight by every row that it passes, to the last."""
    (x, y), *between, (end_x, end_y) = points
    y += height
    path = f"M {x:g} {y:g}"
    for next_x, next_y in [*between, (end_x, end_y - 2)]:
        bend = (next_y - y) / 2
        path += f" C {x:g} {y + bend:g} {next_x:g} {next_y - bend:g} {next_x:g} {next_y:g}"
        x, y = next_x, next_y
        if (next_x, next_y) in between:
            y += height
            path += f" V {y:g}"
    tip = f"{end_x:g},{end_y:g} {end_x - 4:g},{end_y - 8:g} {end_x + 4:g},{end_y - 8:g}"
    return f'<path d="{path}" fill="none" stroke="currentColor"/><polygon points="{tip}"/>'

"""Pictures and tables as HTML that is readable in grey, in the dark and on a telephone."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

SCROLLS = "overflow-x: auto; max-width: 100%"
# In the dark the theme shows a cell's HTML on a light ground; these need none.
DARK = (
    "<style>html[data-theme=dark] .bd-content div.cell_output.cell_output .text_html:has(.made)"
    "{background: none; color: inherit; padding: 0}</style>"
)


def begin(minutes: int) -> None:
    """Start a page that takes so long to read.

    What its cells print arrives whole: sent in pieces, as the kernel does after a while, a line
    would be broken wherever a piece ends, and not at the same place in the next build.
    """
    sys.stdout.flush_interval = 60  # type: ignore[union-attr]  # of ipykernel's stream, in seconds
    say(minutes=f"{minutes}")


def say(**named: str) -> None:
    """Have {glue:text} say these words under their names."""
    from myst_nb import glue  # type: ignore[import-untyped]  # heavy, and of no use to tests

    for name, words in named.items():
        glue(name, words, display=False)


@dataclass(frozen=True)
class Html:
    """A piece of HTML that a notebook shows."""

    text: str

    def _repr_html_(self) -> str:
        return self.text


Table = Html


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str, numbers: bool = True
) -> Table:
    """A table in a box of its own, which scrolls, also by the keyboard.

    Cells are HTML as given; the first of each row is its head. Numbers are set to the right.
    """
    side = "right" if numbers else "left"
    top = "".join(
        f'<th scope="col" style="text-align: {side if i else "left"}">{head}</th>'
        if head
        else "<td></td>"
        for i, head in enumerate(heads)
    )
    body = "".join(
        f'<tr><th scope="row" style="text-align: left">{row[0]}</th>'
        + "".join(f'<td style="text-align: {side}">{cell}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return Html(
        f'{DARK}<div class="made" role="group" tabindex="0" aria-label="{escape(caption)}"'
        f' style="{SCROLLS}"><table class="table"'
        ' style="display: table; width: auto; margin-left: 0">'
        f'<caption style="caption-side: top; text-align: left; color: inherit">{caption}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _lowered(words: str) -> str:
    """W_Q with the Q below the line."""
    return re.sub(
        r"W_([QKVO])",
        r'W<tspan dy="3" font-size="75%">\1</tspan><tspan dy="-3">&#8203;</tspan>',
        words,
    )


@dataclass
class Picture:
    """An SVG drawn piece by piece; lengths are in units of which a line of text takes 14."""

    width: int
    height: int
    says: str
    caption: str = ""
    pieces: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, words: str, size: float = 12, anchor: str = "middle",
        bold: bool = False,
    ) -> None:  # fmt: skip
        """Words with their middle, start or end at x, on the line y."""
        weight = ' font-weight="700"' if bold else ""
        self.pieces.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}"{weight}>'
            f"{_lowered(escape(words))}</text>"
        )

    def box(
        self, x: float, y: float, width: float, height: float, words: str = "", under: str = "",
        shade: float = 0.07, dashed: bool = False,
    ) -> None:  # fmt: skip
        """A box with words in its middle and, smaller, a line under them."""
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.pieces.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4"'
            f' fill="currentColor" fill-opacity="{shade:g}" stroke="currentColor"{dash}/>'
        )
        middle = x + width / 2
        if under:
            self.text(middle, y + height / 2 - 2, words, bold=True)
            self.text(middle, y + height / 2 + 12, under, 11)
        elif words:
            self.text(middle, y + height / 2 + 4, words, bold=True)

    def arrow(self, *points: tuple[float, float], label: str = "") -> None:
        """A line through the points with a head at the last; a label right of its first part."""
        way = " ".join(f"{x:g},{y:g}" for x, y in points)
        (x0, y0), (x1, y1) = points[-2], points[-1]
        length = max(abs(x1 - x0), abs(y1 - y0)) or 1
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        head = f"{x1:g},{y1:g} {x1 - 7 * dx - 4 * dy:g},{y1 - 7 * dy - 4 * dx:g} "
        head += f"{x1 - 7 * dx + 4 * dy:g},{y1 - 7 * dy + 4 * dx:g}"
        self.pieces.append(f'<polyline points="{way}" fill="none" stroke="currentColor"/>')
        self.pieces.append(f'<polygon points="{head}" fill="currentColor"/>')
        if label:
            (x0, y0), (x1, y1) = points[0], points[1]
            self.text((x0 + x1) / 2 + 8, (y0 + y1) / 2 + 4, label, 11, "start")

    def svg(self) -> str:
        """The picture, as wide as it is drawn or, where there is less room, as the page."""
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img"'
            f' aria-label="{escape(self.says)}" fill="currentColor" font-family="inherit"'
            f' style="width: {self.width * 1.15:g}px; max-width: 100%; height: auto">'
            f"<title>{escape(self.says)}</title>{''.join(self.pieces)}</svg>"
        )

    def _repr_html_(self) -> str:
        return side_by_side(self).text


def side_by_side(*pictures: Picture, caption: str = "") -> Html:
    """Pictures in a row, under each other where there is no room; a caption for each or all."""
    inside = "".join(
        f'<div style="max-width: 100%">{picture.svg()}'
        + (f"<div><small>{picture.caption}</small></div>" if picture.caption else "")
        + "</div>"
        for picture in pictures
    )
    style = "text-align: left; color: var(--pst-color-text-base) !important; font-weight: 400"
    under = f'<figcaption style="{style}">{caption}</figcaption>' if caption else ""
    return Html(
        f'{DARK}<figure class="made" style="margin: 0">'
        '<div style="display: flex; flex-wrap: wrap; gap: 1.5rem">'
        f"{inside}</div>{under}</figure>"
    )

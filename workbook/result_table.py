"""A small table that reads well in a notebook, in a terminal and aloud."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

WIDTH = 80  # columns of the plain form


@dataclass(frozen=True)
class Marked:
    """A piece of text that means more than its words: `strong`, or `code`, as one would type it."""

    text: str
    kind: Literal["strong", "code"]


@dataclass(frozen=True)
class Link:
    """A piece of text that leads to `href`, a path relative to the notebook's folder."""

    text: str
    href: str


Piece = str | int | None | Marked | Link  # None is a place where there is nothing to say
Words = Piece | Sequence[Piece]  # pieces are put side by side, without a space


@dataclass(frozen=True)
class Table:
    """Rows of texts, each row named by its first cell; a cell that is an int is a number.

    `above` and `below` are paragraphs around the table; without rows, the caption is a paragraph
    too. `folded` are rows that a notebook shows after a click on `folded_under`. A notebook shows
    the HTML, a terminal the plain form.
    """

    caption: Words
    columns: Sequence[str]
    rows: Sequence[Sequence[Words]]
    below: Sequence[Words] = ()
    above: Sequence[Words] = ()
    folded: Sequence[Sequence[Words]] = ()
    folded_under: str = ""

    def _repr_html_(self) -> str:
        """HTML that Jupyter's sanitiser and the grader's let through.

        Jupyter's own style would put every text to the right.
        """
        middle = self._rows_html(self.rows, self.caption) if self.rows else ""
        if self.folded:
            middle += (
                f"<details><summary>{html.escape(self.folded_under)}</summary>"
                f"{self._rows_html(self.folded, self.caption)}</details>"
            )
        middle = middle or f"<p>{_html(self.caption)}</p>"
        above, below = ("".join(f"<p>{_html(w)}</p>" for w in p) for p in (self.above, self.below))
        return above + middle + below

    def _rows_html(self, rows: Sequence[Sequence[Words]], caption: Words) -> str:
        sides = [self._side(column) for column in range(len(self.columns))]
        titles = "".join(
            f'<th scope="col"{side}>{_html(title)}</th>'
            for title, side in zip(self.columns, sides, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<th scope="row"{side}>{_html(words)}</th>'
                if column == 0
                else f"<td{side}>{_html(words)}</td>"
                for column, (words, side) in enumerate(zip(row, sides, strict=True))
            )
            + "</tr>"
            for row in rows
        )
        return (
            f'<table><caption style="text-align: left">{_html(caption)}</caption>'
            f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _side(self, column: int) -> str:
        return f' style="text-align: {"right" if self._is_number(column) else "left"}"'

    def _is_number(self, column: int) -> bool:
        rows = self._every
        return bool(rows) and all(isinstance(row[column], int | None) for row in rows)

    @property
    def _every(self) -> Sequence[Sequence[Words]]:
        return [*self.rows, *self.folded]

    def __repr__(self) -> str:
        """The same without marks, wrapped to 80 columns."""
        from rich.console import Console
        from rich.table import Table as Plain
        from rich.text import Text

        lines = io.StringIO()
        console = Console(
            file=lines,
            width=WIDTH,
            color_system=None,
            force_terminal=False,
            force_jupyter=False,  # rich would show it in the notebook by itself
        )
        for words in self.above:
            console.print(Text(_plain(words, with_paths=True)))
            console.print()
        console.print(Text(_plain(self.caption)))
        table = Plain(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
        for column, title in enumerate(self.columns):
            side: Literal["left", "right"] = "right" if self._is_number(column) else "left"
            table.add_column(Text(title), justify=side, overflow="fold")
        for row in self._every:
            table.add_row(*(Text(_plain(words)) for words in row))
        if self._every:
            console.print()
            console.print(table)
        for words in self.below:
            console.print()
            console.print(Text(_plain(words, with_paths=True)))
        return "\n".join(line.rstrip() for line in lines.getvalue().splitlines())


def _pieces(words: Words) -> Sequence[Piece]:
    return [words] if isinstance(words, Piece) else words


def _html(words: Words) -> str:
    return "".join(map(_piece_html, _pieces(words)))


def _piece_html(piece: Piece) -> str:
    if isinstance(piece, Link):
        return f'<a href="{quote(piece.href, safe="/:#?&=%")}">{html.escape(piece.text)}</a>'
    if isinstance(piece, Marked):
        return f"<{piece.kind}>{_lines(piece.text)}</{piece.kind}>"
    return "" if piece is None else _lines(str(piece))


def _lines(text: str) -> str:
    """Escaped; a new line stays one, and so does an indentation."""
    lines = html.escape(text).split("\n")
    indented = [line.replace("  ", "\N{NO-BREAK SPACE} ") for line in lines]
    return "<br>".join(indented)


def _plain(words: Words, with_paths: bool = False) -> str:
    """The words, without what a terminal would obey."""
    text = "".join(_piece_plain(piece, with_paths) for piece in _pieces(words))
    text = text.replace("\N{NO-BREAK SPACE}", " ").expandtabs(4)
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _piece_plain(piece: Piece, with_paths: bool) -> str:
    if isinstance(piece, Link) and with_paths and piece.href != piece.text:
        return f"{piece.text} ({piece.href})"
    if isinstance(piece, Link | Marked):
        return piece.text
    return "" if piece is None else str(piece)

"""A matrix as a table with its numbers in grey cells, for notebooks and terminals."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Black on the darkest shade has a contrast above 9 : 1; a printer that leaves shades out loses
# nothing, since every cell holds its number.
LIGHTEST, DARKEST = 255, 176
SIGN = "≠"
LONGEST_LABEL = 14

_BORDER = "border:1px solid #767676;padding:2px 6px"
# Colours come in pairs: a dark theme's white text on a shade of ours could not be read.
_CELL = "background-color:#{0:02x}{0:02x}{0:02x};color:#000;text-align:center;" + _BORDER
_HEAD = f"font-weight:normal;{_BORDER};text-align:"
_TABLE = "border-collapse:collapse;margin:4px 0;width:auto"
_CAPTION = "caption-side:top;text-align:left;white-space:nowrap"


@dataclass(frozen=True)
class HeatMap:
    """A matrix of numbers or truth values, with names for its rows and columns.

    `corner` says what the rows are; entries that are `marked` are bold and carry a sign. `span` is
    the range of numbers from white to the darkest shade, by default that of the matrix.
    """

    numbers: NDArray[Any]
    rows: Sequence[str]
    columns: Sequence[str]
    caption: str
    corner: str = ""
    marked: NDArray[np.bool_] | None = None
    span: tuple[float, float] | None = None

    def _repr_html_(self) -> str:
        """The table; what it says does not depend on its styles."""
        names = "".join(_header(label, "col") for label in self.columns)
        corner = _header(self.corner, "col") if self.corner else "<td></td>"
        texts, shades = self._texts(), self._shades()
        body = ""
        for i, label in enumerate(self.rows):
            cells = "".join(
                f'<td style="{_CELL.format(shades[i, j])}">{self._written(texts[i][j], i, j)}</td>'
                for j in range(len(self.columns))
            )
            body += f"<tr>{_header(label, 'row')}{cells}</tr>"
        return (
            f'<table style="{_TABLE}"><caption style="{_CAPTION}">{html.escape(self.caption)}'
            f"</caption><thead><tr>{corner}{names}</tr></thead><tbody>{body}</tbody></table>"
        )

    def __repr__(self) -> str:
        """The same in plain text, with aligned columns."""
        rows = [[self.corner, *map(_short, self.columns)]]
        for i, (label, texts) in enumerate(zip(self.rows, self._texts(), strict=True)):
            signed = [f"{SIGN if self._is_marked(i, j) else ''}{t}" for j, t in enumerate(texts)]
            rows.append([_short(label), *signed])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
            for row in rows
        ]
        return "\n".join([self.caption, *(f"  {line}" for line in lines)])

    def _is_marked(self, i: int, j: int) -> bool:
        return self.marked is not None and bool(self.marked[i, j])

    def _written(self, text: str, i: int, j: int) -> str:
        return f"<strong>{SIGN}{text}</strong>" if self._is_marked(i, j) else text

    def _texts(self) -> list[list[str]]:
        if self.numbers.dtype == np.bool_:
            return [["yes" if entry else "no" for entry in row] for row in self.numbers]
        finite = self.numbers[np.isfinite(self.numbers)]
        whole = bool((finite == np.round(finite)).all())
        large = float(np.abs(finite).max(initial=0.0)) >= 1000
        form = ".3g" if large else ".0f" if whole else ".2f"
        return [[_number(float(entry), form) for entry in row] for row in self.numbers]

    def _shades(self) -> NDArray[np.int64]:
        """One level of grey for each entry; what is not finite stays white."""
        numbers = self.numbers.astype(np.float64)
        finite = np.isfinite(numbers)
        if self.span:
            low, high = self.span
        else:
            low, high = (
                (float(numbers[finite].min()), float(numbers[finite].max()))
                if finite.any()
                else (0.0, 0.0)
            )
        if self.numbers.dtype == np.bool_:
            low, high = 0.0, 1.0
        part = (np.where(finite, numbers, low) - low) / ((high - low) or 1.0)
        return np.rint(LIGHTEST - np.clip(part, 0, 1) * (LIGHTEST - DARKEST)).astype(np.int64)


def _number(entry: float, form: str) -> str:
    if np.isnan(entry):
        return "NaN"
    if np.isinf(entry):
        return "∞" if entry > 0 else "-∞"
    text = format(entry, form)
    # Rounding leaves a sign on what is 0 as far as one can see.
    return text.lstrip("-") if float(text) == 0 else text


def _header(label: str, scope: str) -> str:
    align = "center" if scope == "col" else "left"
    return f'<th scope="{scope}" style="{_HEAD}{align}">{html.escape(_short(label))}</th>'


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"

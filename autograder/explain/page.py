"""An explanation as a page without scripts or a network, and in plain text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from autograder.explain.explain import Explanation
from autograder.explain.parts import Shown
from autograder.feedback.templates import PAGE_STYLE, styles, templates
from autograder.verdict.standing import cents
from workbook.heat_map import HeatMap

HERE = Path(__file__).parent


def page(explained: Sequence[Explanation]) -> str:
    """The page on checks of one submission as text."""
    environment = templates(HERE)
    environment.filters.update(picture=_picture)
    shown: str = environment.get_template("explain.html.j2").render(
        explained=explained,
        first=explained[0].graded,
        css=styles(PAGE_STYLE, HERE / "explain.css"),
    )
    return shown


def lines(explained: Explanation, with_numbers: bool) -> Iterator[str]:
    """What the terminal says: the verdict, and the first value that is wrong."""
    check = explained.graded
    said = "passed" if check.passed else f"failed, {cents(check.points):g} points"
    yield f"{check.submission.student}, {check.definition}: {check.name}: {said}"
    yield f"  {check.message}"
    yield from (f"  {idea}" for idea in check.ideas)
    if not with_numbers:
        return
    if explained.changed:
        yield f"  Since it was graded, {explained.changed}; below is how it is now."
    if explained.refused:
        yield f"  Expected: {explained.refused}"
    if explained.ended:
        yield f"  Got: {explained.ended}"
    wrong = next((part for part in explained.parts if part.wrong), None)
    if wrong is not None:
        yield f"  {wrong.name} {wrong.wrong}"
        yield _indented(f"expected {wrong.name}", wrong.expected)
        yield _indented(f"got {wrong.name}", wrong.got)


def _indented(caption: str, value: Shown | str | None) -> str:
    text = repr(_heat_map(value, caption)) if isinstance(value, Shown) else f"{caption}: {value}"
    return "\n".join(f"    {line}" for line in text.splitlines())


def _picture(value: Shown | str | None, caption: str, beside: Shown | str | None = None) -> Markup:
    """A value as a table of shaded numbers, or as text; `beside` gives the shades their range."""
    if value is None:
        return Markup("<p>nothing</p>")
    if isinstance(value, str):
        return Markup("<p><code>{}</code></p>").format(value)
    if value.matrix.size == 0:
        return Markup("<p>{}: {}, without entries</p>").format(caption, value.kind)
    span = None
    if isinstance(beside, Shown) and beside.matrix.dtype.kind == "f":
        finite = beside.matrix[np.isfinite(beside.matrix)]
        span = (float(finite.min()), float(finite.max())) if finite.size else None
    table = _heat_map(value, caption, span)._repr_html_()  # which escapes what it is given
    return Markup('<div class="wide" tabindex="0" role="group" aria-label="{}">{}</div>').format(
        caption, Markup(table)
    )


def _heat_map(value: Shown, caption: str, span: tuple[float, float] | None = None) -> HeatMap:
    rows, columns = value.matrix.shape
    return HeatMap(
        value.matrix,
        [str(value.row + i) for i in range(rows)],
        [str(value.column + i) for i in range(columns)],
        f"{caption}: {value.kind}{_part(value)}",
        marked=value.marked,
        span=span,
    )


def _part(value: Shown) -> str:
    """Which part of a tensor it is, where it is not all of it."""
    if value.is_whole:
        return ""
    at = ", ".join([*map(str, value.at), "...", "..."])
    rows, columns = value.matrix.shape
    return (
        f", of it [{at}], rows {value.row} to {value.row + rows - 1}, "
        f"columns {value.column} to {value.column + columns - 1}"
    )

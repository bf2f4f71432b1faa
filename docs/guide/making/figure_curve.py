"""A curve of a few numbers."""

from __future__ import annotations

from collections.abc import Sequence

from making.figures import Picture


def curve(numbers: Sequence[float], across: str, up: str) -> Picture:
    """One number at each whole place, joined by lines; the axes begin at 0."""
    left, top, width, height = 44, 12, 280, 120
    largest = max(numbers)
    last = len(numbers) - 1
    peak = max(range(len(numbers)), key=lambda i: numbers[i])
    says = (
        f"{up} by {across}: {numbers[0]:.2g} at 0, {largest:.2g} at {peak}, "
        f"{numbers[last]:.2g} at {last}"
    )
    picture = Picture(left + width + 14, top + height + 40, says)
    picture.arrow((left, top + height), (left, top - 8))
    picture.arrow((left, top + height), (left + width + 10, top + height))
    points = " ".join(
        f"{left + width * i / last:.1f},{top + height * (1 - x / largest):.1f}"
        for i, x in enumerate(numbers)
    )
    picture.pieces.append(
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="2"/>'
    )
    picture.text(left - 6, top + height + 4, "0", 11, "end")
    picture.text(left - 6, top + 6, f"{largest:g}", 11, "end")
    for i in (0, peak, last):
        picture.text(left + width * i / last, top + height + 16, f"{i}", 11)
    picture.text(left + width / 2, top + height + 32, across)
    picture.text(left + width, top + 6, up, 12, "end")
    return picture

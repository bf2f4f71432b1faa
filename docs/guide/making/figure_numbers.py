"""Matrices: their numbers, the shade of their weights, and how they are multiplied."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from making.figures import Html, Picture, side_by_side

CELL = 44
ROW = 26
HEAD = 46


def matrix(
    numbers: Tensor, name: str, rows: Sequence[str] = (), columns: Sequence[str] = (),
    digits: int = 0, shaded: bool = False,
) -> Picture:  # fmt: skip
    """Every number of a small matrix (L, S) in a grid; shaded: the larger the darker."""
    left = HEAD if rows else 4
    top = 40 if columns else 24
    high, wide = numbers.shape
    shape = f"{high} \u00d7 {wide}"
    listed = "; ".join(
        (f"{rows[i]}: " if rows else "") + " ".join(_number(x, digits) for x in row)
        for i, row in enumerate(numbers.tolist())
    )
    width = left + CELL * wide + 4
    picture = Picture(width, top + ROW * high + 4, f"{name}, {shape}. {listed}")
    picture.text(left, 14, f"{name}  {shape}", 12, "start", bold=True)
    for j, word in enumerate(columns):
        picture.text(left + CELL * (j + 0.5), top - 6, word, 11)
    for i, row in enumerate(numbers.tolist()):
        if rows:
            picture.text(left - 6, top + ROW * i + 17, rows[i], 12, "end")
        for j, number in enumerate(row):
            shade = 0.03
            if shaded and math.isfinite(number):
                shade = 0.02 + 0.45 * max(0.0, min(1.0, number))
            x, y = left + CELL * j, top + ROW * i
            picture.box(x, y, CELL, ROW, shade=shade)
            picture.text(x + CELL / 2, y + 17, _number(number, digits))
    return picture


def _number(number: float, digits: int) -> str:
    if number == -math.inf:
        return "\u2212∞"
    return f"{number:.{digits}f}".replace("-", "\u2212")


def matrices(*pictures: Picture, caption: str = "") -> Html:
    """Several matrices beside each other."""
    return side_by_side(*pictures, caption=caption)


def _side(size: int) -> float:
    """Sides grow with the logarithm of the size: 3 and 512 both stay visible."""
    return 14 + 8 * math.log2(size + 1)


def product(*factors: tuple[str, int, int]) -> Picture:
    """Boxes of a product of matrices: the factors, then what comes out last."""
    gap, x, top = 30, 4.0, 22.0
    high = max(_side(rows) for _, rows, _ in factors)
    says = " times ".join(f"{n} of {r} \u00d7 {c}" for n, r, c in factors[:-1])
    says += f" gives {factors[-1][0]} of {factors[-1][1]} \u00d7 {factors[-1][2]}"
    wide = sum(max(_side(c), 54) for _, _, c in factors) + gap * (len(factors) - 1) + 8
    picture = Picture(math.ceil(wide), math.ceil(high + 44), says)
    for i, (name, rows, columns) in enumerate(factors):
        width = max(_side(columns), 54)
        height = _side(rows)
        y = top + (high - height) / 2
        inner = x + (width - _side(columns)) / 2
        picture.box(inner, y, _side(columns), height, shade=0.16 if i == len(factors) - 1 else 0.06)
        picture.text(x + width / 2, 14, name, bold=True)
        picture.text(x + width / 2, top + high + 16, f"{rows} \u00d7 {columns}", 12)
        x += width
        if i < len(factors) - 1:
            sign = "=" if i == len(factors) - 2 else "·"
            picture.text(x + gap / 2, top + high / 2 + 5, sign, 16, bold=True)
            x += gap
    return picture

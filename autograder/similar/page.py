"""The pairs as a page without scripts: a list, and each pair side by side."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autograder.feedback.templates import PAGE_STYLE, styles, templates
from autograder.similar.code import Code
from autograder.similar.pairs import Compared, Pair
from autograder.similar.passages import common_lines
from autograder.similar.tokens import tokens

HERE = Path(__file__).parent
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Line:
    """One line of a work, and whether it is in a common passage."""

    text: str
    is_common: bool


def page(compared: Compared, title: str, works: int) -> str:
    """The page as text."""
    environment = templates(HERE)
    environment.filters.update(percent=lambda share: f"{100 * share:.0f}%")
    shown: str = environment.get_template("similar.html.j2").render(
        compared=compared,
        title=title,
        works=works,
        sides=[(_lines(pair.one, pair), _lines(pair.other, pair)) for pair in compared.pairs],
        css=styles(PAGE_STYLE, HERE / "similar.css"),
    )
    return shown


def _lines(code: Code, pair: Pair) -> list[Line]:
    marked = common_lines(tokens(code.source), pair.common)
    lines = code.source.split("\n")
    return [Line(_CONTROL.sub("�", text), at in marked) for at, text in enumerate(lines, 1)]

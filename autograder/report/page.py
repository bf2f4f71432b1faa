"""The report as one page without scripts or a network, and as a table for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from autograder.feedback.templates import PAGE_STYLE, styles, templates
from autograder.gradebook.harmless import harmless
from autograder.report.report import OfAssignment
from autograder.verdict.standing import cents

HERE = Path(__file__).parent
COLUMNS = (
    *("assignment", "definition", "check", "points"),
    *("passed", "mean", "discrimination", "suspect"),
)


def page(reports: Sequence[OfAssignment], title: str) -> str:
    """The page as text."""
    environment = templates(HERE)
    environment.filters.update(percent=_percent, number=_number, definition=_definition)
    shown: str = environment.get_template("report.html.j2").render(
        reports=reports, title=title, css=styles(PAGE_STYLE, HERE / "report.css")
    )
    return shown


def write_csv(reports: Sequence[OfAssignment], file: TextIO) -> None:
    """A line for each test cell and each check."""
    table = csv.writer(file)
    table.writerow(COLUMNS)
    for each in reports:
        for item in each.items:
            told = "" if item.discrimination is None else f"{item.discrimination:.3f}"
            names = [each.name, _definition(item.test), item.check or ""]
            numbers = [cents(item.max_points), f"{item.passed:.3f}", f"{item.mean:.3f}", told]
            table.writerow([*map(harmless, names), *numbers, item.suspect])


def _definition(test: str) -> str:
    return test.removeprefix("test-")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _number(x: float | None) -> str:
    return "" if x is None else f"{x:.2f}".replace("-", "\N{MINUS SIGN}")

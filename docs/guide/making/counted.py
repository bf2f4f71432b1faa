"""The role `counted`: numbers that the guide's own tables and notebooks give, without a kernel."""

from __future__ import annotations

from collections.abc import Callable

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

from making.checkpoints import stages
from making.course import notebooks
from making.formulas import formulas
from making.glossary import terms
from making.study import audiences
from workbook.studying.lesson import in_hours


def _minutes() -> list[int]:
    return [each.minutes for each in notebooks().values()]


NUMBERS: dict[str, Callable[[], object]] = {
    "notebooks": lambda: len(notebooks()),
    "definitions": lambda: sum(
        not each.is_answer for book in notebooks().values() for each in book.definitions
    ),
    "hours": lambda: round(sum(_minutes()) / 60),
    "shortest notebook": lambda: in_hours(min(_minutes())),
    "longest notebook": lambda: in_hours(max(_minutes())),
    "paths": lambda: len(audiences()),
    "terms": lambda: len(terms()),
    "formulas": lambda: len(formulas()),
    "stages": lambda: len(stages()),
    "questions": lambda: sum(len(each.questions) for each in stages()),
}


class Counted(SphinxRole):
    """A number by its name in `NUMBERS`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Write it, or say that there is none of this name."""
        if self.text not in NUMBERS:
            problem = self.inliner.reporter.error(f"nothing is counted as {self.text!r}")
            return [], [problem]
        return [nodes.Text(f"{NUMBERS[self.text]()}")], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the role."""
    app.add_role("counted", Counted())
    return {"parallel_read_safe": True, "parallel_write_safe": True}

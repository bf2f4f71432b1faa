"""Hostile submissions: each tries one thing, and gets the points of its honest part, no more.

Every one is the small course's notebook with one of two definitions wrong and hostile. The table of
all of them is README.md beside this file, written by `python -m tests.hostile`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests import mini

README = Path(__file__).parent / "README.md"
# What a submission that reached something would leave there, followed by its id.
MARK = "pwned-"
WRONG = "def double(x):\n    return 3 * x\n"
GRADED, ATTENTION = "graded", "needs attention"


@dataclass(frozen=True)
class Target:
    """What submissions aim at; they are told where it is, more than a student would know."""

    course: Path
    outside: Path
    port: int
    address: str  # of a socket without a file


@dataclass(frozen=True)
class Hostile:
    """One submission: what it tries, what stops it, and what the grader has to make of it.

    `double` is the hostile text of the definition for 4 points, wrong as well; `first_row` is that
    for 2 points, honest where it is None. `change` is done to the notebook, `beside` are files,
    `arrange` makes what only a file system can hold. `points` is None where nothing could be run.
    `racing` is where it is chance whether the cell's time limit is seen or only the notebook's:
    then the honest part may be graded or not.
    """

    id: str
    tries: str
    stopped: str
    double: str = WRONG
    first_row: str | None = None
    change: Callable[[NotebookNode], NotebookNode | str | bytes] | None = None
    beside: Mapping[str, bytes] = field(default_factory=dict)
    arrange: Callable[[Path, Target], None] | None = None
    points: float | None = 2.0
    status: str = GRADED
    reason: str = ""
    student: str = ""
    racing: bool = False

    @property
    def who(self) -> str:
        """The student that hands it in."""
        return self.student or self.id

    def notebook(self, target: Target) -> NotebookNode | str | bytes:
        """What is handed in as the notebook."""
        attacking = self.double if "def double" in self.double else f"{self.double}\n{WRONG}"
        sources = {"double": f"{self._told(target)}\n{attacking}"}
        if self.first_row is not None:
            sources["first_row"] = self.first_row
        made = mini.submission(**sources)
        return made if self.change is None else self.change(made)

    def _told(self, target: Target) -> str:
        return (
            f"MARK, COURSE, OUTSIDE = {MARK + self.id!r}, {str(target.course)!r}, "
            f"{str(target.outside)!r}\nPORT, ADDRESS = {target.port}, {target.address!r}"
        )

    def hand_in(self, target: Target) -> Path:
        """Put it where a student's submission is expected; the path of the notebook."""
        folder = target.course / "submitted" / self.who / mini.NAME
        folder.mkdir(parents=True)
        path = folder / f"{mini.NAME}.ipynb"
        made = self.notebook(target)
        if isinstance(made, bytes):
            path.write_bytes(made)
        elif isinstance(made, str):
            path.write_text(made)
        else:
            path.write_text(nbformat.versions[4].writes_json(made))
        for name, content in self.beside.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        if self.arrange is not None:
            self.arrange(path, target)
        return path


def every() -> list[Hostile]:
    """All hostile submissions."""
    from tests.hostile import (
        flooding,
        forging,
        heavy,
        lasting,
        odd_files,
        other_doors,
        reading,
        rebuilding,
        showing,
        writing,
    )

    modules = (
        *(forging, rebuilding, other_doors, reading, writing),
        *(flooding, heavy, lasting, showing, odd_files),
    )
    return [one for module in modules for one in module.SUBMISSIONS]


def by_id(*ids: str) -> list[Hostile]:
    """The submissions of these ids."""
    known = {one.id: one for one in every()}
    return [known[id] for id in ids]


def table() -> str:
    """The text of README.md."""
    rows = [f"| {one.id} | {one.tries} | {one.stopped} |" for one in every()]
    return "\n".join(
        [
            "# Hostile submissions",
            "",
            "Each is graded by `tests/test_hostile.py`, with all the others and two honest ones:",
            "it gets the points of its honest part, reaches nothing and disturbs nobody. This file",
            "is written by `python -m tests.hostile`.",
            "",
            "| id | what it tries | what stops it |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )

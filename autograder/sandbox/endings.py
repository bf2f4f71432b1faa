"""Which cell ended a kernel, and so which the next one leaves out.

A kernel may end long after the cell that is to blame, by a thread or a process that the cell left
running. So such a cell is left out first. Where the same end comes without it, it was not that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nbformat import NotebookNode

from autograder.course.assignment import grade_id_of
from autograder.kernel.request import PROCESS, STILL_RUNNING, TASK, THREAD
from autograder.reading.wanted import first_line

MOST = 100  # that a kernel may claim to run


class StillRunning(NamedTuple):
    """What runs on of a cell; not `is_sure`, where it may be of a cell between it and now."""

    place: int
    is_sure: bool
    kind: str


def called(cell: NotebookNode) -> str:
    """What to call a cell in words to its student."""
    return grade_id_of(cell) or f"the cell that begins with `{first_line(cell.source)}`"


def still_running(reply: Mapping[str, Any], place: int) -> list[StillRunning]:
    """What a kernel says that runs on after the cell at a place, as far as that can be."""
    said = reply.get(STILL_RUNNING)
    found = []
    for each in said[:MOST] if isinstance(said, list) else ():
        match each:
            case [int(at), bool(is_sure), str(kind)] if kind in (THREAD, PROCESS, TASK):
                found.append(StillRunning(at, is_sure, kind))
    return [each for each in found if 0 <= each.place <= place]


@dataclass
class Endings:
    """The ends of the kernels of one run.

    `left_out` are the places of the cells that no further one runs.
    """

    notebook: NotebookNode
    left_out: list[int] = field(default_factory=list)
    _reasons: dict[int, str] = field(default_factory=dict)
    _suspected: dict[int, int] = field(default_factory=dict)  # and where the kernel ended

    @property
    def reasons(self) -> list[str]:
        """Why there is more than one kernel, in sentences."""
        return list(self._reasons.values())

    def add(self, place: int, reason: str, running: Sequence[StillRunning]) -> None:
        """Note that a kernel ended in the cell at a place while these still ran."""
        if running:
            first = min(running)
            self._suspected[first.place] = place
            self._leave_out(first.place, f"{reason}; {self._said(first)}")
            return
        for other in [each for each, end in self._suspected.items() if end == place]:
            del self._suspected[other], self._reasons[other]
            self.left_out.remove(other)
        self._leave_out(place, reason)

    def _leave_out(self, place: int, reason: str) -> None:
        self.left_out.append(place)
        self._reasons[place] = reason

    def _said(self, running: StillRunning) -> str:
        name = called(self.notebook.cells[running.place])
        whose = name if running.is_sure else f"{name}, or of a cell below it,"
        return f"{running.kind} of {whose} was still running, so that cell is left out"

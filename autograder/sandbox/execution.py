"""What one run of a notebook gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode

if TYPE_CHECKING:
    from autograder.sandbox.open_kernel import OpenKernel


@dataclass
class Execution:
    """What came out of one run: evidence by test cell, and what went wrong.

    `slow` are the cells that hit the time limit, `stopped` the solution cells that ended with an
    exception (by its type), `ended` the places of those that ended their kernel, `done` those of
    the test cells that ran to their end in one; what is left of them stays. `problem` is what kept
    the run from going through as a whole; `requests` are what the kernel is told with cells.
    Where the run `is_plain`, `replies` are what the kernel answered to the test cells, by their
    places; of one that did not run there is none.
    """

    notebook: NotebookNode
    requests: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    is_plain: bool = False
    replies: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    evidence: dict[str, list[bytes]] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    stopped: dict[str, str] = field(default_factory=dict)
    ended: list[int] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    problem: str | None = None
    seconds: float = 0.0
    used: float = 0.0
    kernel: OpenKernel | None = None

    def close(self) -> None:
        """End the kernel that stayed, if one did."""
        if self.kernel is not None:
            self.kernel.close()

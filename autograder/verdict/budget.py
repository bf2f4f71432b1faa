"""What naming the mistakes of one notebook may cost.

It is counted in what the reference took for the same checks, and not in what a run takes now: so
the same submission gets the same name on a busy machine, and where everything is known already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

SECONDS = 5.0  # of one core; the rest of ten is for what comes with it
ROUND, RUN = 0.1, 0.01  # to ask for versions once, and to have one of them defined

T = TypeVar("T")


class Budget:
    """Processor seconds that are left."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._left = seconds

    def take(self, each: Iterable[tuple[T, float]]) -> list[T]:
        """The first of these that can be had, at what they cost in seconds; that is paid."""
        taken: list[T] = []
        left, start = self._left, ROUND
        for one, seconds in each:
            if seconds:
                left -= start + RUN + seconds
                start = 0
            if left < 0:
                break
            self._left = left
            taken.append(one)
        return taken

    @contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """In the block no more than this can be had."""
        kept = max(self._left - seconds, 0.0)
        self._left -= kept
        try:
            yield
        finally:
            self._left += kept

    def half(self) -> AbstractContextManager[None]:
        """In the block no more can be had than half of what is left."""
        return self.at_most(self._left / 2)

"""What was looked at in a notebook: how much there is of what, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autograder.course.tried import Failing


@dataclass(frozen=True)
class Findings:
    """Counts by what was counted, and a sentence for each failure.

    `failing` holds which checks each misconception fails.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: tuple[str, ...] = ()
    failing: Failing = field(default_factory=dict)


def together(parts: Iterable[Findings]) -> Findings:
    """The sums of the counts, and all failures in order."""
    counts: Counter[str] = Counter()
    failures: list[str] = []
    failing: dict[str, Mapping[str, str]] = {}
    for part in parts:
        counts.update(part.counts)  # keeps what counts nothing
        failures += part.failures
        failing |= part.failing
    return Findings(counts, tuple(failures), failing)

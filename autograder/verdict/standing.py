"""How a submission stands in the gradebook: points that a person gave, lateness and its price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


def cents(points: float) -> float:
    """Points as people read them: a sum of hundredths is not 10.190000000000001."""
    return round(points, 2)


@dataclass(frozen=True)
class GradebookStanding:
    """What the gradebook holds of one submission, beside the verdicts.

    `points` are those that count, by grade_id; `by_hand` are those of them that a person gave,
    `unmarked` waits for a person, and `mark_again` was marked before its answer changed.
    `seconds_late` is None where nobody can say, `time_problem` why the time given is no help.
    """

    points: Mapping[str, float] = field(default_factory=dict)
    max_score: float = 0.0
    by_hand: tuple[str, ...] = ()
    unmarked: tuple[str, ...] = ()
    mark_again: tuple[str, ...] = ()
    submitted: datetime | None = None
    seconds_late: float | None = 0.0
    penalty: float = 0.0
    time_problem: str | None = None

    @property
    def score(self) -> float:
        """All points that count, without those that being late costs."""
        return cents(max(sum(self.points.values()) - self.penalty, 0.0))

    @property
    def lateness(self) -> str:
        """How late it was in words; empty where it was not."""
        if self.seconds_late is None:
            return "time not known"
        return duration(self.seconds_late) if self.seconds_late > 0 else ""

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` writes."""
        return {
            "score": self.score,
            "max_score": cents(self.max_score),
            "by_hand": {name: cents(self.points[name]) for name in self.by_hand},
            "not_marked": list(self.unmarked),
            "mark_again": list(self.mark_again),
            "submitted": None if self.submitted is None else f"{self.submitted.isoformat()}Z",
            "seconds_late": None if self.seconds_late is None else round(self.seconds_late, 3),
            "penalty": cents(self.penalty),
            "time_problem": self.time_problem,
        }


def duration(seconds: float) -> str:
    """A time in its two largest units."""
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    left, said = max(int(seconds), 1), []
    for name, size in units:
        count, left = divmod(left, size)
        if count:
            said.append(f"{count} {name}")
    return " ".join(said[:2])

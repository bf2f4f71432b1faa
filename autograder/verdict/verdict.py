"""What is said of one test cell: its checks, its points, and what explains a failure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from autograder.course.catalogue import Misconception


@dataclass(frozen=True, slots=True)
class Check:
    """The verdict on one observation; `points` is what it is worth in the test cell."""

    name: str
    passed: bool
    points: float
    message: str
    because: tuple[Misconception, ...] = ()  # more than one where only together they explain it

    @property
    def misconception(self) -> str | None:
        """The id of the first one that explains it."""
        return self.because[0].id if self.because else None


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a misconception makes of a public example: a matrix, and which entries are wrong."""

    caption: str
    rows: str
    columns: str
    truth: bool  # entries are true and false
    numbers: tuple[tuple[float, ...], ...]
    marked: tuple[tuple[bool, ...], ...]


@dataclass(frozen=True, slots=True)
class CellResult:
    """The verdict on one test cell.

    `follows_from` are earlier definitions whose misconceptions explain what failed here;
    `mend_first` are earlier ones in use that fail as well, where nothing explains it; `on_right`
    are those in whose place right ones stood where it earned points that it did not earn on these.
    `notes` say what the student should know besides, without a price.
    """

    grade_id: str
    max_score: float
    checks: tuple[Check, ...] = field(default=())
    follows_from: tuple[str, ...] = ()
    mend_first: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    on_right: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether all checks passed."""
        return all(check.passed for check in self.checks)

    @property
    def score(self) -> float:
        """The points of the checks that passed, to the cent; exactly `max_score` when all did."""
        if self.is_right:
            return float(self.max_score) if self.checks else 0.0
        earned = sum(check.points for check in self.checks if check.passed)
        return min(max(round(earned, 2), 0.0), float(self.max_score))


def as_data(result: CellResult) -> dict[str, Any]:
    """The verdict as plain data, all of it for a student's eyes, with texts of what is named."""
    named = [each for check in result.checks for each in check.because]
    return {
        "grade_id": result.grade_id,
        "score": result.score,
        "max_score": result.max_score,
        "follows_from": list(result.follows_from),
        "mend_first": list(result.mend_first),
        "on_right": list(result.on_right),
        "notes": list(result.notes),
        "checks": [
            {
                "name": check.name,
                "passed": check.passed,
                "points": check.points,
                "message": check.message,
                "because": [each.id for each in check.because],
            }
            for check in result.checks
        ],
        "misconceptions": {each.id: asdict(each) for each in named},
        "drawings": [asdict(each) for each in result.drawings],
    }

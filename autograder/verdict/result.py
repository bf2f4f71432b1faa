"""The result of grading one notebook, also as the JSON that other programs read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from nbformat import NotebookNode

from autograder.verdict.standing import GradebookStanding, cents
from autograder.verdict.verdict import CellResult


@dataclass(frozen=True, slots=True)
class Graded:
    """The verdict on one notebook, and the notebook that shows it (None where nothing ran).

    `notes` say what happened beside the checks, without a price.
    """

    file: str
    assignment: str
    seed: int
    max_score: float
    student: str | None = None
    reason: str | None = None
    tests: dict[str, CellResult] = field(default_factory=dict)
    notebook: NotebookNode | None = None
    execute_seconds: float = 0.0
    judge_seconds: float = 0.0
    notes: tuple[str, ...] = ()
    standing: GradebookStanding | None = None  # None where it is in no gradebook

    @property
    def status(self) -> str:
        """`graded` or `needs attention`."""
        return "graded" if self.reason is None else "needs attention"

    @property
    def score(self) -> float | None:
        """The points of the test cells, or None where nothing could be run."""
        if not self.tests:
            return None
        return cents(sum(self.points_of(name) for name in self.tests))

    def points_of(self, test: str) -> float:
        """The points of one test cell: the judge's, or what a person gave in their place."""
        if self.standing is not None and test in self.standing.by_hand:
            return self.standing.points[test]
        return self.tests[test].score

    def as_json(self) -> dict[str, Any]:
        """The object of the interface that `--json` writes."""
        return {
            "schema": 1,
            "file": self.file,
            "student": self.student,
            "assignment": self.assignment,
            "status": self.status,
            "reason": self.reason,
            "notes": list(self.notes),
            "score": self.score,
            "max_score": cents(self.max_score),
            "seed": self.seed,
            "gradebook": None if self.standing is None else self.standing.as_json(),
            "seconds": {
                "execute": round(self.execute_seconds, 3),
                "judge": round(self.judge_seconds, 3),
            },
            "tests": {
                name: {
                    "score": cents(self.points_of(name)),
                    "max_score": result.max_score,
                    "follows_from": list(result.follows_from),
                    "on_right": list(result.on_right),
                    "notes": list(result.notes),
                    "checks": [
                        {
                            "name": check.name,
                            "passed": check.passed,
                            "points": round(check.points, 6),
                            "message": check.message,
                            "misconception": check.misconception,
                            "misconceptions": [each.id for each in check.because],
                        }
                        for check in result.checks
                    ],
                }
                for name, result in self.tests.items()
            },
        }


def write_json(results: Sequence[Graded], file: TextIO) -> None:
    """Write them one after the other, as all of a large class at once take much memory."""
    file.write("[")
    for place, result in enumerate(results):
        file.write(",\n" if place else "\n")
        file.write(json.dumps(result.as_json(), indent=1))
    file.write("\n]\n" if results else "]\n")

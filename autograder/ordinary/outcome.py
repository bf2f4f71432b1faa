"""What is known of work that was judged by nbgrader's rule, told apart from what is observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.ordinary.rule import NBGRADERS, RULE
from autograder.verdict.result import Graded
from autograder.verdict.verdict import CellResult


class OrdinaryCell(CellResult):
    """The points of one test cell; a part of them is what its last expression gave."""

    __slots__ = ()

    @property
    def score(self) -> float:
        """The points of the checks that passed, not rounded: nbgrader does not, either."""
        return float(sum(check.points for check in self.checks if check.passed))


class OrdinaryWork(Graded):
    """The result of grading one notebook of an ordinary assignment."""

    __slots__ = ()

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` writes, with the rule by which it was judged."""
        return {**Graded.as_json(self), RULE: NBGRADERS}

    @property
    def summary(self) -> str:
        """Which test cells lost points, in a line."""
        if not self.tests:
            return "nothing is tested; a person marks it"
        short = [each for each in self.tests.values() if not each.is_right]
        if not short:
            many = len(self.tests) > 1
            return (
                f"all {len(self.tests)} test cells ran through" if many else "its test ran through"
            )
        first = next(check for check in short[0].checks if not check.passed)
        return (
            f"{len(short)} of {len(self.tests)} test cells lost points; first {short[0].grade_id}, "
            f"{first.message}"
        )


def was_ordinary(graded: Mapping[str, Any]) -> bool:
    """Whether a graded notebook was judged by nbgrader's rule."""
    return bool(graded["metadata"].get("workbook", {}).get(RULE) == NBGRADERS)

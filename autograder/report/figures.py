"""Figures of a class: how scores lie, and what each test cell and check tells apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autograder.report.handed_in_work import ClassWork, Verdict

Points = NDArray[np.float64]  # one number for each student

FEWEST = 10  # students, below which a correlation says nothing
FIFTHS = 5


@dataclass(frozen=True)
class Item:
    """A test cell, or one check of it, over the class.

    `passed` is the share of students with all its points, `mean` the mean of the points,
    `discrimination` the correlation of the points with those of everything else (None under ten
    students, or where all have the same), `fifths` the share that passed in each fifth of the
    class, the weakest first (empty under ten students).
    """

    test: str
    check: str | None
    max_points: float
    passed: float
    mean: float
    discrimination: float | None
    fifths: tuple[float, ...]

    @property
    def suspect(self) -> str:
        """Why the test itself may be wrong; empty where nothing speaks for it."""
        if self.passed == 0:
            return "nobody passes"
        if self.discrimination is not None and self.discrimination < 0:
            return "the better ones fail"
        return ""


@dataclass(frozen=True)
class Distribution:
    """How the scores of an assignment lie; `tenths` counts them by tenths of the points."""

    count: int
    mean: float
    median: float
    deviation: float
    tenths: tuple[int, ...]


def distribution(work: ClassWork) -> Distribution | None:
    """The distribution of the scores in the gradebook, None where nothing was graded."""
    scores = np.array([each.score for each in work.works if each.tests])
    if not len(scores):
        return None
    tenths, _ = np.histogram(scores, bins=10, range=(0, work.max_score))
    return Distribution(
        len(scores),
        float(scores.mean()),
        float(np.median(scores)),
        float(scores.std()),
        tuple(map(int, tenths)),
    )


def items(work: ClassWork) -> list[Item]:
    """Each test cell followed by its checks, in the notebook's order."""
    judged = [each for each in work.works if each.tests]
    if not judged:
        return []
    totals = np.array([sum(each.points(name) for name in each.tests) for each in judged])
    found = []
    for test, verdict in judged[0].tests.items():
        points = np.array([each.points(test) for each in judged])
        found.append(_item(test, None, float(verdict["max_score"]), points, totals))
        of_each = [_by_check(each.tests[test]) for each in judged]
        for check in dict.fromkeys(name for checks in of_each for name in checks):
            both = np.array([checks.get(check, (0.0, 0.0)) for checks in of_each])
            worth, earned = both[:, 0], both[:, 1]
            found.append(_item(test, check, float(worth.max()), earned, totals))
    return found


def _by_check(verdict: Verdict) -> dict[str, tuple[float, float]]:
    """What each check is worth, and what was earned by it."""
    found: dict[str, tuple[float, float]] = {}
    for check in verdict["checks"]:
        worth, earned = found.get(check["name"], (0.0, 0.0))
        points = float(check["points"])
        found[check["name"]] = worth + points, earned + points * bool(check["passed"])
    return found


def _item(test: str, check: str | None, full: float, earned: Points, totals: Points) -> Item:
    passed = earned >= full - 1e-9
    rest = totals - earned
    told: float | None = None
    fifths: tuple[float, ...] = ()
    if len(earned) >= FEWEST:
        if earned.std() > 1e-9 and rest.std() > 1e-9:
            told = float(np.corrcoef(earned, rest)[0, 1])
        order = np.argsort(totals, kind="stable")
        fifths = tuple(float(passed[part].mean()) for part in np.array_split(order, FIFTHS))
    return Item(test, check, full, float(passed.mean()), float(earned.mean()), told, fifths)

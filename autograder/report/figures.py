"""Figures of a class: how scores lie, and what each test cell and check tells apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from autograder.report.handed_in_work import ClassWork, Work

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
    found = []
    for test, verdict in judged[0].tests.items():
        full = float(verdict["max_score"])
        found.append(_item(judged, test, None, full, _points(test)))
        for check in dict.fromkeys(
            c["name"] for each in judged for c in each.tests[test]["checks"]
        ):
            worth = max(_worth(each, test, check) for each in judged)
            earned = _earned(test, check)
            found.append(_item(judged, test, check, worth, earned))
    return found


def _points(test: str) -> Callable[[Work], float]:
    return lambda work: work.points(test)


def _worth(work: Work, test: str, check: str) -> float:
    return sum(float(c["points"]) for c in work.tests[test]["checks"] if c["name"] == check)


def _earned(test: str, check: str) -> Callable[[Work], float]:
    def points(work: Work) -> float:
        checks = work.tests[test]["checks"]
        return float(sum(c["points"] for c in checks if c["name"] == check and c["passed"]))

    return points


def _item(
    works: Sequence[Work],
    test: str,
    check: str | None,
    full: float,
    points: Callable[[Work], float],
) -> Item:
    earned = np.array([points(each) for each in works])
    totals = np.array([sum(each.points(name) for name in each.tests) for each in works])
    passed = earned >= full - 1e-9
    rest = totals - earned
    told: float | None = None
    fifths: tuple[float, ...] = ()
    if len(works) >= FEWEST:
        if earned.std() > 1e-9 and rest.std() > 1e-9:
            told = float(np.corrcoef(earned, rest)[0, 1])
        order = np.argsort(totals, kind="stable")
        fifths = tuple(float(passed[part].mean()) for part in np.array_split(order, FIFTHS))
    return Item(test, check, full, float(passed.mean()), float(earned.mean()), told, fifths)

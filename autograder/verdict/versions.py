"""Wrong versions of the reference, as a diagnosis asks about them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from autograder.course.catalogue import Catalogue
from autograder.verdict.evidence import Evidence, Record, decode
from autograder.verdict.judge import judge
from autograder.verdict.verdict import Drawing

Swap = tuple[str, ...]  # the ids of the misconceptions that are in a version of the reference


@dataclass(frozen=True)
class Version:
    """What a wrong version of the reference gives in checks of one test cell.

    `fails` are the checks that it fails, `records` its evidence in these.
    """

    fails: frozenset[str]
    records: Mapping[str, Record]


class Versions(Protocol):
    """Wrong versions of the reference, and what comes out of them."""

    @property
    def catalogue(self) -> Catalogue:
        """The misconceptions that versions are made of."""

    def seconds(self, test: str) -> Mapping[str, float]:
        """What the checks of a test cell cost, by name; none of what is known beforehand."""

    def failing(self, test: str) -> Mapping[Swap, frozenset[str]]:
        """The checks that versions failed when they were last tried, where that is known."""

    def versions(
        self, test: str, swaps: Sequence[Swap], checks: Collection[str] | None = None
    ) -> Mapping[Swap, Version]:
        """What a test cell observes of each version, or each of these checks for itself.

        Those that cannot be made are left out.
        """

    def pictures(self, swap: Swap) -> Sequence[Drawing]:
        """What a version makes of the public examples."""


def version_of(
    test: str, reference: Evidence, evidence: Evidence, forbidden: Sequence[str]
) -> Version:
    """Judge a wrong version as a submission is judged."""
    found = {each.name: each for each in map(decode, evidence)}
    judged = judge(test, 1.0, reference, evidence, forbidden)
    records = {c.name: found[c.name] for c in judged.checks if not c.passed and c.name in found}
    return Version(frozenset(c.name for c in judged.checks if not c.passed), records)


def alone(
    test: str, expected: Mapping[str, Record], found: Iterable[Record], forbidden: Sequence[str]
) -> Version:
    """Judge each check as if there were no other in the cell; `expected` are these by name."""
    each = [
        version_of(test, [expected[record.name]], [record], forbidden)
        for record in found
        if record.name in expected
    ]
    return Version(
        frozenset(name for one in each for name in one.fails),
        {name: record for one in each for name, record in one.records.items()},
    )


def part_of(version: Version, checks: Collection[str] | None) -> Version:
    """What a version gives in these checks alone."""
    if checks is None:
        return version
    records = {name: each for name, each in version.records.items() if name in checks}
    return Version(version.fails & {*checks}, records)

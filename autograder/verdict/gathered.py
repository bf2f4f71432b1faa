"""The evidence of wrong versions, as far as it was gathered, judged in single checks or a cell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from autograder.verdict.evidence import Evidence, Record, decode
from autograder.verdict.versions import Swap, Version, alone, version_of


@dataclass(eq=False)
class Gathered:
    """Records by test cell and version; `reference` and `forbidden` are what they are judged by.

    Each is read once, those of the reference too.
    """

    reference: Mapping[str, Evidence]
    forbidden: Mapping[str, Sequence[str]]
    _expected: dict[str, dict[str, Record]] = field(default_factory=dict)
    _records: dict[tuple[str, Swap], dict[str, Record]] = field(default_factory=dict)
    _alone: dict[tuple[str, Swap, str], Version] = field(default_factory=dict)
    _whole: dict[tuple[str, Swap], Version] = field(default_factory=dict)

    def expected(self, test: str) -> Mapping[str, Record]:
        """What the reference gives in each check of a test cell, in order."""
        if test not in self._expected:
            self._expected[test] = {each.name: each for each in map(decode, self.reference[test])}
        return self._expected[test]

    def add(self, test: str, swap: Swap, evidence: Iterable[bytes | Record]) -> None:
        """Add what a version gave."""
        known = self._records.setdefault((test, swap), {})
        known.update({each.name: each for each in map(decode, evidence)})

    def lacks(self, test: str, swap: Swap, checks: Collection[str]) -> frozenset[str]:
        """Those of the checks in which nothing is known of a version."""
        return frozenset(checks) - self._records.get((test, swap), {}).keys()

    def version(self, test: str, swap: Swap, checks: Collection[str] | None) -> Version:
        """What a version gives in each of these checks, or in the cell; all in it are known."""
        if checks is None:
            if (test, swap) not in self._whole:
                expected, known = self.expected(test), self._records[test, swap]
                evidence = [known[name] for name in expected if name in known]
                judged = version_of(test, [*expected.values()], evidence, self.forbidden[test])
                self._whole[test, swap] = judged
            return self._whole[test, swap]
        each = [self._one(test, swap, name) for name in checks]
        return Version(
            frozenset(name for one in each for name in one.fails),
            {name: record for one in each for name, record in one.records.items()},
        )

    def _one(self, test: str, swap: Swap, name: str) -> Version:
        if (test, swap, name) not in self._alone:
            record = self._records[test, swap][name]
            judged = alone(test, self.expected(test), [record], self.forbidden[test])
            self._alone[test, swap, name] = judged
        return self._alone[test, swap, name]

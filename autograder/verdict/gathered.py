"""The evidence of wrong versions, as far as it was gathered, judged in single checks or a cell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from autograder.verdict.evidence import decode
from autograder.verdict.versions import Swap, Version, alone, version_of


@dataclass(eq=False)
class Gathered:
    """Records by test cell and version; `reference` and `forbidden` are what they are judged by."""

    reference: Mapping[str, Sequence[bytes]]
    forbidden: Mapping[str, Sequence[str]]
    _records: dict[tuple[str, Swap], dict[str, bytes]] = field(default_factory=dict)
    _alone: dict[tuple[str, Swap, str], Version] = field(default_factory=dict)
    _whole: dict[tuple[str, Swap], Version] = field(default_factory=dict)

    def checks(self, test: str) -> list[str]:
        """The names of the checks of a test cell, in order."""
        return [decode(record).name for record in self.reference[test]]

    def add(self, test: str, swap: Swap, evidence: Iterable[bytes]) -> None:
        """Add what a version gave."""
        known = self._records.setdefault((test, swap), {})
        known.update({decode(record).name: record for record in evidence})

    def lacks(self, test: str, swap: Swap, checks: Collection[str]) -> frozenset[str]:
        """Those of the checks in which nothing is known of a version."""
        return frozenset(checks) - self._records.get((test, swap), {}).keys()

    def version(self, test: str, swap: Swap, checks: Collection[str] | None) -> Version:
        """What a version gives in each of these checks, or in the cell; all in it are known."""
        if checks is None:
            if (test, swap) not in self._whole:
                known = self._records[test, swap]
                evidence = [known[name] for name in self.checks(test) if name in known]
                judged = version_of(test, self.reference[test], evidence, self.forbidden[test])
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
            judged = alone(test, self.reference[test], [record], self.forbidden[test])
            self._alone[test, swap, name] = judged
        return self._alone[test, swap, name]

"""Looks at wrong versions beside a submission, check by check, as far as the budget goes.

Each version is run on the cheapest check first, and only what agrees goes on to dearer ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from autograder.verdict.agreement import agree, say_enough, stop_alike
from autograder.verdict.before import Before
from autograder.verdict.budget import ROUND, Budget
from autograder.verdict.evidence import Record
from autograder.verdict.versions import Swap, Version, Versions

FEW = 3  # are looked at in the whole cell at once
# A check that the submission fails tells more than one that it passes: it may take more, by this.
TELLS_MORE_SECONDS = 0.06


class Looking:
    """Versions in one test cell.

    `expected` and `found` are the evidence of reference and submission by check, `failed` what the
    submission fails, all of which gave evidence, `alone` what it would fail without the others.
    """

    def __init__(
        self,
        test: str,
        expected: Mapping[str, Record],
        found: Mapping[str, Record],
        failed: frozenset[str],
        alone: frozenset[str],
        wrong: Versions,
        budget: Budget,
    ) -> None:
        self._test, self._wrong, self._budget = test, wrong, budget
        self._expected, self._found, self._failed = expected, found, failed
        self._alone = alone
        self._costs = wrong.seconds(test)
        self._before = Before(wrong.failing(test), failed)
        self._looked: dict[Swap, set[str]] = {}
        self._alike: dict[tuple[Swap, str], bool] = {}

    def _left_over(
        self,
        swaps: Sequence[Swap],
        fits: Callable[[Swap, Version, str], bool],
        telling: Collection[str],
    ) -> Iterator[tuple[Swap, Version]]:
        """What the whole cell gives of those that fit in its cheap checks."""
        left = list(swaps)
        whole = sum(map(self._cost, self._expected))
        order = self._by_cost(self._expected, telling)
        while order and len(left) > FEW and len(left) * whole > ROUND:
            checks, order = self._round(order, len(left))
            versions = self._look(left, checks)
            left = [s for s, each in versions.items() if all(fits(s, each, c) for c in checks)]
        at_once = max(FEW, int(ROUND / whole)) if whole else len(left) or 1
        for start in range(0, len(left), at_once):
            yield from self._look(left[start : start + at_once]).items()

    def _look(
        self, swaps: Sequence[Swap], checks: Sequence[str] | None = None
    ) -> Mapping[Swap, Version]:
        """What versions give in these checks or in all, as far as the budget goes."""
        names = list(self._expected if checks is None else checks)
        unseen = {swap: [n for n in names if n not in self._looked.get(swap, ())] for swap in swaps}
        some = self._budget.take((s, sum(map(self._cost, new))) for s, new in unseen.items())
        for swap in some:
            self._looked.setdefault(swap, set()).update(names)
        return self._wrong.versions(self._test, some, checks)

    def _round(self, order: Sequence[str], versions: int) -> tuple[list[str], list[str]]:
        """The next checks, as many as cost so many versions what their start does; and the rest."""
        size, cost = 1, versions * self._cost(order[0])
        while size < len(order) and (cost := cost + versions * self._cost(order[size])) <= ROUND:
            size += 1
        return list(order[:size]), list(order[size:])

    def _cost(self, name: str) -> float:
        return self._costs.get(name, 0.0)

    def _by_cost(self, names: Collection[str], telling: Collection[str]) -> list[str]:
        """Checks, the cheapest first; those that tell more may cost more."""

        def cost(name: str) -> float:
            return self._cost(name) + (0 if name in telling else TELLS_MORE_SECONDS)

        return sorted((name for name in self._expected if name in names), key=cost)

    def _is_alike(self, swap: Swap, version: Version, name: str) -> bool:
        """Whether a version does in a check that the submission fails what it does."""
        record = version.records.get(name)
        if record is None:
            return False
        if (swap, name) not in self._alike:
            alike = agree(record, self._found[name], self._expected[name])
            self._alike[swap, name] = alike
        return self._alike[swap, name]

    def _agrees(self, swap: Swap, version: Version) -> bool:
        records = version.records
        if not all(self._is_alike(swap, version, name) for name in records):
            return False
        by_id = self._wrong.catalogue.by_id
        own = {by_id[id].definition for id in swap} == {self._test.removeprefix("test-")}
        return say_enough(self._expected, records) or (
            own and stop_alike(self._expected, records, self._found)
        )

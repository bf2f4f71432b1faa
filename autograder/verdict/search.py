"""Looks for the wrong versions that give the evidence of a submission in one test cell.

Each version is run on the cheapest check first, and only what agrees goes on to dearer ones. The
budget says how far that goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from autograder.verdict.agreement import agree, say_enough, stop_alike, tells
from autograder.verdict.before import Before
from autograder.verdict.budget import ROUND, Budget
from autograder.verdict.evidence import Record
from autograder.verdict.versions import Swap, Version, Versions

FEW = 3  # are looked at in the whole cell at once
MOST_PAIRS = 96
# For those that failed other checks when they were last tried: it is seldom one of them.
UNLIKELY_SECONDS = 1.0
# A check that the submission fails tells more than one that it passes: it may take more, by this.
TELLS_MORE_SECONDS = 0.06


class Search:
    """The search in one test cell.

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

    def is_wrong(self, swap: Swap) -> bool:
        """Whether a version fails a check of this cell, or cannot be made to see it."""
        made = self._look([swap])
        return swap not in made or bool(made[swap].fails)

    def one_of(self, *groups: Sequence[Swap], only_likely: bool = False) -> dict[str, Swap] | None:
        """The first that fails the same checks in the same way, by group.

        Those that failed these when they were last tried come first, then those that failed about
        these, then others.
        """
        is_alike, is_near = self._before.is_alike, self._before.is_near
        alike, near = ([[*filter(each, g)] for g in groups] for each in (is_alike, is_near))
        if (found := self._first([*alike, *near])) is not None or only_likely:
            return found
        with self._budget.at_most(UNLIKELY_SECONDS):
            return self._first([[swap for swap in g if not is_near(swap)] for g in groups])

    def _first(self, groups: Sequence[Sequence[Swap]]) -> dict[str, Swap] | None:
        return next(filter(None, map(self._first_of, groups)), None)

    def _first_of(self, swaps: Sequence[Swap]) -> dict[str, Swap] | None:
        def fits(swap: Swap, version: Version, name: str) -> bool:
            alike = name not in self._alone or self._is_alike(swap, version, name)
            return alike and (name in version.fails) == (name in self._alone)

        for swap, version in self._left_over(swaps, fits, self._alone):
            if version.fails == self._failed and self._agrees(swap, version):
                return dict.fromkeys(version.fails, swap)
        return None

    def together(self, swaps: Sequence[Swap]) -> dict[str, Swap] | None:
        """Several that each explain some of the checks, and all of them together."""
        swaps = [*filter(self._before.may_be_part, swaps)]
        agreeing: dict[Swap, frozenset[str]] = {}
        for check in self._by_cost(self._alone, self._alone):
            if not any(check in fails for fails in agreeing.values()):
                more = self._explaining(swaps, check)
                if not more:
                    return None
                agreeing |= more
        explained: dict[str, Swap] = {}
        for swap in sorted(agreeing, key=lambda each: (-len(agreeing[each]), swaps.index(each))):
            if not agreeing[swap] & set(explained):
                explained |= dict.fromkeys(agreeing[swap], swap)
        return explained if set(explained) == self._failed else None

    def _explaining(self, swaps: Sequence[Swap], check: str) -> dict[Swap, frozenset[str]]:
        """Those that agree with the submission on a check, and wherever else they are wrong."""

        def fits(swap: Swap, version: Version, name: str) -> bool:
            if name not in version.fails:
                return name != check
            return name in self._alone and self._is_alike(swap, version, name)

        return {
            swap: version.fails
            for swap, version in self._left_over(swaps, fits, [check])
            if version.fails <= self._failed and self._agrees(swap, version)
        }

    def one_pair(self, own: Sequence[Swap]) -> dict[str, Swap] | None:
        """Two of one definition, of which each shows in more than where the code stops.

        One of them does somewhere what the submission does; the other is wrong where it does not.
        """
        own, left = [*filter(self._before.may_be_part, own)], MOST_PAIRS
        tried: set[Swap] = set()
        with self._budget.half():
            for check in self._by_cost(self._alone, self._alone):
                alike = [swap for swap in self._alike_in(own, check) if swap not in tried]
                tried.update(alike)
                for other, ones in self._where_they_differ(alike).items():
                    pairs = self._pairs(own, ones, other)[:left]
                    left -= len(pairs)
                    found = self._first_of(self._alike_in(pairs, other))
                    if found is not None:
                        return found if self._shows(next(iter(found.values()))) else None
        return None

    def _where_they_differ(self, swaps: Sequence[Swap]) -> dict[str, list[Swap]]:
        """Versions by the first failed check in which they do not what the submission does."""
        found: dict[str, list[Swap]] = {}
        left = list(swaps)
        order = self._by_cost(self._alone, self._alone)
        while order and left:
            checks, order = self._round(order, len(left))
            versions = self._look(left, checks)
            for swap, version in versions.items():
                names = [name for name in checks if not self._is_alike(swap, version, name)]
                if names:
                    found.setdefault(names[0], []).append(swap)
                    left.remove(swap)
        return found

    def _pairs(self, own: Sequence[Swap], ones: Sequence[Swap], check: str) -> list[Swap]:
        """Each of some with all others that fail a check, the common ones first."""
        places = {swap: place for place, swap in enumerate(own)}
        possible = [(a, b) for a in ones for b in own if a != b and self._before.may_be_all(a, b)]
        seen = self._look([*dict.fromkeys(b for _, b in possible)], [check])
        left = [(a, b) for a, b in possible if b in seen and check in seen[b].fails]
        both = {tuple(sorted((places[a], places[b]))) for a, b in left}
        return [own[i] + own[j] for i, j in sorted(both, key=lambda each: (sum(each), each))]

    def _shows(self, pair: Swap) -> bool:
        """Whether of two mistakes each fails its checks, and shows in them in the pair."""
        both = self._look([pair])[pair].records
        each = self._look([pair[:1], pair[1:]])
        if (
            len(each) < len(pair)
            or frozenset().union(*(version.fails for version in each.values())) != self._failed
        ):
            return False
        return all(
            any(
                tells(self._expected[name], record, ())
                for name, record in both.items()
                if name not in alone.records or not agree(alone.records[name], record)
            )
            for alone in each.values()
        )

    def _alike_in(self, swaps: Sequence[Swap], check: str) -> list[Swap]:
        """Those that do in a check that the submission fails what it does."""
        versions = self._look(swaps, [check])
        return [swap for swap, each in versions.items() if self._is_alike(swap, each, check)]

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

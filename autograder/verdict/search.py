"""Looks for the wrong versions that give the evidence of a submission in one test cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograder.verdict.agreement import agree, say_enough, tells
from autograder.verdict.looking import Looking
from autograder.verdict.versions import Swap, Version

MOST_PAIRS = 96
MANY = 3  # failed checks that agree are no chance, even where another one does not
# For those that failed other checks when they were last tried: it is seldom one of them.
UNLIKELY_SECONDS = 1.0


class Search(Looking):
    """The search in one test cell."""

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

    def almost(self, swaps: Sequence[Swap]) -> dict[str, Swap] | None:
        """One that does what the submission does wherever that fails, and fails one check more.

        So does the same mistake in a form that spares one case, as a stack without any layer.
        """
        if len(self._alone) < MANY:
            return None

        def fits(swap: Swap, version: Version, name: str) -> bool:
            return name not in self._alone or self._is_alike(swap, version, name)

        likely = [*filter(self._before.may_be_more, swaps)]
        for swap, version in self._left_over(likely, fits, self._alone):
            alike = {name: version.records[name] for name in self._failed & {*version.records}}
            if (
                version.fails > self._failed
                and len(version.fails) == len(self._failed) + 1
                and all(self._is_alike(swap, version, name) for name in self._failed)
                and say_enough(self._expected, alike)
            ):
                return dict.fromkeys(self._failed, swap)
        return None

    def together(self, swaps: Sequence[Swap], told: Mapping[str, Swap]) -> dict[str, Swap] | None:
        """Several that each explain some of the checks, and all of them together.

        What none of them explains may be `told` by the check itself.
        """
        swaps = [*filter(self._before.may_be_part, swaps)]
        agreeing: dict[Swap, frozenset[str]] = {}
        for check in self._by_cost(self._alone, self._alone):
            if not any(check in fails for fails in agreeing.values()):
                more = self._explaining(swaps, check)
                if not more and check not in told:
                    return None
                agreeing |= more
        explained: dict[str, Swap] = {}
        for swap in sorted(agreeing, key=lambda each: (-len(agreeing[each]), swaps.index(each))):
            if not agreeing[swap] & set(explained):
                explained |= dict.fromkeys(agreeing[swap], swap)
        rest = {name: told[name] for name in self._failed & {*told} - {*explained}}
        return explained | rest if explained and {*explained, *rest} == self._failed else None

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

"""Why a submission fails: the misconception that gives the very same evidence.

It knows nothing of what is taught. A name is given only where the evidence of a wrong version of
the reference agrees with the submission's on every check of the cell; else there is no guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Protocol

from autograder.course.catalogue import Catalogue
from autograder.errors import MalformedEvidenceError
from autograder.reading.from_scratch import first_forbidden
from autograder.verdict.agreement import agree, say_enough, stop_alike, tells
from autograder.verdict.evidence import Record, decode
from autograder.verdict.judge import judge
from autograder.verdict.verdict import CellResult, Drawing

MOST_PAIRS = 96  # each is run, and on long sequences that takes half a second
AT_ONCE = 16  # the common ones come first, so that most searches end with the first lot
# What a cell that is still to be written ends with.
UNFINISHED = ("NotImplementedError", "NameError", "SyntaxError")

Swap = tuple[str, ...]  # the ids of the misconceptions that are in a version of the reference


@dataclass(frozen=True)
class Version:
    """What a wrong version of the reference gives in one test cell.

    `fails` are the checks that it fails, `records` its evidence in these.
    """

    fails: frozenset[str]
    records: Mapping[str, Record]


def version_of(
    test: str,
    reference: Sequence[bytes],
    evidence: Sequence[bytes],
    forbidden: Sequence[str],
) -> Version:
    """Judge a wrong version as a submission is judged."""
    judged = judge(test, 1.0, reference, evidence, forbidden)
    found = {each.name: each for each in map(decode, evidence)}
    records = {c.name: found[c.name] for c in judged.checks if not c.passed and c.name in found}
    return Version(frozenset(records), records)


class Versions(Protocol):
    """Wrong versions of the reference, and what comes out of them."""

    @property
    def catalogue(self) -> Catalogue:
        """The misconceptions that versions are made of."""

    def versions(self, test: str, swaps: Sequence[Swap]) -> Mapping[Swap, Version]:
        """What a test cell observes of each version; those that cannot be made are left out."""

    def pictures(self, swap: Swap) -> Sequence[Drawing]:
        """What a version makes of the public examples."""


@dataclass(frozen=True)
class Case:
    """What a submission gave, and what it is compared with.

    `results` are the verdicts by test cell, in order, `reference` and `found` the evidence;
    `student_uses` and `reference_uses` say which definitions use which. `accused`
    are the test cells that earn nothing for a call that is to be built here: that is what is wrong.
    """

    results: Mapping[str, CellResult]
    reference: Mapping[str, Sequence[bytes]]
    found: Mapping[str, Sequence[bytes]]
    forbidden: Mapping[str, Sequence[str]]
    student_uses: Mapping[str, frozenset[str]]
    reference_uses: Mapping[str, frozenset[str]]
    accused: frozenset[str] = frozenset()


def diagnose(case: Case, wrong: Versions) -> dict[str, CellResult]:
    """The verdicts, with the misconceptions that explain what failed."""
    catalogue = wrong.catalogue
    causes: dict[str, Swap] = {}
    diagnosed = {}
    for test, result in case.results.items():
        definition = test.removeprefix("test-")
        if _all_passed(result):
            diagnosed[test] = result
            continue
        earlier = [
            name
            for name in case.student_uses.get(definition, ())
            if not _all_passed(case.results.get(f"test-{name}"))
        ]
        base = tuple(dict.fromkeys(id for name in earlier for id in causes.get(name, ())))
        found = None if test in case.accused else _Cell(test, case, wrong).explained(earlier, base)
        if found is None:
            diagnosed[test] = replace(result, mend_first=tuple(sorted(earlier)))
            continue
        causes[definition] = tuple(dict.fromkeys(id for ids in found.values() for id in ids))
        blamed = {
            name: tuple(catalogue.by_id[id] for id in ids if id not in base)
            for name, ids in found.items()
        }
        own = tuple(id for id in causes[definition] if id not in base)
        inherited = {catalogue.by_id[id].definition for id in causes[definition] if id in base}
        diagnosed[test] = replace(
            result,
            checks=tuple(replace(c, because=blamed.get(c.name, ())) for c in result.checks),
            follows_from=tuple(sorted(inherited)),
            drawings=tuple(wrong.pictures(own)) if own else (),
        )
    return diagnosed


def _all_passed(result: CellResult | None) -> bool:
    return result is None or all(check.passed for check in result.checks)


class _Cell:
    """One test cell that failed, and the search for what explains it."""

    def __init__(self, test: str, case: Case, wrong: Versions) -> None:
        self._test, self._case, self._wrong = test, case, wrong
        self._catalogue = wrong.catalogue
        self._definition = test.removeprefix("test-")
        self._expected = {each.name: each for each in map(decode, case.reference[test])}
        try:
            self._found = {each.name: each for each in map(decode, case.found.get(test, ()))}
        except MalformedEvidenceError:
            self._found = {}
        self._failed = frozenset(c.name for c in case.results[test].checks if not c.passed)

    def explained(self, earlier: Sequence[str], base: Swap) -> dict[str, Swap] | None:
        """The misconceptions behind each failed check, or None where none fit.

        `earlier` are the definitions with failures of their own that this one uses, `base` the
        misconceptions already found in them.
        """
        if not self._failed <= set(self._found) or self._calls_forbidden():
            return None
        if all({*UNFINISHED} & set(self._found[name].raised or ()) for name in self._failed):
            return None
        used = self._case.reference_uses.get(self._definition, frozenset())
        if not used.issuperset(earlier):
            return None  # no version of the reference shows what these do here
        own = [(each.id,) for each in self._catalogue.of(self._definition)]
        if base and self._wrong_by(base):
            # A version without what is known to be wrong below would agree by chance.
            return self._one_of([base, *((*base, *one) for one in own)])
        entries = self._catalogue.misconceptions
        failing = [(each.id,) for each in entries if each.definition in earlier]
        passing = [(each.id,) for each in entries if each.definition in used - {*earlier}]
        return (
            self._one_of([*failing, *own, *passing]) or self._together(own) or self._one_pair(own)
        )

    def _wrong_by(self, base: Swap) -> bool:
        """Whether these fail a check of this cell, or cannot be made to see it."""
        made = self._wrong.versions(self._test, [base])
        return base not in made or bool(made[base].fails)

    def _one_pair(self, own: Sequence[Swap]) -> dict[str, Swap] | None:
        """Two of one definition, of which each shows in more than where the code stops."""
        found = self._one_of(self._pairs(own))
        if found is None:
            return None
        pair = next(iter(found.values()))
        both = self._wrong.versions(self._test, [pair])[pair].records
        for alone in self._wrong.versions(self._test, [pair[:1], pair[1:]]).values():
            if not any(
                tells(self._expected[name], record, ())
                for name, record in both.items()
                if name not in alone.records or not agree(alone.records[name], record)
            ):
                return None
        return found

    def _pairs(self, own: Sequence[Swap]) -> list[Swap]:
        """Two of one definition that fail, each for itself, no other checks than these.

        First those of which each does what the submission does where it alone fails, common ones
        before others; where two mistakes meet they may do something else.
        """
        versions = self._wrong.versions(self._test, own)
        part = [swap for swap in own if swap in versions and versions[swap].fails <= self._failed]
        alike = [self._like(versions[swap]) for swap in part]
        fails = [versions[swap].fails for swap in part]
        pairs = []
        for (i, one), (j, other) in combinations(enumerate(part), 2):
            if fails[i] | fails[j] == self._failed:
                likely = fails[i] - fails[j] <= alike[i] and fails[j] - fails[i] <= alike[j]
                pairs.append((not likely, i + j, one + other))
        return [pair for _, _, pair in sorted(pairs)[:MOST_PAIRS]]

    def _like(self, version: Version) -> frozenset[str]:
        """The checks in which a version does what the submission does."""
        return frozenset(
            name
            for name, record in version.records.items()
            if agree(record, self._found[name], self._expected[name])
        )

    def _calls_forbidden(self) -> bool:
        parts = self._case.forbidden[self._test]
        calls = {call for name in self._failed for call in self._found[name].calls}
        return first_forbidden(calls, parts) is not None

    def _one_of(self, swaps: Sequence[Swap]) -> dict[str, Swap] | None:
        """The first that fails the same checks in the same way."""
        for swap, fails in self._agreeing(swaps):
            if fails == self._failed:
                return dict.fromkeys(fails, swap)
        return None

    def _together(self, swaps: Sequence[Swap]) -> dict[str, Swap] | None:
        """Several that each explain some of the checks, and all of them together."""
        explained: dict[str, Swap] = {}
        ordered = sorted(self._agreeing(swaps), key=lambda each: -len(each[1]))
        for swap, fails in ordered:
            if not fails & set(explained):
                explained |= dict.fromkeys(fails, swap)
        return explained if set(explained) == self._failed else None

    def _agreeing(self, swaps: Sequence[Swap]) -> Iterator[tuple[Swap, frozenset[str]]]:
        """Those that agree with the submission wherever they are wrong, with what they fail."""
        for start in range(0, len(swaps), AT_ONCE):
            some = swaps[start : start + AT_ONCE]
            versions = self._wrong.versions(self._test, some)
            for swap, version in versions.items():
                if version.fails and version.fails <= self._failed and self._agrees(swap, version):
                    yield swap, version.fails

    def _agrees(self, swap: Swap, version: Version) -> bool:
        if self._like(version) != version.records.keys():
            return False
        own = {self._catalogue.by_id[id].definition for id in swap} == {self._definition}
        return say_enough(self._expected, version.records) or (
            own and stop_alike(self._expected, version.records, self._found)
        )

"""Why a submission fails: the misconception that gives the very same evidence.

It knows nothing of what is taught. A name is given only where the evidence of a wrong version of
the reference agrees with the submission's on every check of the cell, or where no check failed but
such as look at one promise each, which is broken then; else there is no guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autograder.course.telling import TYPE, is_told_always
from autograder.errors import MalformedEvidenceError
from autograder.reading.from_scratch import first_forbidden
from autograder.verdict.budget import Budget
from autograder.verdict.evidence import Evidence, Record, decode
from autograder.verdict.judge import differs_in_type
from autograder.verdict.search import Search
from autograder.verdict.verdict import CellResult
from autograder.verdict.versions import Swap, Versions, alone

# What a cell that is still to be written ends with.
UNFINISHED = ("NotImplementedError", "NameError", "SyntaxError")


@dataclass(frozen=True)
class Case:
    """What a submission gave, and what it is compared with.

    `results` are the verdicts by test cell, in order, `reference` and `found` the evidence;
    `student_uses` and `reference_uses` say which definitions use which. `accused`
    are the test cells that earn nothing for a call that is to be built here: that is what is wrong.
    """

    results: Mapping[str, CellResult]
    reference: Mapping[str, Evidence]
    found: Mapping[str, Evidence]
    forbidden: Mapping[str, Sequence[str]]
    student_uses: Mapping[str, frozenset[str]]
    reference_uses: Mapping[str, frozenset[str]]
    accused: frozenset[str] = frozenset()


def diagnose(case: Case, wrong: Versions) -> dict[str, CellResult]:
    """The verdicts, with the misconceptions that explain what failed."""
    catalogue, budget = wrong.catalogue, Budget()
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
        found = (
            None
            if test in case.accused
            else _Cell(test, case, wrong, budget).explained(earlier, base)
        )
        if found is None:
            diagnosed[test] = replace(result, mend_first=tuple(sorted(earlier)))
            continue
        every = tuple(dict.fromkeys(id for ids in found.values() for id in ids))
        causes[definition] = tuple(id for id in every if id in catalogue.by_id)
        blamed = {
            name: tuple(catalogue.named[id] for id in ids if id not in base)
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
    """One test cell that failed, and where what explains it is looked for."""

    def __init__(self, test: str, case: Case, wrong: Versions, budget: Budget) -> None:
        self._test, self._case, self._wrong, self._budget = test, case, wrong, budget
        self._catalogue = wrong.catalogue
        self._definition = test.removeprefix("test-")
        self._forbidden = case.forbidden[test]
        try:
            self._found = _by_name(case.found.get(test, ()))
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
        expected, forbidden = _by_name(self._case.reference[self._test]), self._forbidden
        search = Search(
            self._test,
            expected,
            self._found,
            self._failed,
            alone(self._test, expected, self._found.values(), forbidden).fails,
            self._wrong,
            self._budget,
        )
        own = [(each.id,) for each in self._catalogue.of(self._definition)]
        if base and search.is_wrong(base):
            # A version without what is known to be wrong below would agree by chance.
            return search.one_of([base, *((*base, *one) for one in own)])
        entries = self._catalogue.misconceptions
        failing = [(each.id,) for each in entries if each.definition in earlier]
        passing = [(each.id,) for each in entries if each.definition in used - {*earlier}]
        told = {} if earlier else self._told(expected)
        always = {
            name: ids for name, ids in told.items() if is_told_always(self._catalogue.named[ids[0]])
        }
        if len(told) == len(self._failed):
            return search.one_of(own, passing, only_likely=True) or always or told
        return (
            search.one_of([*failing, *own], passing)
            or search.together(own, always or told)
            or search.almost([*failing, *own])
            or search.one_pair(own)
            or always
            or None
        )

    def _told(self, expected: Mapping[str, Record]) -> dict[str, Swap]:
        """What failed checks tell by themselves, as far as they do."""
        telling = self._catalogue.telling
        told = {
            name: telling.get((self._definition, TYPE))
            if differs_in_type(expected[name], self._found[name])
            else telling.get((self._definition, name))
            for name in self._failed
        }
        return {name: (each.id,) for name, each in told.items() if each is not None}

    def _calls_forbidden(self) -> bool:
        calls = {call for name in self._failed for call in self._found[name].calls}
        return first_forbidden(calls, self._forbidden) is not None


def _by_name(records: Evidence) -> dict[str, Record]:
    return {each.name: each for each in map(decode, records)}

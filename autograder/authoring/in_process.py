"""Runs an assignment's cells in this process, where a sandbox would add nothing but its start."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import torch

from autograder.authoring.authored import Authored
from autograder.course.assignment import DEMO, grade_id_of, hidden_code, is_solution, is_test
from autograder.course.catalogue import Catalogue
from autograder.course.tried import Failing, failed
from autograder.kernel import linux
from autograder.kernel.around import environment, quiet
from autograder.kernel.start import LARGE_BLOCK_BYTES, warm_up
from autograder.kernel.versions import defined, observed, plain
from autograder.reading.names import uses
from autograder.reference.checks import costs, keeps_state
from autograder.reference.checks import only as only_checks
from autograder.sandbox.limits import limits_of
from autograder.verdict.diagnose import Case, diagnose
from autograder.verdict.gathered import Gathered
from autograder.verdict.judge import judge
from autograder.verdict.verdict import CellResult, Drawing
from autograder.verdict.versions import Swap, Version

Evidence = Mapping[str, Sequence[bytes]]
SEED = "WORKBOOK_SEED"


def as_in_a_kernel() -> None:
    """Have this process observe what a sealed kernel does: its memory, one thread, all set up."""
    linux.map_blocks_of(LARGE_BLOCK_BYTES)
    torch.set_num_threads(1)
    warm_up()
    gc.freeze()  # each look at memory collects, and went through all that was ever imported


@dataclass(eq=False)
class InProcess:
    """One assignment's definitions and test cells, run here on one seed.

    What was run of a wrong version is kept, and every question about it answered from that.
    `alone` looks at one misconception at a time, and only at those that are known; `tried` is what
    a proof says of them.
    """

    authored: Authored
    seed: int = 1
    alone: bool = False
    known: dict[tuple[str, Swap], Sequence[bytes]] = field(default_factory=dict)
    tried: Failing = field(default_factory=dict)
    _taken: dict[str, Mapping[str, float]] = field(default_factory=dict)
    _failing: dict[str, dict[Swap, frozenset[str]]] = field(default_factory=dict)

    @property
    def catalogue(self) -> Catalogue:
        """The misconceptions that versions are made of."""
        return self.authored.catalogue

    @cached_property
    def reference(self) -> Evidence:
        """What the reference gives, by test cell; in those that are `known`, where some are."""
        known = {test: found for (test, swap), found in self.known.items() if not swap}
        return known or self.run(defined(self.authored.module))

    def run(
        self,
        definitions: Mapping[str, Any],
        only: str | None = None,
        part: Callable[[str], str] = lambda source: source,
    ) -> Evidence:
        """The evidence of the test cells, or of one, with these for the solution cells.

        `part` makes of a cell's hidden code what is to be run.
        """
        namespace: dict[str, Any] = {"__name__": "__main__"}
        evidence: dict[str, Sequence[bytes]] = {}
        with environment(SEED, str(self.seed)), quiet():
            for cell in self.authored.assignment.notebook.cells:
                if cell.cell_type != "code" or DEMO in cell.metadata.get("tags", []):
                    continue
                name = str(grade_id_of(cell))
                if is_solution(cell):
                    namespace[name] = definitions.get(name)
                elif not is_test(cell):
                    with contextlib.suppress(Exception):  # as a kernel goes on behind it
                        exec(plain(cell.source), namespace)
                elif only in (None, name):
                    evidence[name] = self._observed(part(hidden_code(cell.source)), namespace)
                    if only is not None:
                        break
        return evidence

    def judged(self, found: Evidence, *, borrowed: bool = False) -> dict[str, CellResult]:
        """The verdicts on the test cells that gave evidence.

        `borrowed` is for what may call the library functions that are to be built.
        """
        return {
            name: judge(
                name,
                float(cell.metadata["nbgrader"]["points"]),
                self.reference[name],
                found[name],
                () if borrowed else self.authored.forbidden[name],
            )
            for name, cell in self.authored.assignment.tests.items()
            if name in found
        }

    def diagnosed(self, source: str, found: Evidence) -> dict[str, CellResult]:
        """The verdicts on evidence that a module of this source gave, with what explains them."""
        case = Case(
            results=self.judged(found),
            reference=self.reference,
            found=found,
            forbidden=self.authored.forbidden,
            student_uses=uses([source]),
            reference_uses=self.catalogue.uses,
        )
        return diagnose(case, self)

    def keep(self, test: str, swap: Swap, source: str) -> Sequence[bytes]:
        """What a test cell observes of a version of this source; run once."""
        if (test, swap) not in self.known:
            self.known[test, swap] = self.run(defined(source), only=test)[test]
        return self.known[test, swap]

    def seconds(self, test: str) -> Mapping[str, float]:
        """The processor seconds that each check of a test cell takes the reference."""
        if test not in self._taken:
            taken = {n: each.seconds for n, each in self.gathered.expected(test).items()}
            source = hidden_code(self.authored.assignment.tests[test].source)
            self._taken[test] = costs(source, taken)
        return self._taken[test]

    def failing(self, test: str) -> Mapping[Swap, frozenset[str]]:
        """The checks of a test cell that each misconception fails, of those that were tried."""
        if test not in self._failing:
            checks = self.gathered.expected(test)
            self._failing[test] = failed(self.tried, test, checks, self.catalogue.by_id)
        found = self._failing[test]
        new = [s for name, s in self.known if name == test and len(s) == 1 and s not in found]
        found.update({swap: self._version(test, swap, "", None).fails for swap in new})
        return found

    def versions(
        self, test: str, swaps: Sequence[Swap], checks: Collection[str] | None = None
    ) -> Mapping[Swap, Version]:
        """What a test cell, or these of its checks, observe of each version.

        Those that cannot be made are left out. Each is run when it is looked at.
        """
        if self.alone:
            swaps = [swap for swap in swaps if (test, swap) in self.known]
        sources = {s: source for s in swaps if (source := self.catalogue.swapped(s)) is not None}
        return _WhenAsked(sources, lambda swap: self._version(test, swap, sources[swap], checks))

    def _version(
        self, test: str, swap: Swap, source: str, checks: Collection[str] | None
    ) -> Version:
        gathered = self.gathered
        if (test, swap) in self.known:
            gathered.add(test, swap, self.known[test, swap])
        missing = gathered.lacks(test, swap, gathered.expected(test) if checks is None else checks)
        if missing:
            if checks is None or any(keeps_state(self.catalogue.changed(each)) for each in swap):
                gathered.add(test, swap, self.keep(test, swap, source))
            else:
                part = partial(only_checks, checks=missing)
                gathered.add(test, swap, self.run(defined(source), test, part)[test])
        if gathered.lacks(test, swap, checks or ()):
            return Version(frozenset(checks or ()), {})  # it ended before
        return gathered.version(test, swap, checks)

    @cached_property
    def gathered(self) -> Gathered:
        """What is known of versions, judged."""
        return Gathered(self.reference, self.authored.forbidden)

    def pictures(self, swap: Swap) -> Sequence[Drawing]:
        """None: an author reads the numbers."""
        return ()

    def evidence(self, source: str, swaps: Sequence[Swap]) -> dict[Swap, list[bytes]]:
        """What a piece of source that observes gives with each version's definitions."""
        found = {}
        for swap in swaps:
            module = self.catalogue.swapped(swap)
            if module is not None:
                every = defined(module)
                own = {name: every[name] for name in self.authored.solution_cells if name in every}
                with environment(SEED, str(self.seed)), quiet():
                    found[swap] = self._observed(source, own)
        return found

    def _observed(self, source: str, namespace: dict[str, Any]) -> list[bytes]:
        """The records of a cell, as far as it came in the time that grading gives it."""
        return observed(source, namespace, limits_of(self.authored.assignment).cell_seconds)


class _WhenAsked(Mapping[Swap, Version]):
    """What a call gives for each key, called when the value is looked at."""

    def __init__(self, keys: Mapping[Swap, str], value: Callable[[Swap], Version]) -> None:
        self._keys, self._value = keys, value

    def __getitem__(self, swap: Swap) -> Version:
        if swap not in self._keys:
            raise KeyError(swap)
        return self._value(swap)

    def __contains__(self, swap: object) -> bool:
        return swap in self._keys

    def __iter__(self) -> Iterator[Swap]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

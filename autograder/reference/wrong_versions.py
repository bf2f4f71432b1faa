"""Runs the reference with misconceptions in it, in the sandbox, when a diagnosis asks for it.

What was run once is kept, here and for other processes: a class makes the same mistakes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from autograder.course.assignment import (
    DEMO,
    Assignment,
    grade_id_of,
    hidden_code,
    is_solution,
    is_test,
)
from autograder.course.catalogue import Catalogue, Picture
from autograder.course.tried import Failing, failed
from autograder.errors import MalformedEvidenceError
from autograder.kernel.request import InTurn
from autograder.reference.checks import costs, keeps_state, only, without_comments
from autograder.reference.drawing import drawing, matrix
from autograder.reference.kept_versions import KeptVersions
from autograder.sandbox.limits import limits_of
from autograder.sandbox.needs import needs_of
from autograder.sandbox.standing import Standing
from autograder.verdict.evidence import Record
from autograder.verdict.gathered import Gathered
from autograder.verdict.verdict import Drawing
from autograder.verdict.versions import Swap, Version

AT_ONCE = 64  # versions in one question to the kernel
# A version that takes so much longer than the reference does something else.
SLOWER, AT_LEAST_SECONDS = 20, 3
PICTURE = """from autograder.observe import observe
{code}
with observe("picture") as seen:
    seen.picture = picture
"""


@dataclass
class WrongVersions:
    """The evidence of wrong versions of one assignment's reference, on one seed.

    `modules` are those of `solutions/` that the reference needs, `reference` is its evidence;
    `kept` is what other processes found, `tried` what the proof did.
    """

    assignment: Assignment
    catalogue: Catalogue
    modules: Mapping[str, bytes]
    seed: int
    reference: Mapping[str, Sequence[bytes]]
    kept: KeptVersions | None = None
    tried: Failing = field(default_factory=dict)
    _taken: dict[str, Mapping[str, float]] = field(default_factory=dict)
    _ended: set[tuple[str, Swap]] = field(default_factory=set)
    _drawn: dict[Swap, list[Drawing]] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        known: dict[str, Any] = {"_taken": {}, "_ended": set(), "_drawn": {}}
        return {name: v for name, v in self.__dict__.items() if name != "_gathered"} | known

    def expected(self, test: str) -> Sequence[Record]:
        """What the reference gives in a test cell, read once."""
        return [*self._gathered.expected(test).values()]

    def seconds(self, test: str) -> Mapping[str, float]:
        """The processor seconds that each check of a test cell took the reference."""
        if test not in self._taken:
            taken = {each.name: each.seconds for each in self.expected(test)}
            self._taken[test] = costs(self._hidden(test), taken)
        return self._taken[test]

    def failing(self, test: str) -> Mapping[Swap, frozenset[str]]:
        """The checks that misconceptions failed when the notebook was proved; of some, none."""
        return failed(self.tried, test, self._gathered.expected(test), self.catalogue.by_id)

    def versions(
        self, test: str, swaps: Sequence[Swap], checks: Collection[str] | None = None
    ) -> Mapping[Swap, Version]:
        """What a test cell observes of each version, or each of these checks for itself.

        Versions that cannot be made are left out.
        """
        gathered = self._gathered
        wanted = [*gathered.expected(test)] if checks is None else checks

        def missing() -> list[Swap]:
            return [swap for swap in swaps if gathered.lacks(test, swap, wanted)]

        if self.kept:
            for swap, evidence in self.kept.find(test, missing()).items():
                with suppress(MalformedEvidenceError):  # it is made anew
                    gathered.add(test, swap, evidence)
        some = [swap for swap in missing() if (test, swap) not in self._ended]
        for start in range(0, len(some), AT_ONCE):
            self._look(test, some[start : start + AT_ONCE], frozenset(wanted))
        left_out = {*missing()}
        return {s: gathered.version(test, s, checks) for s in swaps if s not in left_out}

    @cached_property
    def _gathered(self) -> Gathered:
        tests = self.assignment.tests
        forbidden = {name: self.assignment.forbidden(cell) for name, cell in tests.items()}
        return Gathered(self.reference, forbidden)

    def _look(self, test: str, swaps: Sequence[Swap], wanted: frozenset[str]) -> None:
        """Run versions in the checks that are wanted and not known."""
        source = self._hidden(test)
        runs: dict[Swap, tuple[str, str]] = {}
        for swap in swaps:
            module = self.catalogue.swapped(swap)
            if module is not None and any(keeps_state(self.catalogue.changed(id)) for id in swap):
                runs[swap] = (module, source)
            elif module is not None:
                runs[swap] = (module, only(source, self._gathered.lacks(test, swap, wanted)))
        if not runs:
            return
        longest = AT_LEAST_SECONDS + SLOWER * sum(self.seconds(test).values())
        new: dict[Swap, list[bytes]] = {}
        for swap, evidence in zip(runs, self._run(list(runs.values()), longest), strict=True):
            self._gathered.add(test, swap, evidence)
            if self._gathered.lacks(test, swap, wanted):
                self._ended.add((test, swap))  # it was too slow, or its kernel ended
            else:
                new[swap] = evidence
        if self.kept and new:
            self.kept.keep(test, new)

    def _hidden(self, test: str) -> str:
        # Without the marks: what stands between them is run before the rest of its cell.
        return without_comments(hidden_code(self.assignment.tests[test].source))

    def pictures(self, swap: Swap) -> list[Drawing]:
        """The pictures in which a version differs from the reference, its errors marked."""
        if swap not in self._drawn:
            definitions = {self.catalogue.by_id[each].definition for each in swap}
            chosen = [each for each in self.catalogue.pictures if each.definition in definitions]
            sources = [PICTURE.format(code=picture.code) for picture in chosen]
            made = self._made(sources, [(), swap])
            self._drawn[swap] = [
                found
                for picture, source in zip(chosen, sources, strict=True)
                for found in _drawings(
                    picture, *(made[source].get(each, ()) for each in ((), swap))
                )
            ]
        return self._drawn[swap]

    def _made(
        self, sources: Sequence[str], swaps: Sequence[Swap]
    ) -> dict[str, dict[Swap, list[bytes]]]:
        """What pieces of source observe of versions, those that are not kept in one kernel."""
        made = {source: self.kept.find(source, swaps) if self.kept else {} for source in sources}
        wanted = [(source, s) for source in sources for s in swaps if s not in made[source]]
        for (source, swap), given in self._observed(wanted).items():
            made[source][swap] = given
            if self.kept:
                self.kept.keep(source, {swap: given})
        return made

    def evidence(self, source: str, swaps: Sequence[Swap]) -> dict[Swap, list[bytes]]:
        """What a piece of source that observes gives with each version's definitions."""
        made = self._observed([(source, swap) for swap in swaps])
        return {swap: given for (_, swap), given in made.items()}

    def _observed(self, wanted: Sequence[tuple[str, Swap]]) -> dict[tuple[str, Swap], list[bytes]]:
        modules = {swap: self.catalogue.swapped(swap) for _, swap in wanted}
        runs = {
            (source, swap): (module, source)
            for source, swap in wanted
            if (module := modules[swap]) is not None
        }
        longest = limits_of(self.assignment).cell_seconds
        evidence = self._run(list(runs.values()), longest) if runs else []
        return dict(zip(runs, evidence, strict=True))

    def _run(self, runs: Sequence[tuple[str, str]], longest: float) -> list[list[bytes]]:
        """The evidence of pieces of source, each behind a module of its own.

        `longest` are the seconds that one may take.
        """
        above = [
            (str(grade_id_of(cell)), True) if is_solution(cell) else (cell.source, False)
            for cell in self.assignment.notebook.cells
            if cell.cell_type == "code"
            and not is_test(cell)
            and DEMO not in cell.metadata.get("tags", [])
        ]
        longest = min(longest, limits_of(self.assignment).cell_seconds)
        versions = [InTurn(module, above, source, longest) for module, source in runs]
        return self._kernel().observed(versions)

    def _kernel(self) -> Standing:
        """The one kernel for versions that this process has open, which is this assignment's."""
        global _open
        if _open is None or _open[0] is not self or not _open[1].is_here:
            if _open is not None:
                _open[1].end()
            packages = {f"solutions/{path}": source for path, source in self.modules.items()}
            limits, needs = limits_of(self.assignment), needs_of(self.assignment.notebook)
            _open = self, Standing(self.seed, limits, packages, needs)
        return _open[1]


_open: tuple[WrongVersions, Standing] | None = None


def close_kernel() -> None:
    """End the kernel that this process keeps open for versions, where it has one."""
    if _open is not None:
        _open[1].close()


def _drawings(picture: Picture, right: Sequence[bytes], wrong: Sequence[bytes]) -> list[Drawing]:
    before, after = matrix(right), matrix(wrong)
    return [] if before is None or after is None else drawing(picture, before, after)

"""Diagnoses wrong versions of the reference in this process, where a kernel adds nothing.

`python -m tests.diagnosing NAME...` prints which wrong versions of an assignment get which name.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from autograder.course.catalogue import Catalogue, Form, read_catalogue
from autograder.reading.from_scratch import messages
from autograder.reading.names import uses
from autograder.verdict.diagnose import Case, Swap, Version, diagnose, version_of
from autograder.verdict.verdict import CellResult, Drawing
from tests import harness

SEED = 1


@functools.cache
def catalogue(assignment: str) -> Catalogue:
    """The catalogue beside the assignment's module of `solutions/`."""
    path = harness.ROOT / "solutions" / f"{harness.module_name(assignment)}.toml"
    return read_catalogue(
        path.read_text(), harness.solution_source(assignment), harness.notebook(assignment).cells
    )


@functools.cache
def _version(assignment: str, test: str, swap: Swap) -> Version | None:
    module = catalogue(assignment).swapped(swap)
    if module is None:
        return None
    definitions: dict[str, Any] = {"__name__": "wrong"}
    exec(compile(module, "<wrong version>", "exec"), definitions)
    evidence = harness.run(assignment, definitions, SEED, only=test)[test]
    forbidden = harness.forbidden(assignment, harness.test_cells(assignment)[test])
    return version_of(test, harness.reference(assignment, SEED)[test], evidence, forbidden)


@dataclass(frozen=True)
class InThisProcess:
    """Wrong versions of an assignment's reference, run here."""

    assignment: str

    @property
    def catalogue(self) -> Catalogue:
        return catalogue(self.assignment)

    def versions(self, test: str, swaps: Sequence[Swap]) -> Mapping[Swap, Version]:
        made = {swap: _version(self.assignment, test, swap) for swap in swaps}
        return {swap: version for swap, version in made.items() if version is not None}

    def pictures(self, swap: Swap) -> list[Drawing]:
        return []


def diagnosed(assignment: str, source: str, only: str | None = None) -> dict[str, CellResult]:
    """The diagnosed verdicts on a module's source, on all test cells or one."""
    definitions: dict[str, Any] = {"__name__": "submission"}
    exec(compile(source, "<submission>", "exec"), definitions)
    found = harness.run(assignment, definitions, SEED, only)
    cells = harness.test_cells(assignment)
    case = Case(
        results=harness.judged(assignment, found, SEED),
        reference=harness.reference(assignment, SEED),
        found=found,
        forbidden={name: harness.forbidden(assignment, cells[name]) for name in found},
        student_uses=uses([source]),
        reference_uses=catalogue(assignment).uses,
    )
    return diagnose(case, InThisProcess(assignment))


def names(result: CellResult) -> list[str]:
    """The ids of the misconceptions that a verdict names, in the order of its checks."""
    return list(dict.fromkeys(each.id for check in result.checks for each in check.because))


def common(assignment: str) -> list[Form]:
    """Those that the list of documented mistakes numbers, but for calls of what is to be built."""
    found = catalogue(assignment)
    return [
        form
        for form in found.wrong_versions
        if form.listed
        and not messages([found.source_of_form(form)], _forbidden(assignment, form), ["solutions"])
    ]


def _forbidden(assignment: str, form: Form) -> dict[str, list[str]]:
    cell = harness.test_cells(assignment)[f"test-{form.definition}"]
    return {form.definition: harness.forbidden(assignment, cell)}


def main() -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)  # the tensors are small
    for assignment in sys.argv[1:]:
        named: dict[tuple[str, str], list[str]] = {}
        forms = catalogue(assignment).wrong_versions
        for form in forms:
            test = f"test-{form.definition}"
            source = catalogue(assignment).source_of_form(form)
            name = " + ".join(names(diagnosed(assignment, source, test)[test])) or "-"
            listed = f" [{form.listed}]" if form.listed else ""
            named.setdefault((form.definition, name), []).append(form.id + listed)
        for (definition, name), ids in sorted(named.items()):
            print(f"\n{definition}: {name}\n  " + "\n  ".join(ids))
        unnamed = [i for (_, name), ids in named.items() if name == "-" for i in ids]
        print(f"\n{assignment}: {len(unnamed)} of {len(forms)} without a name")


if __name__ == "__main__":
    main()

"""Runs the reference with misconceptions in it, in the sandbox, when a diagnosis asks for it.

What was run once is kept in this process: a class makes the same mistakes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.course.assignment import DEMO, HIDDEN, Assignment, grade_id_of, is_solution, is_test
from autograder.course.catalogue import Catalogue, Picture
from autograder.errors import MalformedEvidenceError
from autograder.sandbox.execute import execute
from autograder.sandbox.limits import limits_of
from autograder.verdict.diagnose import Swap, Version, version_of
from autograder.verdict.evidence import Array, decode
from autograder.verdict.verdict import Drawing

MAX_CELLS_OF_A_PICTURE = 256
PICTURE = """from autograder.observe import observe
{code}
with observe("picture") as seen:
    seen.picture = picture
"""


@dataclass
class WrongVersions:
    """The evidence of wrong versions of one assignment's reference, on one seed.

    `modules` are those of `solutions/` that the reference needs, `reference` is its evidence.
    """

    assignment: Assignment
    catalogue: Catalogue
    modules: Mapping[str, bytes]
    seed: int
    reference: Mapping[str, Sequence[bytes]]
    _known: dict[tuple[str, Swap], Version] = field(default_factory=dict)
    _drawn: dict[Swap, list[Drawing]] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": {}, "_drawn": {}}

    def versions(self, test: str, swaps: Sequence[Swap]) -> Mapping[Swap, Version]:
        """What a test cell observes of each version; versions that cannot be made are left out."""
        cell = self.assignment.tests[test]
        missing = [swap for swap in swaps if (test, swap) not in self._known]
        found = self.evidence("".join(HIDDEN.findall(cell.source)), missing)
        for swap, evidence in found.items():
            forbidden = self.assignment.forbidden(cell)
            version = version_of(test, self.reference[test], evidence, forbidden)
            self._known[test, swap] = version
        return {swap: self._known[test, swap] for swap in swaps if (test, swap) in self._known}

    def pictures(self, swap: Swap) -> list[Drawing]:
        """The pictures in which a version differs from the reference, its errors marked."""
        if swap not in self._drawn:
            definitions = {self.catalogue.by_id[each].definition for each in swap}
            self._drawn[swap] = [
                drawing
                for picture in self.catalogue.pictures
                if picture.definition in definitions
                for drawing in self._picture(picture, swap)
            ]
        return self._drawn[swap]

    def _picture(self, picture: Picture, swap: Swap) -> list[Drawing]:
        made = self.evidence(PICTURE.format(code=picture.code), [(), swap])
        right, wrong = _matrix(made.get((), ())), _matrix(made.get(swap, ()))
        return [] if right is None or wrong is None else _drawing(picture, right, wrong)

    def evidence(self, source: str, swaps: Sequence[Swap]) -> dict[Swap, list[bytes]]:
        """What a piece of source that observes gives with each version's definitions."""
        made = {swap: self.catalogue.swapped(swap) for swap in swaps}
        versions = {swap: module for swap, module in made.items() if module is not None}
        evidence = self._run(source, list(versions.values())) if versions else []
        return dict(zip(versions, evidence, strict=True))

    def _run(self, source: str, versions: Sequence[str]) -> list[list[bytes]]:
        """The evidence of a piece of source behind each of these modules, in one kernel."""
        packages = {f"solutions/{path}": source for path, source in self.modules.items()}
        cells: list[NotebookNode] = []
        for number, module in enumerate(versions):
            packages[f"wrong_{number}.py"] = module.encode()
            cells += self._with_definitions_of(f"wrong_{number}")
            cells.append(_observing(source, f"version-{number}"))
        notebook = copy.deepcopy(self.assignment.notebook)
        notebook.cells = cells
        limits = limits_of(self.assignment)
        limits = replace(limits, evidence_bytes=limits.evidence_bytes * len(versions))
        run = execute(notebook, seed=self.seed, limits=limits, packages=packages)
        return [run.evidence.get(f"version-{number}", []) for number in range(len(versions))]

    def _with_definitions_of(self, module: str) -> Iterable[NotebookNode]:
        for cell in self.assignment.notebook.cells:
            if cell.cell_type != "code" or DEMO in cell.metadata.get("tags", []) or is_test(cell):
                continue
            if is_solution(cell):
                yield new_code_cell(f"from {module} import {grade_id_of(cell)}")
            else:
                yield copy.deepcopy(cell)


def _observing(source: str, name: str) -> NotebookNode:
    """A test cell, as the one who gathers evidence knows it."""
    flags = {"grade_id": name, "grade": True, "solution": False}
    cell: NotebookNode = new_code_cell(source, metadata={"nbgrader": flags})
    return cell


def _matrix(records: Sequence[bytes]) -> Array | None:
    try:
        (record,) = map(decode, records)
        found = record.arrays[record.values["picture"]["key"]]
    except (MalformedEvidenceError, ValueError, KeyError, TypeError):
        return None
    small = found.numbers.ndim == 2 and 0 < found.numbers.size <= MAX_CELLS_OF_A_PICTURE
    return found if small else None


def _drawing(picture: Picture, right: Array, wrong: Array) -> list[Drawing]:
    if right.numbers.shape != wrong.numbers.shape:
        marked = np.zeros(wrong.numbers.shape, bool)
    else:
        same = np.isclose(
            right.numbers.astype(float), wrong.numbers.astype(float), atol=5e-3, equal_nan=True
        )
        marked = ~same
    if right.numbers.shape == wrong.numbers.shape and not marked.any():
        return []
    numbers = wrong.numbers.astype(float).tolist()
    return [
        Drawing(
            picture.caption,
            picture.rows,
            picture.columns,
            wrong.dtype == "bool",
            tuple(map(tuple, numbers)),
            tuple(map(tuple, marked.tolist())),
        )
    ]

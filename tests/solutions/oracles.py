"""The reference beside its oracle: the same definitions in torch's own operators.

An oracle stands in `solutions/styles/`. What both compute is observed and judged as a submission
would be, by value, shape, dtype, refusals and what the inputs are afterwards.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest import mock

from autograder.course.public_examples import read_examples, source_of
from autograder.observe import collecting, observe
from autograder.verdict.judge import judge
from tests import harness

Case = Callable[[SimpleNamespace], Any]


@functools.cache
def reference(assignment: str, old: str = "", new: str = "") -> dict[str, Any]:
    """The definitions of the reference, with one piece of its source replaced."""
    return harness.solutions(assignment, old, new)


@functools.cache
def oracle(assignment: str) -> dict[str, Any]:
    """The definitions of the oracle."""
    module = harness.module_name(assignment)
    path = harness.ROOT / "solutions" / "styles" / module / "oracle.py"
    definitions = harness.solutions(assignment)
    exec(compile(path.read_text(), str(path), "exec"), definitions)
    return definitions


def disagreements(
    assignment: str, definitions: dict[str, Any], seed: int, only: str | None = None
) -> list[str]:
    """What the hidden observations and public examples show of the oracle beside `definitions`.

    `only` is the name of the one definition to look at.
    """
    expected = _evidence(assignment, definitions, seed, only)
    found = _evidence(assignment, oracle(assignment), seed, only)
    return [line for cell in expected for line in _failed(cell, expected[cell], found[cell])]


def assert_agree(assignment: str, case: Case, naming: str | None = None, seed: int = 1) -> None:
    """The reference and the oracle give the same result of one more call, or both refuse it."""
    both = [
        _observed(case, SimpleNamespace(**definitions), naming, seed)
        for definitions in (reference(assignment), oracle(assignment))
    ]
    assert _failed("case", *both) == []


def _evidence(
    assignment: str, definitions: dict[str, Any], seed: int, only: str | None
) -> dict[str, list[bytes]]:
    evidence = harness.run(assignment, definitions, seed, only and f"test-{only}")
    path = harness.ROOT / "solutions" / f"{harness.module_name(assignment)}.examples.toml"
    names = [cell.removeprefix("test-") for cell in harness.test_cells(assignment)]
    for example in read_examples(path.read_text(), names):
        if only in (None, example.definition):
            with mock.patch.dict(os.environ, WORKBOOK_SEED=str(seed)), collecting() as records:
                exec(source_of([example]), dict(definitions))
            evidence[f"example of {example.definition}, {example.name}"] = records
    return evidence


def _observed(case: Case, my: SimpleNamespace, naming: str | None, seed: int) -> list[bytes]:
    with (
        mock.patch.dict(os.environ, WORKBOOK_SEED=str(seed)),
        collecting() as records,
        observe("case", naming=naming) as seen,
    ):
        seen.result = case(my)
    return records


def _failed(cell: str, expected: list[bytes], found: list[bytes]) -> list[str]:
    checks = judge(cell, 1, expected, found).checks
    return [f"{cell}, {c.name}: {c.message}" for c in checks if not c.passed]

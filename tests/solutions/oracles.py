"""The reference beside its oracle: the same definitions in torch's own operators.

An oracle stands in `solutions/styles/`. What both compute is observed and judged as a submission
would be, by value, shape, dtype, refusals and what the inputs are afterwards.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch

from autograder.authoring.authored import ORACLE
from autograder.course.public_examples import read_examples, source_of
from autograder.kernel.versions import defined
from autograder.observe import collecting, observe
from autograder.verdict.evidence import decode
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
    authored = harness.authored(assignment)
    return defined(authored.module, authored.styles[ORACLE])


def disagreements(
    assignment: str,
    definitions: dict[str, Any],
    seed: int,
    only: str | None = None,
    beside: dict[str, Any] | None = None,
) -> list[str]:
    """What the hidden observations and public examples show of the oracle beside `definitions`.

    `only` is the name of the one definition to look at; `beside` are other definitions, in the
    place of the oracle's.
    """
    expected = _evidence(assignment, definitions, seed, only)
    found = _evidence(assignment, beside or oracle(assignment), seed, only)
    return [line for cell in expected for line in _failed(cell, expected[cell], found[cell])]


def assert_agree(
    assignment: str,
    case: Case,
    naming: str | None = None,
    beside: dict[str, Any] | None = None,
) -> None:
    """The reference and the oracle give the same result of one more call, or both refuse it.

    `beside` are other definitions, in the place of the oracle's.
    """
    both = [
        _observed(case, SimpleNamespace(**definitions), naming)
        for definitions in (reference(assignment), beside or oracle(assignment))
    ]
    assert _failed("case", *both) == []
    assert (decode(both[0][0]).raised is None) == (naming is None)


def _evidence(
    assignment: str, definitions: dict[str, Any], seed: int, only: str | None
) -> dict[str, Sequence[bytes]]:
    evidence = dict(harness.process(assignment, seed).run(definitions, only and f"test-{only}"))
    path = harness.ROOT / "solutions" / f"{harness.module_name(assignment)}.examples.toml"
    names = [cell.removeprefix("test-") for cell in harness.test_cells(assignment)]
    for example in read_examples(path.read_text(), names):
        if only in (None, example.definition):
            with mock.patch.dict(os.environ, WORKBOOK_SEED=str(seed)), collecting() as records:
                exec(source_of([example]), dict(definitions))
            evidence[f"example of {example.definition}, {example.name}"] = records
    return evidence


def _observed(case: Case, my: SimpleNamespace, naming: str | None) -> list[bytes]:
    with collecting() as records, observe("case", naming=naming) as seen:
        seen.result = case(my)
    return records


def _failed(cell: str, expected: Sequence[bytes], found: Sequence[bytes]) -> list[str]:
    checks = judge(cell, 1, expected, found).checks
    return [f"{cell}, {c.name}: {c.message}" for c in checks if not c.passed]


def random_model(kind: Callable[[Any], Any], config: Any, seed: int) -> Any:
    """A model of Hugging Face's in float64, with numbers large enough to tell mistakes apart."""
    torch.manual_seed(seed)
    model = kind(config).eval().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return model

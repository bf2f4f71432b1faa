"""Every documented mistake is caught by the test cell of the definition it is made in."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest

from tests import harness
from tests.diagnosing import mutated
from tests.mutants import Mutant

MUTANTS = [
    pytest.param(
        assignment,
        mutant,
        id=f"{harness.module_name(assignment)}-{mutant.definition}-{mutant.id}",
    )
    for assignment in harness.ASSIGNMENTS
    for mutant in importlib.import_module(
        f"tests.mutants.{harness.module_name(assignment)}"
    ).MUTANTS
]


@pytest.mark.filterwarnings("ignore")  # wrong code overflows, and torch says so
@pytest.mark.parametrize(("assignment", "mutant"), MUTANTS)
def test_the_mistake_costs_points_in_its_own_test_cell(assignment: str, mutant: Mutant) -> None:
    """A wrong version of a definition fails a check of that definition's test cell."""
    wrong: dict[str, Any] = {}
    exec(compile(mutated(assignment, mutant), "<mutant>", "exec"), wrong)
    test = f"test-{mutant.definition}"
    result = harness.verdicts(assignment, wrong, only=test)[test]

    assert result.score < result.max_score, f"{mutant.id} survives"


def test_names_are_unique() -> None:
    """Two mutants of one definition never share a name, and names are words with hyphens."""
    names = [param.id for param in MUTANTS]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]+-\w+-[a-z0-9-]+", name) for name in names)

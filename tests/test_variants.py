"""Correct work in another style gets full marks, whatever the seed."""

from __future__ import annotations

import os

import pytest

from autograder.authoring.authored import ORACLE
from tests import harness

# `WORKBOOK_SEEDS=200` tries more; so many each time would take too long.
SEEDS = range(100, 100 + int(os.environ.get("WORKBOOK_SEEDS", "50")))
VARIANTS = [
    pytest.param(assignment, name, id=f"{harness.module_name(assignment)}-{name}")
    for assignment in harness.ASSIGNMENTS
    for name in harness.authored(assignment).styles
    if not name.startswith(ORACLE)
]


@pytest.mark.filterwarnings("ignore")  # a style that torch warns of is still right
@pytest.mark.parametrize(("assignment", "name"), VARIANTS)
def test_full_marks_on_every_seed(assignment: str, name: str) -> None:
    """No observation fails an honest reordering of the arithmetic."""
    definitions = harness.solutions(assignment)
    style = harness.authored(assignment).styles[name]
    exec(compile(style, "<style>", "exec"), definitions)

    failed = [
        f"seed {seed}, {result.grade_id}, {check.name}: {check.message}"
        for seed in SEEDS
        for result in harness.verdicts(assignment, definitions, seed).values()
        for check in result.checks
        if not check.passed
    ]

    assert failed == []


@pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)
def test_there_are_enough_styles(assignment: str) -> None:
    """Each assignment is tried in at least four other styles."""
    assert len(harness.authored(assignment).styles) >= 4

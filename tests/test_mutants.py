"""Every wrong version of the tables is caught by the test cell of the definition it is made in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autograder.course.catalogue import Form
from tests import diagnosing, harness

# That the misconceptions fail, and are named, is tested in test_diagnose.py.
FORMS = [
    pytest.param(assignment, form, id=f"{assignment}-{form.definition}-{form.id}")
    for assignment in harness.ASSIGNMENTS
    for form in diagnosing.catalogue(assignment).forms
]


@pytest.mark.filterwarnings("ignore")  # wrong code overflows, and torch says so
@pytest.mark.parametrize(("assignment", "form"), FORMS)
def test_the_mistake_costs_points_in_its_own_test_cell(assignment: str, form: Form) -> None:
    """A wrong version of a definition fails a check of that definition's test cell."""
    wrong: dict[str, Any] = {}
    source = diagnosing.catalogue(assignment).source_of_form(form)
    exec(compile(source, "<wrong version>", "exec"), wrong)
    test = f"test-{form.definition}"
    result = harness.verdicts(assignment, wrong, only=test)[test]

    assert result.score < result.max_score, f"{form.id} survives"


@pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)
def test_their_names_are_words_with_hyphens(assignment: str) -> None:
    """So that reports can print them in a line."""
    for form in diagnosing.catalogue(assignment).wrong_versions:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", form.id)

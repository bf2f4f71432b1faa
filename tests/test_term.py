"""A term of sixty invented students: recounted by pandas, named as it was planted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.submissions import AS_IT_IS, WRONG, MadeWork, hand_in, made_class
from examples.make import Example, filled
from tests import diagnosing, harness
from tests.harness import ROOT
from tests.test_grade import results, workbook

NAME = "01-scaled-dot-product-attention"
SEED = 3
# In no table: each score stands one key further.
UNNAMED = """def attention_scores(query, key):
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("key and query differ")
    return ((query / math.sqrt(query.shape[-1])) @ key.mT).roll(1, -1)  # {number}
"""
NAMED = """[wrong.attention_scores]
keys-rolled = { old = "scaled @ key.mT", new = "(scaled @ key.mT).roll(1, -1)", says = '''
  Each score stands one key further than it belongs.
  The numbers are right, and each is that of the key before.
  Which key does the first column belong to?''', explained = 'formula' }
"""


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[MadeWork], dict[str, Any]]:
    """A course of the first notebook, what its class did, and the results of grading it."""
    course = tmp_path_factory.mktemp("term")
    shutil.copytree(ROOT / "source" / NAME, course / "source" / NAME)
    solutions = ROOT / "solutions"
    shutil.copytree(solutions, course / "solutions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", course)
    works = [*made_class([NAME], 55, SEED, AS_IT_IS), *alike(5)]
    hand_in(works, course)
    return course, works, results(course)


def alike(students: int) -> Iterable[MadeWork]:
    for number in range(students):
        own = {"attention_scores": UNNAMED.format(number=number)}
        example = Example(f"alike-{number}", NAME, "", own=own)
        yield MadeWork(example.student, NAME, {"attention_scores": WRONG}, filled(example))


def reported(course: Path) -> dict[str, Any]:
    done = workbook(course, "report", "--json", "report.json")
    assert done.returncode == 0, done.stderr
    (only,) = json.loads((course / "report.json").read_text())
    assert isinstance(only, dict)
    return only


@pytest.mark.release
def test_the_figures_are_those_of_a_recount(
    term: tuple[Path, list[MadeWork], dict[str, Any]],
) -> None:
    course, works, found = term
    told = reported(course)

    checks = pd.DataFrame(
        {
            "student": student,
            "test": test,
            "check": check["name"],
            "passed": check["passed"],
        }
        for student, each in found.items()
        for test, verdict in each["tests"].items()
        for check in verdict["checks"]
    )
    cells = pd.DataFrame(
        {
            student: {test: v["score"] for test, v in each["tests"].items()}
            for student, each in found.items()
        }
    ).T
    scores = cells.sum(axis=1)
    assert told["distribution"]["count"] == len(scores) == len(works) == 60
    assert told["distribution"]["mean"] == pytest.approx(scores.mean())
    assert told["distribution"]["median"] == pytest.approx(scores.median())
    shares = checks.groupby(["test", "check"])["passed"].mean()
    full = cells.max()  # somebody is right
    assert len(told["items"]) == len(shares) + cells.shape[1]
    for item in told["items"]:
        test = item["test"]
        if item["check"] is not None:
            assert item["passed"] == pytest.approx(shares[test, item["check"]])
            continue
        assert item["passed"] == pytest.approx((cells[test] == full[test]).mean())
        assert item["mean"] == pytest.approx(cells[test].mean(), abs=0.01)
        rest = scores - cells[test]
        assert item["discrimination"] == pytest.approx(cells[test].corr(rest), abs=0.01)


@pytest.mark.release
def test_every_planted_misconception_has_its_students(
    term: tuple[Path, list[MadeWork], dict[str, Any]],
) -> None:
    course, works, _ = term
    told = {idea["id"]: set(idea["students"]) for idea in reported(course)["ideas"]}

    planted = {
        work.student: {name for form in work.planted for name in form.names} for work in works
    }
    alone = [work for work in works if len(work.planted) == 1]
    assert len(alone) >= 15
    for work in alone:
        for name in planted[work.student]:
            assert work.student in told[name], (work.student, name)
    table = diagnosing.catalogue(NAME).by_id
    asked = harness.authored(NAME).solution_cells
    wrote = {work.student: {form.definition for form in work.planted} for work in works}
    for name, students in told.items():
        if name in table:
            wrongly = {student for student in students if name not in planted[student]}
        else:  # a broken promise of a definition, which any wrong version of it may break
            (definition,) = [each for each in asked if name.endswith(f"-{each}")]
            wrongly = {student for student in students if definition not in wrote[student]}
        assert not wrongly, (name, wrongly)


@pytest.mark.release
def test_five_with_the_same_unnamed_mistake_are_one_cluster_until_it_has_a_name(
    term: tuple[Path, list[MadeWork], dict[str, Any]],
) -> None:
    course, _, _ = term
    five = {f"alike-{number}" for number in range(5)}

    clusters = [each for each in reported(course)["unnamed"] if five & set(each["students"])]
    assert [set(each["students"]) for each in clusters] == [five]
    table = course / "solutions" / "scaled_dot_product_attention.toml"
    table.write_text(table.read_text().replace("[wrong.attention_scores]\n", NAMED, 1))
    results(course)
    told = reported(course)
    assert not [each for each in told["unnamed"] if five & set(each["students"])]
    assert five <= {
        s for idea in told["ideas"] if idea["id"] == "keys-rolled" for s in idea["students"]
    }

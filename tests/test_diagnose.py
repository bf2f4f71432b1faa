"""Verdicts that say why: misconceptions found by their evidence, blamed once, never guessed."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch

from autograder.course.catalogue import Catalogue, read_catalogue
from autograder.errors import CourseError
from autograder.verdict.diagnose import MOST_PAIRS, Swap
from tests import diagnosing, harness, mini
from tests.mutants import Mutant
from tests.styles import BELOW, STYLES

ENTRIES = [
    pytest.param(name, entry.id, id=f"{harness.module_name(name)}-{entry.id}")
    for name in harness.ASSIGNMENTS
    for entry in diagnosing.catalogue(name).misconceptions
]


def expected_names(assignment: str) -> dict[tuple[str, str], str]:
    """By definition and mutant, the name that the table says is right."""
    path = harness.ROOT / "tests" / "diagnoses" / f"{harness.module_name(assignment)}.toml"
    table = tomllib.loads(path.read_text())
    return {
        (definition, mutant): name
        for definition, by_name in table.items()
        for name, mutants in by_name.items()
        for mutant in mutants
    }


def found_name(assignment: str, mutant: Mutant) -> str:
    test = f"test-{mutant.definition}"
    source = diagnosing.mutated(assignment, mutant)
    return " + ".join(diagnosing.names(diagnosing.diagnosed(assignment, source, test)[test]))


@pytest.mark.filterwarnings("ignore")  # wrong code overflows, and torch says so
@pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)
def test_mutants_get_the_right_name_or_none(assignment: str) -> None:
    """A wrong name is worse than none: the table of what is right was made by hand."""
    expected = expected_names(assignment)

    found = {
        (mutant.definition, mutant.id): name
        for mutant in diagnosing.mutants(assignment)
        if (name := found_name(assignment, mutant))
    }

    assert found == expected


@pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)
def test_the_common_mistakes_are_named(assignment: str) -> None:
    """Of those that mistakes.md lists, at least nine in ten get a name, and there are ten names."""
    expected = expected_names(assignment)
    common = diagnosing.common(assignment)
    named = [mutant for mutant in common if (mutant.definition, mutant.id) in expected]

    assert len(named) >= 0.9 * len(common), {m.id for m in common} - {m.id for m in named}
    assert len(diagnosing.catalogue(assignment).misconceptions) >= 10


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("assignment", "identity"), ENTRIES)
def test_each_misconception_is_diagnosed_as_itself(assignment: str, identity: str) -> None:
    """As a submission it fails, is named, and is blamed at its source alone."""
    catalogue = diagnosing.catalogue(assignment)
    entry = catalogue.by_id[identity]
    source = catalogue.swapped([identity])
    assert source is not None

    results = diagnosing.diagnosed(assignment, source)
    if diagnosing.names(results[f"test-{entry.definition}"]) != [identity]:
        # How much a limit of memory leaves depends on what this process did before. A kernel is
        # a fresh one, so that is where the verdict counts.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            results = fresh.submit(diagnosing.diagnosed, assignment, source).result()

    assert diagnosing.names(results[f"test-{entry.definition}"]) == [identity]
    for test, result in results.items():
        if test != f"test-{entry.definition}":
            assert diagnosing.names(result) == [], test
            if any(not check.passed for check in result.checks):
                assert entry.definition in (*result.follows_from, *result.mend_first), test


def test_a_limit_of_memory_says_the_same_whatever_was_freed_before() -> None:
    """glibc would keep this block, and tiles that do not fit would then fit into it."""
    catalogue = diagnosing.catalogue("challenge-flash-attention")
    source = catalogue.swapped(["tiles-kept"])
    assert source is not None
    freed = torch.zeros(7 * 2**20)  # 28 MiB; glibc keeps up to 32
    del freed

    results = diagnosing.diagnosed("challenge-flash-attention", source, "test-flash_attention")

    assert diagnosing.names(results["test-flash_attention"]) == ["tiles-kept"]


def rewritten(assignment: str, definitions: list[str]) -> tuple[str, list[str]]:
    """The assignment's module with definitions written anew, and what they define."""
    source, defined = harness.solution_source(assignment), []
    for definition in definitions:
        match = re.match(r"(?:def|class) (\w+)", definition)
        assert match is not None
        defined.append(match[1])
        source = source.replace(harness.definition_source(assignment, match[1]), definition)
    return source, defined


@pytest.mark.parametrize(("assignment", "name", "definition"), STYLES)
def test_a_mistake_is_known_in_another_style(assignment: str, name: str, definition: str) -> None:
    """Students do not edit the reference: the numbers tell, however the code is written."""
    source, (defined,) = rewritten(assignment, [definition])
    test = f"test-{defined}"

    found = diagnosing.names(diagnosing.diagnosed(assignment, source, test)[test])

    assert " + ".join(found) == name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("assignment", "definitions", "named"), BELOW)
def test_what_an_earlier_definition_does_gets_no_name_of_its_own(
    assignment: str, definitions: list[str], named: dict[str, list[str] | None]
) -> None:
    """A mistake below can look like one that the catalogue has here; not where it cannot show."""
    source, _ = rewritten(assignment, definitions)

    results = diagnosing.diagnosed(assignment, source)

    for name, expected in named.items():
        result = results[f"test-{name}"]
        assert diagnosing.names(result) == (expected or [])
        assert bool(result.mend_first) == (expected is None)


def test_a_search_that_finds_nothing_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pair of mistakes is run: hundreds of them would keep a student waiting for minutes."""
    assignment = "challenge-gqa"
    (mutant,) = (each for each in diagnosing.mutants(assignment) if each.id == "argmax")
    asked: set[Swap] = set()
    versions = diagnosing.InThisProcess.versions

    def counted(self: diagnosing.InThisProcess, test: str, swaps: Sequence[Swap]) -> object:
        asked.update(swaps)
        return versions(self, test, swaps)

    monkeypatch.setattr(diagnosing.InThisProcess, "versions", counted)

    assert found_name(assignment, mutant) == ""
    assert 0 < sum(len(swap) == 2 for swap in asked) <= MOST_PAIRS < 100


@pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)
def test_no_hint_holds_code_or_a_line_of_a_hidden_test(assignment: str) -> None:
    """What students read of the catalogue gives neither the answer nor the test away."""
    solution = harness.solution_source(assignment)
    secret = {
        line.strip()
        for cell in harness.test_cells(assignment).values()
        for line in harness.hidden(cell.source).splitlines()
        if len(line.strip()) > 12
    }
    body = {line.strip() for line in solution.splitlines() if len(line.strip()) > 12}
    for entry in diagnosing.catalogue(assignment).misconceptions:
        for text in (entry.name, entry.effect, entry.hint):
            assert text.endswith((".", "?")), text
            assert not any(line in text for line in secret | body), text


def mini_catalogue(text: str = mini.CATALOGUE) -> Catalogue:
    return read_catalogue(textwrap.dedent(text), mini.SOLUTIONS, mini.notebook().cells)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"x[0]"', '"x[7]"', "stands 0 times in first_row"),
        ('definition = "first_row"', 'definition = "third_row"', "which the reference lacks"),
        ('explained = "title"', 'explained = "nowhere"', "which is no cell"),
        ('hint = "Which of', 'hunt = "Which of', "lacks \\['hint'\\]"),
        ('id = "detached"', 'id = "tripled"', "the same id"),
        ("[[misconception]]", "[[misconception", "not TOML"),
    ],
)
def test_a_catalogue_that_cannot_be_used_says_why(old: str, new: str, said: str) -> None:
    """An author learns which entry is wrong and how."""
    with pytest.raises(CourseError, match=said):
        mini_catalogue(mini.CATALOGUE.replace(old, new, 1))


def test_two_changes_of_one_piece_are_no_version() -> None:
    """A pair is tried only where both mistakes can be made at once."""
    twice = mini.CATALOGUE + mini.CATALOGUE.split("[[misconception]]")[1].replace(
        '"tripled"', '"again"'
    ).join(["\n[[misconception]]", ""])

    catalogue = mini_catalogue(twice)

    assert catalogue.swapped(["tripled", "again"]) is None
    both = catalogue.swapped(["tripled", "detached"])
    assert both is not None
    assert "3 * x" in both
    assert "doubled.detach()" in both

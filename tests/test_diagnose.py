"""Verdicts that say why: misconceptions found by their evidence, blamed once, never guessed."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch

from autograder.authoring.in_process import InProcess
from autograder.authoring.wrong import wrong_versions
from autograder.course.catalogue import Catalogue, read_catalogue
from autograder.course.families import families
from autograder.errors import CourseError
from autograder.kernel.versions import defined
from autograder.verdict.budget import Budget
from autograder.verdict.search import MOST_PAIRS
from autograder.verdict.versions import Swap, Version
from tests import anew, diagnosing, harness, mini
from tests.styles import BELOW, STYLES


def checks_failed_by_tiles_that_are_kept() -> list[str]:
    catalogue = diagnosing.catalogue("challenge-flash-attention")
    source = catalogue.swapped(["tiles-kept"])
    assert source is not None
    for _ in range(2):  # the first makes glibc take the second from its heap, and keep it
        freed = torch.zeros(7 * 2**20)  # 28 MiB; it does so up to 32
        del freed
    test = "test-flash_attention"
    result = harness.verdicts("challenge-flash-attention", defined(source), only=test)[test]
    return [check.name for check in result.checks if not check.passed]


def test_a_limit_of_memory_says_the_same_whatever_was_freed_before() -> None:
    """glibc would keep this block, and tiles that do not fit would then fit into it."""
    # As in grading, a process of its own: what hundreds of tests freed in small pieces stays.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        failed = fresh.submit(checks_failed_by_tiles_that_are_kept).result()

    assert "a matrix of weights that does not fit into memory" in failed


def rewritten(assignment: str, definitions: list[str]) -> tuple[str, list[str]]:
    """The assignment's module with definitions written anew, and what they define."""
    source, defined = harness.solution_source(assignment), []
    for definition in definitions:
        match = re.match(r"(?:def|class) (\w+)", definition)
        assert match is not None
        defined.append(match[1])
        source = source.replace(harness.definition_source(assignment, match[1]), definition)
    return source, defined


# Where the judge changes, every notebook is proved anew, and all of these are run.
@pytest.mark.parametrize(
    ("assignment", "name", "definition"), [anew.now(case[0], *case) for case in STYLES]
)
def test_a_mistake_is_known_in_another_style(assignment: str, name: str, definition: str) -> None:
    """Students do not edit the reference: the numbers tell, however the code is written."""
    source, (defined,) = rewritten(assignment, [definition])
    test = f"test-{defined}"

    found = diagnosing.names(diagnosing.diagnosed(assignment, source, test)[test])

    assert " + ".join(found) == name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("assignment", "definitions", "named"), [anew.now(case[0], *case) for case in BELOW]
)
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
    (form,) = (each for each in diagnosing.catalogue(assignment).forms if each.id == "argmax")
    asked: set[Swap] = set()
    versions = InProcess.versions

    def counted(
        self: InProcess, test: str, swaps: Sequence[Swap], checks: Collection[str] | None = None
    ) -> Mapping[Swap, Version]:
        asked.update(swaps)
        return versions(self, test, swaps, checks)

    monkeypatch.setattr(InProcess, "versions", counted)
    source, test = diagnosing.catalogue(assignment).source_of_form(form), f"test-{form.definition}"

    assert diagnosing.names(diagnosing.diagnosed(assignment, source, test)[test]) == []
    assert asked
    assert sum(len(swap) == 2 for swap in asked) <= MOST_PAIRS < 100


@pytest.mark.parametrize("is_known", [True, False])
def test_what_failed_the_same_checks_before_is_looked_at_first(
    is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A budget for one version is enough for the right one, the last of its table."""
    authored = harness.authored("02-causal-masking")
    own = [w for w in wrong_versions(authored) if w.definition == "masked_attention"]
    last = [each for each in own if each.is_misconception][-1]
    process = InProcess(authored)
    evidence = process.keep(last.test, last.swap, last.source)
    costs = dict.fromkeys(process.gathered.expected(last.test), 1.0)
    monkeypatch.setattr(InProcess, "seconds", lambda self, test: costs)
    monkeypatch.setattr(Budget.__init__, "__defaults__", (1.5 * len(costs),))
    if not is_known:
        monkeypatch.setattr(InProcess, "failing", lambda self, test: {})

    result = process.diagnosed(last.source, {last.test: evidence})[last.test]

    assert (last.id in diagnosing.names(result)) is is_known


def mini_catalogue(text: str = mini.CATALOGUE) -> Catalogue:
    return read_catalogue(text, mini.SOLUTIONS, mini.notebook().cells)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("'x[0]'", "'x[7]'", "'first-column' of first_row .* stands 0 times"),
        ("old = 'x[0]', new = 'x[:, 0]'", "old = 'x[0]'", "needs new"),
        ("old = '2 * x', new = 'x / 2'", "new = '', changes = [['2', '3']]", "changes and new too"),
        ("old = '2 * x', new = 'x / 2'", "old = '2', changes = [['2', '3']]", "and old too"),
        ("old = '2 * x', new = 'x / 2'", "from = 'tripled', old = '2 *', new = ''", "0 times"),
        ("halved = { old = ", "halved = { from = 'first-column', old = ", "no row above it"),
        ("old = '2 * x', new = 'x / 2'", "from = 'tripled', new = 'x / 2'", "is left"),
        ("old = '2 * x', new = 'x / 2'", "changes = [['2 * x']]", "a list of pieces is expected"),
        ("old = '2 * x', new = 'x / 2'", "changes = [['', '2']]", "a list of pieces is expected"),
        (
            "old = '2 * x', new = 'x / 2'",
            "changes = [['2', '3'], ['2 *', '4 *']]",
            "0 times in what",
        ),
        (
            "old = '2 * x', new = 'x / 2'",
            "changes = [['2', '3'], ['d', 'd']]",
            "stands [1-9]+ times",
        ),
        ("'3 * x'", "'2 * x'", "'tripled' of double changes nothing"),
        ("[wrong.first_row]", "[wrong.third_row]", "third_row.* the reference lacks"),
        ("explained = 'title'", "explained = 'nowhere'", "neither the id nor the grade_id"),
        ("explained = 'title'", "hunt = 'title'", r"'tripled' of double has \['hunt'\]"),
        ("explained = 'title'", "of = 'gradient-cut'", "of and says"),
        ("explained = 'title'", "argument = 'x'", "goes with the words of a family"),
        ("explained = 'title'", "explained = 3", "text is expected"),
        ("  How often do you add x to nothing?", "", "says 2 lines; three are expected"),
        ("is = 'tripled'", "is = 'trebled'", r"a form of \['trebled'\]"),
        ("is = 'tripled'", "explained = 'title'", "has no words"),
        ("is = 'tripled'", "of = 'uncles'", "there are .*gradient-cut"),
        ("halved = {", "tripled = {", "not TOML"),
        ("halved = { old = '2 * x', new = 'x / 2' }", "halved = 'x / 2'", "no row of the form"),
        ("first-column =", "tripled =", "same id 'tripled', of double and of first_row"),
        ("[[picture]]", "[[misconception]]", r"\['misconception'\]"),
        ("caption =", "captain =", "other fields than definition, caption"),
        ("[wrong.double]", "[wrong.double", "not TOML"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(old: str, new: str, said: str) -> None:
    """An author learns which entry is wrong and how."""
    assert old in mini.CATALOGUE
    with pytest.raises(CourseError, match=said):
        mini_catalogue(mini.CATALOGUE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "new = 'x / 2'",
            "new = 'x / '",
            "'halved' of double is not Python: .*, in 'doubled = x /'",
        ),
        ("new = '2 * x + x'", "new = '2 * x)'", "'added-twice-more' of double is not Python"),
        ("halved = { old = '2 * x'", "halved = { old = 'def double'", "not define double"),
    ],
)
def test_a_version_that_is_none_is_named_where_it_is_written(old: str, new: str, said: str) -> None:
    """Before anything is run: for try, prove and release."""
    assert old in mini.CATALOGUE
    with pytest.raises(CourseError, match=said):
        mini_catalogue(
            mini.CATALOGUE.replace(old, new, 1).replace("'x / 2'", "'def dubble'")
        ).check_code()


def test_a_misconception_is_explained_where_the_table_says_or_right_above() -> None:
    """By the id of a cell or its grade_id; the text above the solution cell is near at hand."""
    notebook = mini.notebook()
    for cell in notebook.cells:
        cell.id = f"{cell.id}-in-the-notebook"

    first, second, third = mini.CATALOGUE.split("'title'")
    table = f"{first}'title-in-the-notebook'{second}'double'{third}"

    catalogue = read_catalogue(table, mini.SOLUTIONS, notebook.cells)

    assert {each.id: each.explained for each in catalogue.misconceptions} == {
        "tripled": "title-in-the-notebook",
        "detached": "title-in-the-notebook",
        "first-column": "double-in-the-notebook",
    }


def test_every_wrong_version_can_be_had_with_its_name() -> None:
    """Misconceptions, other forms of them, and what must be caught without a name."""
    catalogue = mini_catalogue()

    names = {form.id: form.names for form in catalogue.wrong_versions}
    assert names == {
        "tripled": ("tripled",),
        "detached": ("detached",),
        "first-column": ("first-column",),
        "added-twice-more": ("tripled",),
        "halved": (),
    }
    for form in catalogue.wrong_versions:
        source = catalogue.source_of_form(form)
        assert all(new in source for _, new in form.edits)
        assert source.count("def ") == 2


def test_the_words_of_a_family_are_filled_in_and_may_be_replaced() -> None:
    """What is no mistake of the subject is put into words once."""
    table = """
[wrong.double]
one = { of = 'gradient-cut', argument = 'x', old = '2 * x', new = '2 * x.detach()' }
other = { of = 'batch-of-one-lost', hint = 'Why?', old = '2 * x', new = '2 * x.squeeze(0)' }
"""

    one, other = mini_catalogue(table).misconceptions

    assert one.name == "No gradient comes back to x: the way back is cut."
    assert "learned through x" in one.effect
    assert (other.name, other.hint) == (families()["batch-of-one-lost"].name, "Why?")
    for old, new, said in [
        ("argument = 'x', ", "", "'gradient-cut' need an argument"),
        ("hint = 'Why?'", "argument = 'x'", "'batch-of-one-lost' do not hold an argument"),
    ]:
        with pytest.raises(CourseError, match=said):
            mini_catalogue(table.replace(old, new))


def test_two_changes_of_one_piece_are_no_version() -> None:
    """A pair is tried only where both mistakes can be made at once."""
    row = mini.CATALOGUE[mini.CATALOGUE.index("tripled =") : mini.CATALOGUE.index("added-twice")]
    catalogue = mini_catalogue(
        mini.CATALOGUE.replace(row, row + row.replace("tripled =", "again ="))
    )

    assert catalogue.swapped(["tripled", "again"]) is None
    both = catalogue.swapped(["tripled", "detached"])
    assert both is not None
    assert "3 * x" in both
    assert "doubled.detach()" in both


def test_a_version_may_change_several_pieces() -> None:
    """One after the other; with another mistake where that leaves each piece as it is."""
    words = "says = '''\n  Wrong.\n  Too large.\n  Why?'''"
    table = f"""
[wrong.double]
added = {{ changes = [['2 * x', 'x + 2'], ['return doubled', 'return 0 + doubled']], {words} }}
cut = {{ old = 'return doubled', new = 'return doubled.detach()', {words} }}
anew = {{ new = 'def double(x): return 2 * x + 1', {words} }}
more = {{ from = 'anew', old = '+ 1', new = '+ x', {words} }}
added-to-that = {{ from = 'more', changes = [['+ x', '+ x + x']], {words} }}
"""
    catalogue = mini_catalogue(table)

    added = catalogue.changed("added")
    assert "doubled = x + 2\n" in added
    assert added.endswith("return 0 + doubled")
    both = catalogue.swapped(["cut", "added"])
    assert both is not None
    assert "doubled = x + 2\n    return 0 + doubled.detach()" in both
    assert catalogue.swapped(["added", "cut"]) is None
    assert catalogue.swapped(["anew"]) is not None
    assert catalogue.swapped(["added", "anew"]) is None  # it would undo what was changed before
    assert catalogue.changed("more") == "def double(x): return 2 * x + x"
    assert catalogue.changed("added-to-that") == "def double(x): return 2 * x + x + x"

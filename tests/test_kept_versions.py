"""What wrong versions gave is kept for all workers and runs, and only a part of a cell is run."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from autograder.authoring.findings import Findings
from autograder.authoring.proof import begun, write
from autograder.course.course import Course
from autograder.course.tried import FOLDER as PROOFS
from autograder.grading.grade import grade
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess
from autograder.reference.checks import costs, keeps_state, needed, only
from autograder.reference.kept_versions import FOLDER
from autograder.reference.wrong_versions import WrongVersions
from autograder.submission.handed_in import read_handed_in
from autograder.verdict.agreement import agree
from autograder.verdict.budget import ROUND, RUN, Budget
from autograder.verdict.evidence import decode
from tests import anew, harness, mini

TRIPLED = "def double(x):\n    return x * 3"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many versions are run, each time that some are."""
    counts: list[int] = []
    run = WrongVersions._run

    def counted(
        self: WrongVersions, each: Sequence[tuple[str, str]], longest: float
    ) -> list[list[bytes]]:
        counts.append(len(each))
        return run(self, each, longest)

    monkeypatch.setattr(WrongVersions, "_run", counted)
    return counts


def named(course: Path, seed: int = 5) -> list[str]:
    """The names of what is wrong with a submission that triples, graded as in a new run."""
    opened = Course(course)
    work = course / "submitted" / "one" / mini.NAME / f"{mini.NAME}.ipynb"
    if not work.is_file():
        mini.hand_in(course, "one", mini.submission(double=TRIPLED))
    key = answer_keys(opened, opened.chosen([mini.NAME]), ThisProcess(), Seeds(given=seed))
    checks = grade(key[mini.NAME], read_handed_in(work, "one")).tests["test-double"].checks
    return sorted({each.id for check in checks for each in check.because})


def test_a_later_run_finds_what_an_earlier_one_made(tmp_path: Path, runs: list[int]) -> None:
    """A class makes the same mistakes, and is graded by several processes, on several days."""
    course = mini.make_course(tmp_path)

    assert named(course) == ["tripled"]
    first = sum(runs)
    runs.clear()
    assert named(course) == ["tripled"]

    assert first > 1
    assert runs == []


REMEMBERS = """
first-kept = { old = '2 * x', new = 'double.__dict__.setdefault("first", 2 * x)', says = '''
  The first result is given again.
  Every later call gets what the first one got.
  What may a function remember?''' }

[wrong.first_row]"""
REMEMBERED = """made = []
def double(x):
    made.append(2 * x)
    return made[0]"""


def test_what_remembers_calls_is_named_when_a_submission_is_graded(tmp_path: Path) -> None:
    """It is run in the whole cell, behind the definitions that this stands on."""
    course = mini.make_course(tmp_path)
    table = course / "solutions" / "mini.toml"
    table.write_text(table.read_text().replace("\n[wrong.first_row]", REMEMBERS))
    mini.hand_in(course, "one", mini.submission(double=REMEMBERED))

    assert named(course) == ["first-kept"]


def test_another_seed_takes_nothing_of_the_one_before(tmp_path: Path, runs: list[int]) -> None:
    """On other inputs a wrong version gives other numbers."""
    course = mini.make_course(tmp_path)
    named(course)
    (before,) = (course / FOLDER).iterdir()
    runs.clear()

    assert named(course, seed=6) == ["tripled"]

    assert sum(runs) > 1
    assert not before.exists()
    assert len(list((course / FOLDER).iterdir())) == 1


@pytest.mark.parametrize(
    "text", ["no proof", '{"failing": {"test-double": {"tripled": "0 x 99"}}}']
)
def test_a_proof_that_says_nothing_of_use_changes_no_name(tmp_path: Path, text: str) -> None:
    """It only says where to look first."""
    course = mini.make_course(tmp_path)
    proof = course / "release" / PROOFS / f"{mini.NAME}.json"
    proof.parent.mkdir(parents=True, exist_ok=True)
    proof.write_text(text)

    assert named(course) == ["tripled"]


def test_what_a_proof_found_is_known_in_grading(tmp_path: Path) -> None:
    """Written by proving, read with the answer key."""
    course = Course(mini.make_course(tmp_path))
    (assignment,) = course.chosen([mini.NAME])
    found = Findings(failing={"test-double": {"tripled": "0 2"}})
    write(course, begun(course, assignment, 5).of(found))
    key = answer_keys(course, [assignment], ThisProcess(), Seeds(given=5))[mini.NAME]

    names = [decode(record).name for record in key.evidence["test-double"]]
    failing = dict(key.wrong.failing("test-double"))
    assert failing.pop(("tripled",)) == {names[0], names[2]}
    assert {*failing.values()} == {frozenset()}, "of those that it does not name, it says: none"
    assert key.wrong.failing("test-first_row") == {}


@pytest.mark.parametrize("damage", ["no database", "no record", "no folder"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, damage: str) -> None:
    """It is a convenience; nothing depends on it."""
    course = mini.make_course(tmp_path)
    named(course)
    (kept,) = (course / FOLDER).iterdir()
    if damage == "no database":
        kept.write_bytes(b"no database at all" * 100)
    elif damage == "no record":
        with sqlite3.connect(kept) as database:
            database.execute("UPDATE given SET record = x'00'")
    else:
        kept.unlink()
        (course / FOLDER).rmdir()
        (course / FOLDER).write_text("a file in its place")

    assert named(course) == ["tripled"]


def test_what_checks_cost_is_in_the_evidence_of_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no verdict pays for finding it out, and all workers and later runs count alike."""
    course = Course(mini.make_course(tmp_path))
    (assignment,) = course.chosen([mini.NAME])
    key, again = (
        answer_keys(course, [assignment], ThisProcess(), Seeds())[mini.NAME] for _ in range(2)
    )
    monkeypatch.setattr(WrongVersions, "_run", None)

    for test, records in key.evidence.items():
        taken = {record.name: max(record.seconds, 0.001) for record in map(decode, records)}
        assert key.wrong.seconds(test) == taken == again.wrong.seconds(test)


def test_what_a_check_stands_on_is_part_of_its_cost() -> None:
    """It is run before it, also where the check is run alone; nothing is free."""
    cell = 'with observe("one"):\n    x = 1\nwith observe("two"):\n    print(x)'

    assert costs(cell, {"one": 0.25, "two": 0.5}) == {"one": 0.25, "two": 0.75}
    assert costs(cell, {"one": 0.0, "two": 0.5})["one"] > 0


@pytest.mark.parametrize("assignment", anew.a_few_now(one_more=False))
def test_a_check_gives_alone_what_it_gives_in_its_cell(assignment: str) -> None:
    """Versions are looked at in single checks first: none may stand on one before it."""
    here = harness.process(assignment)
    right = harness.solutions(assignment)
    for test, records in here.reference.items():
        names = [decode(record).name for record in records]
        costs = here.seconds(test)
        for name, record in zip(names, records, strict=True):
            if costs[name] > 0.1:
                continue
            part = partial(only, checks=[name])
            found = {each.name: each for each in map(decode, here.run(right, test, part)[test])}
            assert agree(found[name], decode(record))
        assert list(costs) == names


def test_a_check_that_stands_on_another_is_not_run_alone() -> None:
    """Then what it stands on is run too, which gives more than was asked for."""
    cell = 'import a\nwith observe("one"):\n    x = 1\nwith observe("two"):\n    print({})'

    assert "one" not in only(cell.format("2"), ["two"])
    assert "one" in only(cell.format("x"), ["two"])
    assert needed(cell.format("x"), ["two"]) == {"one", "two"}
    assert needed(f"x = 2\n{cell.format('x')}", ["two"]) == {"one", "two"}
    assert only(cell.format("2"), ["three"]) == cell.format("2")


@pytest.mark.parametrize(
    ("definition", "kept"),
    [
        ("def f(x, y=None):\n    z = dict()\n    return z", False),
        ("class f:\n    size: int = 3\n    def g(self, x):\n        self.x = x", False),
        ("def f(x, seen={}):\n    return seen", True),
        ("def f(x):\n    global y\n    y = x", True),
        ("def f(x):\n    f.calls = 1", True),
        ("def f(x):\n    return f.__dict__.setdefault('k', x)", True),
        ("class f:\n    tables = {}\n    def g(self, x):\n        return self.tables", True),
        ("import functools\n@functools.lru_cache\ndef f(x):\n    return x", True),
    ],
)
def test_what_remembers_calls_is_looked_at_in_the_whole_cell(definition: str, kept: bool) -> None:
    """Alone, its second call would be its first."""
    assert keeps_state(definition) is kept


def test_a_budget_is_spent_in_order() -> None:
    """The likely ones come first; what costs nothing can always be had."""
    budget = Budget(ROUND + 2 * RUN + 3.0)

    assert budget.take([("a", 1.0), ("b", 2.0), ("c", 0.5), ("d", 0.0)]) == ["a", "b"]
    assert budget.take([("c", 0.5)]) == []
    assert budget.take([("d", 0.0)]) == ["d"]
    half = Budget(4.0)
    with half.half():
        assert half.take([("a", 2.0)]) == []
    assert half.take([("a", 2.0)]) == ["a"]

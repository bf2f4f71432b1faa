"""`workbook try` answers in seconds: what there was no time for is named, and run the next time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.authoring import shown
from autograder.authoring.attempt import Attempt, attempt
from autograder.authoring.authored import read_authored
from autograder.authoring.tried_before import tried_before
from autograder.authoring.wrong import wrong_versions
from autograder.cli import app
from autograder.course.course import Course
from tests import harness, mini

COUNT = 40
ROWS = "\n".join(f"times-{n} = {{ old = '2 * x', new = '{n} * x' }}" for n in range(4, 4 + COUNT))


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course whose `double` has many wrong versions."""
    root = mini.make_course(tmp_path)
    table = root / "solutions" / "mini.toml"
    table.write_text(table.read_text().replace("[wrong.double]\n", f"[wrong.double]\n{ROWS}\n"))
    return root


def tried(root: Path, seconds: float | None) -> Attempt:
    """What comes of `double`."""
    (found,) = attempt(Course(root), mini.NAME, "double", seconds)
    return found


def kept(root: Path) -> set[str]:
    """The versions that would not be run again."""
    course = Course(root)
    authored = read_authored(course, course.assignments[mini.NAME])
    return {swap[-1] for swap in tried_before(authored).find(wrong_versions(authored))}


def test_what_there_was_no_time_for_is_run_the_next_time(course: Path) -> None:
    """Without any time a few had begun; each call goes on with those that are left."""
    first = tried(course, 0.0)

    begun = {each.wrong.id for each in first.tried}
    assert len(begun) + len(first.left) == COUNT + 4
    assert len(first.left) > COUNT / 2
    assert {each for each in begun if each.startswith("times-")} <= kept(course)

    second = tried(course, None)

    assert not second.left
    assert len(second.tried) == COUNT + 4
    assert all(each.caught_by for each in second.tried)
    assert {f"times-{n}" for n in range(4, 4 + COUNT)} <= kept(course)


def test_what_is_kept_says_what_it_said_fresh(tmp_path: Path) -> None:
    """Of a cell of many checks, which are kept by their names."""
    name = harness.ASSIGNMENTS[0]
    shutil.copy(harness.ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(harness.SOURCE / name, tmp_path / "source" / name)
    shutil.copytree(harness.ROOT / "solutions", tmp_path / "solutions")

    fresh, again = (attempt(Course(tmp_path), name, "attention_scores") for _ in range(2))

    assert again == fresh
    assert all(each.is_right for each in fresh[0].tried)


@pytest.mark.parametrize(
    ("file", "old", "new", "lost"),
    [
        ("solutions/mini.toml", "new = '7 * x'", "new = '77 * x'", {"times-7"}),
        (f"source/{mini.NAME}/{mini.NAME}.ipynb", "randn(3, 5)", "randn(4, 5)", None),
    ],
)
def test_what_was_changed_is_run_again(
    course: Path, file: str, old: str, new: str, lost: set[str] | None
) -> None:
    """A row alone, where it was changed; all of them, where the test was."""
    tried(course, None)
    before = kept(course)
    path = course / file
    assert old in path.read_text()

    path.write_text(path.read_text().replace(old, new, 1))

    assert kept(course) == (before - lost if lost else set())


def test_two_mistakes_at_once_are_left_to_the_proof(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One mistake at a time explains no pair, so its names are not held against the table."""
    both = "both = { is = ['tripled', 'detached'], changes = [['2 * x', '3 * x'], ['return doubled', 'return doubled.detach()']] }"  # noqa: E501
    table = course / "solutions" / "mini.toml"
    table.write_text(table.read_text().replace("[wrong.double]\n", f"[wrong.double]\n{both}\n"))
    monkeypatch.chdir(course)

    done = CliRunner().invoke(app, ["try", mini.NAME, "double"])

    assert done.exit_code == 0, done.stdout
    assert "prove" in done.stdout  # the column folds the sentence


def test_an_author_is_told_what_is_left(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a script is: not everything was tried."""
    monkeypatch.chdir(course)
    monkeypatch.setattr(shown, "RUN_SECONDS", 0.0)

    done = CliRunner().invoke(app, ["try", mini.NAME, "double"])

    assert done.exit_code == 1
    assert "Not run yet" in done.stdout
    assert "the same command goes on" in " ".join(done.stdout.split())

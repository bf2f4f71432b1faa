"""`release/` is what `source/` gives today, and holds nothing that students are not to see."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import nbformat
import pytest

from autograder.authoring import shown
from autograder.authoring.findings import Findings
from autograder.course.assignment import headings, is_solution
from autograder.course.course import Course
from autograder.course.public_examples import EXAMPLES, read_examples
from autograder.errors import CourseError
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess
from autograder.reference.answer_key import AnswerKey
from autograder.release.each import release_each
from autograder.release.points import told_of
from autograder.release.release import generate, prove_nothing_leaks, prove_tests_tell, release
from tests import anew, diagnosing, mini
from tests.harness import ASSIGNMENTS, ROOT, module_name, stale

EACH = pytest.mark.parametrize("name", ASSIGNMENTS)


@pytest.fixture(scope="module")
def whole_course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A copy of this course, so that a gradebook is written beside the copy."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("source", "solutions"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    return Course(root)


def answer_key(course: Course, name: str) -> AnswerKey:
    return answer_keys(course, course.chosen([name]), ThisProcess(), Seeds(given=7))[name]


@EACH
def test_the_release_is_what_the_source_gives_today(name: str, whole_course: Course) -> None:
    """Run `workbook release` after every change of a source notebook."""
    fresh = generate(whole_course, whole_course.assignments[name], whole_course.root / "release")

    kept = ROOT / "release" / name / fresh.name
    assert nbformat.read(kept, as_version=4) == nbformat.read(fresh, as_version=4), stale(kept)


@EACH
def test_what_the_desk_knows_is_of_today(name: str, whole_course: Course) -> None:
    """Its texts; test_check.py runs what was recorded of the reference and its wrong versions."""
    desk = ROOT / "release" / "desk" / f"{name}.json"
    known = json.loads(desk.read_text())
    module = ROOT / "solutions" / module_name(name)
    definitions = list(known["definitions"])
    kept = [each for asked in known["definitions"].values() for each in asked["examples"]]
    texts = {each.id: asdict(each) for each in diagnosing.catalogue(name).misconceptions}

    examples = read_examples(module.with_suffix(EXAMPLES).read_text(), definitions)
    assert sorted(kept, key=str) == sorted(map(asdict, examples), key=str), stale(desk)
    assert all(each == texts.get(each["id"]) for each in known["misconceptions"]), stale(desk)
    today = headings(whole_course.assignments[name].notebook.cells)
    assert known["headings"] == today, stale(desk)


@pytest.mark.parametrize("name", anew.a_few_now())
def test_nothing_leaks_and_the_tests_tell(name: str, whole_course: Course) -> None:
    """In the sandbox, as submissions: the stub gets nothing, the solution everything."""
    key = answer_key(whole_course, name)
    kept = ROOT / "release" / name / f"{name}.ipynb"

    prove_nothing_leaks(key.assignment, kept)
    prove_tests_tell(key, kept)


@EACH
def test_a_fresh_release_says_what_to_do(name: str) -> None:
    """Every stub raises with a sentence for the one who meets it."""
    notebook = nbformat.read(ROOT / "release" / name / f"{name}.ipynb", as_version=4)
    stubs = [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    ]

    assert stubs
    assert all("this step is still to do" in stub for stub in stubs)


def test_what_is_marked_by_hand_is_told_of(course: Path) -> None:
    """Of all points, how many; nothing where tests give all of them."""
    first = ROOT / "release" / ASSIGNMENTS[0] / f"{ASSIGNMENTS[0]}.ipynb"
    path = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    notebook.cells = [cell for cell in notebook.cells if not is_solution(cell)]
    nbformat.write(notebook, path)
    worth = sum(cell.metadata["nbgrader"]["points"] for cell in notebook.cells)

    assert told_of(Course(ROOT), first).endswith(f"{first.name}  (20 points, 3 of them by hand)")
    assert told_of(Course(course), course / "release" / mini.NAME / path.name) == (
        f"release/{mini.NAME}/{path.name}  ({worth:g} points)"
    )


def leaking(course: Path) -> None:
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('c.ClearHiddenTests.begin_test_delimeter = "BEGIN SECRET"\n')


def blind(course: Path) -> None:
    path = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.id == "test-first_row":
            cell.source = cell.source.replace("first_row(randn(3, 5))", "randn(3, 5)")
    nbformat.write(notebook, path)


@pytest.mark.parametrize("spoil", [leaking, blind], ids=lambda spoil: spoil.__name__)
def test_a_release_that_is_not_proved_is_not_written(course: Path, spoil: object) -> None:
    """A marker that survives and a test that cannot fail both stop the release."""
    assert callable(spoil)
    spoil(course)
    opened = Course(course)

    with pytest.raises(CourseError, match=mini.NAME):
        release(opened, answer_key(opened, mini.NAME))

    assert not (course / "release").exists()
    assert list(course.glob(".release-*")) == []


@pytest.mark.parametrize("broken", ["{", "raise SystemExit"])
def test_what_is_wrong_with_one_stops_no_other(course: Path, broken: str) -> None:
    """It is named with its reason when the others are released, whatever it is."""
    mini.add_other(course)
    path = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    notebook = mini.notebook()
    notebook.cells[3].source += f"\n{broken}"
    path.write_text("{" if broken == "{" else nbformat.writes(notebook), encoding="utf-8")
    opened = Course(course)
    written = release_each(opened, opened.chosen([]))

    assert next(written).stem == mini.OTHER
    with pytest.raises(CourseError, match=r"1 of 2 not released:\n- 01-mini: .") as error:
        next(written)
    assert mini.OTHER not in str(error.value)
    assert not (course / "release" / mini.NAME).exists()


def test_proving_goes_past_a_broken_one(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is named with what is wrong; a single one is refused, as every command refuses."""
    mini.add_other(course)
    (course / "source" / mini.NAME / f"{mini.NAME}.ipynb").write_text("{", encoding="utf-8")
    failed = Findings(Counter(), ("one check catches nothing",))
    monkeypatch.setattr(shown, "prove", lambda *_: failed)

    assert not shown.prove_each(course, [], 1)

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{mini.NAME}: ")
    assert "is not a notebook" in first
    assert second == f"{mini.OTHER}: one check catches nothing"
    with pytest.raises(CourseError, match="is not a notebook"):
        shown.prove_each(course, [mini.NAME], 1)


def test_writing_one_leaves_the_next_its_place(course: Path, tmp_path: Path) -> None:
    """`workbook release` writes all assignments with one configuration."""
    opened = Course(course)
    before = opened.top("release")

    generate(opened, opened.assignments[mini.NAME], tmp_path / "elsewhere")

    assert opened.top("release") == before

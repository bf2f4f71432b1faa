"""What is graded again, and what is not: everything that a verdict depends on counts."""

from __future__ import annotations

import ast
import importlib.metadata
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.catalogue import Catalogue, Misconception, Picture
from autograder.course.course import Course
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.pending import UNKNOWN, pending, reasons
from autograder.grading.workers import ThisProcess
from autograder.reference import fingerprint as fingerprints
from autograder.reference.key_cache import FOLDER, KeyCache
from autograder.reference.package import decisive, package_of
from tests import mini
from tests.harness import ROOT
from tests.test_grade import WRONG, results, workbook


@pytest.fixture(scope="module")
def graded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose two submissions are graded."""
    course = mini.make_course(tmp_path_factory.mktemp("once"))
    mini.hand_in(course, "one", mini.submission())
    beside = mini.hand_in(course, "two", mini.submission()).parent
    (beside / "helper.py").write_text("answer = 1")
    assert workbook(course, "grade").returncode == 0
    return course


@pytest.fixture
def graded(graded_once: Path, tmp_path: Path) -> Path:
    """A copy of that course, to be changed."""
    return Path(shutil.copytree(graded_once, tmp_path / "course"))


def names(course: Path) -> list[str]:
    """Whose submissions are due."""
    opened = Course(course)
    submissions = opened.submissions(opened.chosen([]))
    return [one.submission.student for one in pending(opened, submissions, force=False)]


def test_nothing_changed(graded: Path) -> None:
    """Nothing is due, and the command leaves every file as it is."""
    before = {path: path.stat().st_mtime_ns for path in graded.rglob("*")}

    assert names(graded) == []
    assert "2 left as graded before" in workbook(graded, "grade").stderr
    assert {path: path.stat().st_mtime_ns for path in graded.rglob("*")} == before


def work(course: Path) -> None:
    path = course / "submitted" / "one" / mini.NAME / f"{mini.NAME}.ipynb"
    nbformat.write(mini.submission(double="def double(x):\n    return x + x"), path)


def helper(course: Path) -> None:
    (course / "submitted" / "two" / mini.NAME / "helper.py").write_text("answer = 2")


def time_of_submission(course: Path) -> None:
    folder = course / "submitted" / "one" / mini.NAME
    (folder / "timestamp.txt").write_text("2031-03-05 08:11:14 UTC")


def tests_of_the_assignment(course: Path) -> None:
    path = course / "source" / mini.NAME / f"{mini.NAME}.ipynb"
    path.write_text(path.read_text().replace("randn(3, 5)", "randn(4, 5)"))


def file_of_the_assignment(course: Path) -> None:
    (course / "source" / mini.NAME / "data.txt").write_text("1")


def reference(course: Path) -> None:
    path = course / "solutions" / "mini.py"
    path.write_text(path.read_text().replace("2 * x", "x + x"))


def configuration(course: Path) -> None:
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("# changed\n")


def autograded_notebook(course: Path) -> None:
    (course / "autograded" / "one" / mini.NAME / f"{mini.NAME}.ipynb").unlink()


def row_of_the_gradebook(course: Path) -> None:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.remove_submission(mini.NAME, "two")


def due_date(course: Path) -> None:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment(mini.NAME, duedate="2031-02-03 05:07:00 UTC")


def extension(course: Path) -> None:
    due_date(course)
    assert workbook(course, "grade").returncode == 0
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.grant_extension(mini.NAME, "two", hours=1)


def gradebook_as_a_whole(course: Path) -> None:
    (course / "gradebook.db").unlink()


WHY = {
    **dict.fromkeys((work, helper, time_of_submission), "what was handed in changed"),
    **dict.fromkeys(
        (tests_of_the_assignment, file_of_the_assignment, reference),
        "the assignment's source or solution changed",
    ),
    configuration: "nbgrader_config.py or the late plugin changed",
    autograded_notebook: "its autograded notebook is gone",
    **dict.fromkeys((due_date, extension), "the due date or an extension changed"),
    **dict.fromkeys((row_of_the_gradebook, gradebook_as_a_whole), UNKNOWN),
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (work, ["one"]),
        (helper, ["two"]),
        (time_of_submission, ["one"]),
        (tests_of_the_assignment, ["one", "two"]),
        (file_of_the_assignment, ["one", "two"]),
        (reference, ["one", "two"]),
        (configuration, ["one", "two"]),
        (autograded_notebook, ["one"]),
        (row_of_the_gradebook, ["two"]),
        (due_date, ["one", "two"]),
        (extension, ["two"]),
        (gradebook_as_a_whole, ["one", "two"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_changed_is_due(
    graded: Path, change: Callable[[Path], None], expected: list[str]
) -> None:
    """And nothing else is, and it is said why."""
    change(graded)

    opened = Course(graded)
    due = pending(opened, opened.submissions(opened.chosen([])), force=False)
    assert [one.submission.student for one in due] == expected
    if expected:
        assert {one.why for one in due} == {WHY[change]}


def test_each_reason_is_said_once_with_how_many(graded: Path) -> None:
    """What is new needs none; of many, the first are named."""
    helper(graded)
    opened = Course(graded)
    mini.hand_in(graded, "new", mini.submission())
    submissions = opened.submissions(opened.chosen([]))

    due = pending(opened, submissions, force=False)
    assert reasons(due) == ["1 to be graded again (two): what was handed in changed."]
    tests_of_the_assignment(graded)
    due = pending(opened, submissions, force=False)
    assert reasons(due) == [
        "1 to be graded again (one): the assignment's source or solution changed.",
        "1 to be graded again (two): what was handed in changed, and the assignment's source or "
        "solution changed.",
    ]
    forced = [one for one in pending(opened, submissions, force=True) if one.why]
    assert reasons(forced * 2) == [
        "4 to be graded again (one, two, one, ...): it was asked for by --force."
    ]


WORDS = ("How often do you add x to nothing?", "How often, do you think, is x there?")


@pytest.fixture(scope="module")
def both_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graded course of two assignments, the second built on the first, with one student."""
    course = mini.make_course(tmp_path_factory.mktemp("both"))
    mini.add_other(course)
    for name in (mini.NAME, mini.OTHER):
        mini.hand_in(course, "one", mini.submission(double=WRONG), name)
    assert workbook(course, "grade").returncode == 0
    return course


@pytest.fixture
def both(both_once: Path, tmp_path: Path) -> Path:
    """A copy of that course, to be changed."""
    return Path(shutil.copytree(both_once, tmp_path / "course"))


def due_assignments(course: Path) -> list[str]:
    opened = Course(course)
    submissions = opened.submissions(opened.chosen([]))
    return [one.submission.assignment.name for one in pending(opened, submissions, force=False)]


def edited(file: str, old: str, new: str) -> Callable[[Path], None]:
    """An edit of one file of a course."""

    def edit(course: Path) -> None:
        text = (course / file).read_text()
        assert old in text
        (course / file).write_text(text.replace(old, new, 1))

    return edit


def added(file: str, text: str = "") -> Callable[[Path], None]:
    """A new file of a course, or more text in one."""

    def add(course: Path) -> None:
        (course / file).parent.mkdir(parents=True, exist_ok=True)
        with (course / file).open("a") as opened:
            opened.write(text)

    return add


OTHERS = f"source/{mini.OTHER}/{mini.OTHER}.ipynb"
FIRSTS = f"source/{mini.NAME}/{mini.NAME}.ipynb"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edited("solutions/mini.toml", *WORDS), []),
        (edited("solutions/mini.toml", "double of a table", "a table, doubled"), []),
        (added("solutions/mini.toml", "# a comment\n"), []),
        (added("solutions/mini.examples.toml", "# none yet\n"), []),
        (added("solutions/styles/mini/plain.py", "double = 1\n"), []),
        (added("solutions/third.py", "answer = 1\n"), []),
        (edited("solutions/mini.toml", "x / 2", "x / 4"), []),
        (edited("solutions/mini.toml", "3 * x", "4 * x"), [mini.NAME]),
        (edited("solutions/mini.toml", "torch.eye(2)", "torch.eye(3)"), [mini.NAME]),
        (edited(FIRSTS, "randn(3, 5)", "randn(4, 5)"), [mini.NAME]),
        (edited("solutions/other.py", "once(x)", "1 * once(x)"), [mini.OTHER]),
        (edited(OTHERS, "randn(3, 5)", "randn(4, 5)"), [mini.OTHER]),
        (edited("solutions/mini.py", "2 * x", "x + x"), [mini.NAME, mini.OTHER]),
        (edited("solutions/mini.py", "2 * x", "2 * ("), [mini.NAME, mini.OTHER]),
        (edited("solutions/mini.toml", "definition", "defined"), [mini.NAME]),
    ],
    ids=[
        *("hint", "caption", "comment", "examples", "style", "third module", "form"),
        *("wrong version", "picture", "test", "own reference", "own test", "imported reference"),
        *("broken reference", "broken table"),
    ],
)
def test_an_assignment_stands_alone(
    both: Path, change: Callable[[Path], None], expected: list[str]
) -> None:
    """Words make nothing due; a test or a reference only what is built on it."""
    change(both)

    assert due_assignments(both) == expected


def test_the_pages_have_todays_words(both: Path) -> None:
    """A better hint reaches students without a grading."""
    edited("solutions/mini.toml", *WORDS)(both)

    assert "2 left as graded before" in workbook(both, "grade").stderr
    assert workbook(both, "feedback").returncode == 0

    first, other = (
        (both / "feedback" / "one" / name / f"{name}.html").read_text()
        for name in (mini.NAME, mini.OTHER)
    )
    assert (WORDS[0] in first, WORDS[1] in first) == (False, True)
    assert (WORDS[0] in other, WORDS[1] in other) == (True, False)


def test_what_decides_in_a_table() -> None:
    """Which version is named first, its id and its code; no word."""
    one = Misconception("a", "f", "name", "effect", "hint", "cell")
    two = Misconception("b", "f", "name", "effect", "hint", "cell")
    picture = Picture("f", "caption", "picture = f()")
    edits = {"a": (("1", "2"),), "b": (("1", "3"),)}
    table = Catalogue("module", (one, two), (picture,), edits)

    words = replace(one, name="other", effect="other", hint="other", explained="other")
    drawn = replace(picture, caption="other", rows="other", columns="other")
    assert decisive(Catalogue("module", (words, two), (drawn,), edits)) == decisive(table)
    for other in (
        replace(table, misconceptions=(two, one)),
        replace(table, misconceptions=(replace(one, definition="g"), two)),
        replace(
            table, misconceptions=(replace(one, id="c"), two), edits={**edits, "c": (("1", "2"),)}
        ),
        replace(table, edits={**edits, "a": (("1", "4"),)}),
        replace(table, edits={**edits, "a": (("0", "2"),)}),
        replace(table, pictures=(replace(picture, code="picture = f(1)"),)),
        replace(table, pictures=()),
    ):
        assert decisive(other) != decisive(table)


def test_a_reference_takes_along_what_it_imports(course: Path) -> None:
    """However the import is written, and nothing else; so small is what travels to workers."""
    solutions = course / "solutions"
    (solutions / "deep").mkdir()
    for name, source in {
        "other.py": "import solutions.deep.one\n",
        "deep/__init__.py": "",
        "deep/one.py": "from . import two\nfrom .three import x\nfrom .. import four\n",
        "deep/two.py": "def f():\n    from solutions.five import *\n",
        "deep/three.py": "import torch, json as solutions\n",
        "four.py": "from ..six import x\n",
        **dict.fromkeys(("five.py", "six.py", "deep/seven.py", "styles/other/six.py"), ""),
    }.items():
        (solutions / name).parent.mkdir(parents=True, exist_ok=True)
        (solutions / name).write_text(source)

    opened = Course(course)
    package = package_of(opened, replace(opened.assignments[mini.NAME], name=mini.OTHER))

    deep = ["deep/__init__.py", "deep/one.py", "deep/three.py", "deep/two.py"]
    assert list(package.modules) == ["__init__.py", *deep, "five.py", "four.py", "other.py"]
    assert package.table == b""
    assert list(package_of(opened, opened.assignments[mini.NAME]).modules) == [
        "__init__.py",
        "mini.py",
    ]


def test_an_answer_key_is_of_one_assignment(both: Path) -> None:
    """What goes to a worker holds no other assignment's reference or table."""
    opened = Course(both)
    keys = answer_keys(opened, opened.chosen([]), ThisProcess(), Seeds())

    assert list(keys[mini.NAME].wrong.modules) == ["__init__.py", "mini.py"]
    assert list(keys[mini.OTHER].wrong.modules) == ["__init__.py", "mini.py", "other.py"]
    assert b"once(x)" not in pickle.dumps(keys[mini.NAME])


def imports_of(path: Path) -> set[str]:
    """The modules of the grader that one of its modules names in an import."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("autograder.")}


def test_the_software_is_what_a_verdict_passes_through() -> None:
    """All that the grading of a submission imports is counted; the other doors are not."""
    counted = set(fingerprints.counted())
    seen: set[str] = set()
    todo = ["autograder.grading.run", "autograder.kernel.fork_server", "autograder.observe"]
    while todo:
        name = todo.pop()
        inside = name.removeprefix("autograder.").replace(".", "/")
        for path in (f"{inside}.py", f"{inside}/__init__.py"):
            if (ROOT / "autograder" / path).is_file() and path not in seen:
                seen.add(path)
                todo += imports_of(ROOT / "autograder" / path)

    assert len(seen) > 40
    assert seen <= counted
    doors = ("authoring", "release", "feedback", "cli", "doctor", "nbgrader_plugin")
    assert {name.split("/")[0].removesuffix(".py") for name in counted}.isdisjoint(doors)


def test_another_version_of_a_package_makes_everything_due(
    graded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new torch may round in another way."""
    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "99" if name == "torch" else version(name)
    )
    fingerprints.software.cache_clear()
    try:
        assert names(graded) == ["one", "two"]
    finally:
        fingerprints.software.cache_clear()


def test_the_reference_is_kept_with_its_seed(graded: Path) -> None:
    """Who hands in later is graded on the same inputs; `--force` draws new ones for all."""
    with sqlite3.connect(graded / "gradebook.db") as database:
        assert database.execute("SELECT count(*) FROM workbook_gradings").fetchone() == (2,)
    (kept,) = (graded / FOLDER).iterdir()
    seed = KeyCache(graded).find(kept.stem, None)
    assert seed is not None
    mini.hand_in(graded, "late", mini.submission())

    assert {name: found["seed"] for name, found in results(graded).items()} == {"late": seed[0]}
    forced = {found["seed"] for found in results(graded, "--force").values()}
    assert len(forced) == 1
    assert forced != {seed[0]}


def test_a_damaged_cache_is_made_again(graded: Path) -> None:
    """What is kept is a convenience; nothing depends on it."""
    (kept,) = (graded / FOLDER).iterdir()
    kept.write_text('{"seed": 1, "evidence": {"test-double": ["no base64"]}}')
    mini.hand_in(graded, "late", mini.submission())

    assert results(graded)["late"]["score"] == 6.0
    assert KeyCache(graded).find(kept.stem, None) is not None


def test_folders_are_where_nbgrader_looks_for_them(course: Path) -> None:
    """The course reads its own settings; they mean what they mean to nbgrader."""
    from nbgrader.coursedir import CourseDirectory

    with (course / "nbgrader_config.py").open("a") as config:
        config.write('c.CourseDirectory.submitted_directory = "in"\n')
        structure = "{nbgrader_step}/of-{student_id}/{assignment_id}"
        config.write(f'c.CourseDirectory.directory_structure = "{structure}"\n')
    for opened in (Course(course), Course(course, "sqlite:///other.db")):
        theirs = CourseDirectory(config=opened.config)
        assert (opened.db_url, opened.course_id) == (theirs.db_url, theirs.course_id)
        for step in ("source", "release", "submitted", "autograded", "feedback"):
            name = getattr(theirs, f"{step}_directory")
            assert opened.top(step) == course / name
            assert str(opened.folder(step, "s", "a")) == theirs.format_path(name, "s", "a")

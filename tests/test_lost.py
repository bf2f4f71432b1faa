"""Every notebook below `submitted/`, and every loose one, is graded or named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.submission.cells import SubmittedCell, read_cells, read_submission
from autograder.submission.recognise import other_than, which
from tests import mini
from tests.harness import ROOT
from tests.test_grade import scores, workbook

FAR, BROKEN, PLAIN = "02-far", "03-broken", "04-plain"
PLACE = f"{mini.NAME}/{mini.NAME}.ipynb"


def own() -> NotebookNode:
    """A student's notebook of the first assignment."""
    return mini.submission(**{"why-shape-question": mini.QUESTION.splitlines()[0]})


def far(name: str = "far") -> NotebookNode:
    """Another assignment's notebook: other names, other texts."""
    made = own()
    for cell in made.cells:
        if cell.id != "imports":
            cell.id = f"{name}-{cell.id}"
            for old in ("doubl", "Doubl", "double", "first_row"):
                cell.source = cell.source.replace(old, f"{name}_{old}")
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["grade_id"] = cell.id
    return made


def without_names(made: NotebookNode) -> NotebookNode:
    for number, cell in enumerate(made.cells):
        cell.metadata, cell.id = {}, f"anew-{number}-{len(cell.source)}"
    return made


def project() -> NotebookNode:
    """Something else that the student wrote."""
    return new_notebook(cells=[new_markdown_cell("# My project"), new_code_cell("rows = 3")])


def put(course: Path, where: str, made: NotebookNode | None = None) -> None:
    path = course / "submitted" / where
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made or own(), path)


def author(course: Path, name: str, text: str) -> None:
    folder = course / "source" / name
    folder.mkdir()
    (folder / f"{name}.ipynb").write_text(text)


@pytest.fixture
def wide(course: Path) -> Path:
    """A course of four assignments, two of which cannot be graded, and what programs left."""
    author(course, FAR, nbformat.writes(far()))
    author(course, BROKEN, "{")
    author(course, PLAIN, nbformat.writes(far("plain")))
    for litter in (".ipynb_checkpoints", "drafts", "__pycache__"):
        (course / "source" / litter).mkdir()
    return course


def test_what_is_no_assignment_is_none(wide: Path) -> None:
    """A folder without its notebook is a draft; asked for by name, it says what is missing."""
    course = Course(wide)

    assert list(course.assignments) == [mini.NAME, FAR, BROKEN, PLAIN]
    with pytest.raises(CourseError, match=r"drafts\.ipynb is not there: an assignment NAME is"):
        course.chosen(["drafts"])


def test_every_notebook_is_graded_or_named(wide: Path) -> None:
    """And what cannot be graded, of the course's or of a student's, stops nothing else."""
    put(wide, f"right/{PLACE}")
    put(wide, f"right/backup/{mini.NAME}.ipynb")
    put(wide, f"renamed/{mini.NAME}/{mini.NAME} (1).ipynb")
    put(wide, f"capitals/{mini.NAME.upper()}/{mini.NAME.upper()}.ipynb")
    put(wide, f"nameless/{PLACE}", without_names(own()))
    put(wide, f"two/{mini.NAME}/a.ipynb")
    put(wide, f"two/{mini.NAME}/b.ipynb")
    put(wide, f"flat/{mini.NAME}.ipynb")
    put(wide, f"deep/homework/{PLACE}")
    put(wide, f"typo/01-mnii/{mini.NAME}.ipynb")
    put(wide, f"{mini.NAME}.ipynb")
    put(wide, f"other/{PLACE}", far())
    put(wide, f"other-nameless/{PLACE}", without_names(far()))
    put(wide, f"project/{PLACE}", project())
    put(wide, f".ipynb_checkpoints/{PLACE}")
    put(wide, f"__MACOSX/{mini.NAME}/._{mini.NAME}.ipynb")
    put(wide, f"right/{mini.NAME}/.ipynb_checkpoints/{mini.NAME}-checkpoint.ipynb")
    put(wide, f"right/{BROKEN}/{BROKEN}.ipynb")
    put(wide, f"right/{PLAIN}/{PLAIN}.ipynb")

    done = workbook(wide, "grade", "--json", "out.json")
    found = by_file(wide)

    assert done.returncode == 1, done.stderr
    graded = {name: each["score"] for name, each in found.items() if each["reason"] is None}
    assert graded == {
        f"right/{PLACE}": 6.0,
        f"renamed/{mini.NAME}/{mini.NAME} (1).ipynb": 6.0,
        f"capitals/{mini.NAME.upper()}/{mini.NAME.upper()}.ipynb": 6.0,
        f"nameless/{PLACE}": 6.0,
    }
    reasons = {name: each["reason"] for name, each in found.items() if each["reason"]}
    says = {
        f"two/{PLACE}": "give the one that counts that name: a.ipynb, b.ipynb",
        f"flat/{mini.NAME}.ipynb": f"move it to submitted/flat/{PLACE}",
        f"deep/homework/{PLACE}": f"move it to submitted/deep/{PLACE}",
        f"typo/01-mnii/{mini.NAME}.ipynb": f"move it to submitted/typo/{PLACE}",
        f"{mini.NAME}.ipynb": f"move it to submitted/STUDENT/{PLACE}",
        f"other/{PLACE}": f"this is {FAR}, handed in as {mini.NAME}",
        f"other-nameless/{PLACE}": f"this is {FAR}, handed in as {mini.NAME}",
        f"project/{PLACE}": f"this is no notebook of {mini.NAME}",
        f"right/{BROKEN}/{BROKEN}.ipynb": "is not a notebook",
        f"right/{PLAIN}/{PLAIN}.ipynb": f"{PLAIN} forbids softmax, which nothing looks for",
    }
    assert reasons.keys() == says.keys()
    for name, words in says.items():
        assert words in reasons[name], name
    assert "Not graded" in done.stderr
    assert done.stderr.count("right/backup") == 1
    assert "checkpoint" not in done.stdout + done.stderr
    expected = {"right", "renamed", "capitals", "nameless"}
    assert {name for name, score in scores(wide).items() if score} == expected
    assert "MACOSX" not in str(sorted(scores(wide)))


def by_file(course: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((course / "out.json").read_text())
    return {each["file"].removeprefix("submitted/"): each for each in found}


def test_a_foreign_file_among_others_is_named_in_the_table(wide: Path) -> None:
    """The others are graded, also one whose cells lost their names."""
    nbformat.write(own(), wide / "mine.ipynb")
    nbformat.write(without_names(own()), wide / "nameless.ipynb")
    nbformat.write(project(), wide / "project.ipynb")
    (wide / "no.ipynb").write_text("{")
    files = ["project.ipynb", "mine.ipynb", "no.ipynb", "nameless.ipynb", "gone.ipynb"]

    done = workbook(wide, "grade", "--json", "out.json", *files)
    found = by_file(wide)

    assert {name: each["score"] for name, each in found.items()} == {
        "mine.ipynb": 6.0,
        "nameless.ipynb": 6.0,
        "project.ipynb": None,
        "no.ipynb": None,
        "gone.ipynb": None,
    }
    assert "belongs to no assignment" in found["project.ipynb"]["reason"]
    assert "is not a notebook" in found["no.ipynb"]["reason"]
    assert "is not there" in found["gone.ipynb"]["reason"]
    assert "of no assignment of this course" in done.stdout
    assert "2 graded, 3 need attention." in done.stdout


def test_a_notebook_without_names_is_known_by_its_texts(wide: Path) -> None:
    """Not by one text that many a notebook has, nor where as much is of another."""
    course = Course(wide)
    plain_of_far = without_names(far())
    both = without_names(own())
    both.cells += plain_of_far.cells

    def of(made: NotebookNode) -> str | None:
        return which(course, read_cells(made, "handed in"))

    assert of(without_names(own())) == mini.NAME
    assert of(project()) is None
    assert of(both) is None
    both.cells = both.cells[:3]
    assert of(both) is None


def test_the_notebook_under_its_very_name_goes_first(course: Path) -> None:
    """Before a folder in capitals, and before another file in its folder."""
    put(course, f"one/{PLACE}")
    put(course, f"one/{mini.NAME}/old.ipynb")
    put(course, f"one/{mini.NAME.upper()}/{mini.NAME}.ipynb")
    opened = Course(course)

    assert [one.name for one in opened.submissions(opened.chosen([]))] == [f"submitted/one/{PLACE}"]
    shutil.rmtree(course / "submitted" / "one" / mini.NAME)
    (again,) = opened.submissions(opened.chosen([]))
    assert again.name == f"submitted/one/{mini.NAME.upper()}/{mini.NAME}.ipynb"


def test_each_notebook_of_the_workbook_is_told_from_every_other() -> None:
    """Handed in as another it is named, with its cells' names and without; as itself it is not."""
    course = Course(ROOT)
    for name in course.assignments:
        named = read_submission(ROOT / "release" / name / f"{name}.ipynb")
        nameless: list[SubmittedCell] = [{**c, "id": None, "grade_id": None} for c in named]
        for cells in (named, nameless):
            for other, assignment in course.assignments.items():
                said = other_than(course, assignment, cells, "one")
                wanted = "" if other == name else f"this is {name}, handed in as {other}"
                assert said.split(";")[0] == wanted

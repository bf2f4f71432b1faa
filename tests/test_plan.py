"""Paths and plans: what is promised to somebody who has one, two or four weeks."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from autograder.errors import DeskError
from tests import student_folder
from tests.harness import ASSIGNMENTS, SOURCE
from workbook import material
from workbook.studying.lesson import in_hours, lesson, lessons, share
from workbook.studying.progress_report import progress
from workbook.studying.study_plan import WEEKS, Plan, paths, plan

START = json.loads((SOURCE / material.START).read_text("utf-8"))
PATHS = START["metadata"]["workbook"]["paths"]
NOTEBOOKS = {
    name: json.loads((SOURCE / name / f"{name}.ipynb").read_text()) for name in ASSIGNMENTS
}


def on(path: str) -> list[str]:
    """The notebooks of a path by the places that they say, each behind what it builds on."""
    about = {name: each["metadata"]["workbook"] for name, each in NOTEBOOKS.items()}
    left = sorted(
        (name for name in about if path in about[name]["paths"]),
        key=lambda name: about[name]["paths"][path],
    )
    names: list[str] = []
    while left:
        names.append(next(n for n in left if not {*about[n]["prerequisites"]} & {*left}))
        left.remove(names[-1])
    return names


EACH = pytest.mark.parametrize("path", PATHS)


def minutes(name: str) -> int:
    """What the instructor's notebook says, not what the plan makes of it."""
    source = json.loads((SOURCE / name / f"{name}.ipynb").read_text("utf-8"))
    return int(source["metadata"]["workbook"]["minutes"])


def order(made: Plan) -> list[tuple[str, str]]:
    return [(of.name, step.name) for week in made.weeks for of, step in week]


def test_there_are_four_paths() -> None:
    """The ones that the issue names."""
    assert set(PATHS) == {"beginner", "coder", "researcher", "practitioner"}


@EACH
def test_a_path_keeps_to_the_prerequisites(path: str) -> None:
    """What a notebook builds on comes before it, and no notebook comes twice."""
    names = on(path)

    assert len(set(names)) == len(names)
    for place, name in enumerate(names):
        assert set(lesson(name).prerequisites) <= set(names[:place]), name


@EACH
@pytest.mark.parametrize("weeks", WEEKS)
def test_a_plan_holds_every_step_once_in_order(path: str, weeks: int) -> None:
    """Its minutes sum to those of the notebooks, and are about the same in every week."""
    made = plan(path, weeks)

    names = on(path)
    assert order(made) == [(name, step.name) for name in names for step in lesson(name).steps]
    assert made.total == sum(map(minutes, names))
    spent = [made.minutes(week) for week in range(1, weeks + 1)]
    assert sum(spent) == made.total
    assert len(spent) == weeks
    # Each end of a week is moved by at most half an hour.
    assert max(spent) - min(spent) <= 60


@EACH
def test_a_shown_plan_says_each_week_and_its_minutes(path: str) -> None:
    """The table's minutes, row by row, sum to the whole."""
    made = plan(path, 2)

    rows = [line.split() for line in repr(made).splitlines() if line.startswith("week")]
    assert sum(int(row[-1]) for row in rows) == made.total
    assert {row[1] for row in rows} == {"1", "2"}
    assert max(map(len, repr(made).splitlines())) <= 80


def test_what_is_done_is_left_out(tmp_path: Path) -> None:
    """The rest is spread over the weeks anew; a plan of nothing says so."""
    first = on("beginner")[0]
    student_folder.released(tmp_path, first)
    student_folder.write(tmp_path, first, why__scale="Because.")
    done = progress(tmp_path)

    assert set(order(plan("beginner"))) - set(order(plan("beginner", done=done))) == {
        (first, "why-scale")
    }
    assert "Nothing is left to do." in repr(Plan("Beginner", ((), ())))


@pytest.mark.parametrize(
    ("path", "weeks", "said"),
    [
        ("begginer", 2, "did you mean 'beginner'"),
        ("PRACTISING", 2, "did you mean 'practitioner'"),
        ("xyz", 2, "choose 'beginner', 'coder', 'practitioner' or 'researcher'"),
        (None, 2, "choose 'beginner'"),
        ("coder", 3, "no plan of 3 weeks: choose 1, 2 or 4"),
        ("coder", "two", "choose 1, 2 or 4"),
        ("coder", 0, "choose 1, 2 or 4"),
    ],
)
def test_another_choice_is_refused_with_the_choices(path: str, weeks: int, said: str) -> None:
    """A notebook shows these words only, and no traceback."""
    with pytest.raises(DeskError) as refused:
        plan(path, weeks)

    assert said in str(refused.value)
    assert refused.value._render_traceback_() == [str(refused.value)]


def test_capitals_do_not_matter() -> None:
    assert plan(" Coder ", 1).total == plan("coder", 1).total


def test_the_paths_say_how_long_they_take() -> None:
    """Notebooks and time are counted, not written."""
    shown = " ".join(repr(paths()).split())

    for path, about in PATHS.items():
        assert in_hours(sum(map(minutes, on(path)))) in shown
        assert about["for"].split()[0] in shown


def test_every_notebook_is_on_a_path() -> None:
    """And on none that the page to start with has no words for."""
    said = {name: set(each["metadata"]["workbook"]["paths"]) for name, each in NOTEBOOKS.items()}

    assert all(said.values())
    assert set().union(*said.values()) == set(PATHS)


def test_a_notebooks_minutes_are_shared_out_whole() -> None:
    """Every step has some, by its points, and none is lost to rounding."""
    assert share(60, [4, 4, 5, 4, 3]) == [12, 12, 15, 12, 9]
    assert share(10, [1, 1, 1]) == [3, 4, 3]
    for each in lessons():
        assert sum(step.minutes for step in each.steps) == each.minutes == minutes(each.name)
        assert all(step.minutes > 0 for step in each.steps)


def test_weeks_follow_each_other() -> None:
    """Nobody is sent back to a notebook that was left behind."""
    for path in PATHS:
        places = [on(path).index(name) for name, _ in order(plan(path, 4))]
        assert all(a <= b for a, b in pairwise(places))

"""Progress is what the saved notebooks can do, each time anew."""

from __future__ import annotations

import io
import os
import shutil
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.errors import DeskError
from tests import anew, student_folder
from tests.forked import forked
from tests.harness import definition_source
from tests.student_work import Notebook, cell_of, own_cell
from workbook import material
from workbook.studying import runner, runs
from workbook.studying.progress_report import LessonProgress, Progress, progress

FIRST, SECOND = "01-scaled-dot-product-attention", "02-causal-masking"
WRONG = "def softmax(x, axis=-1):\n    return x / x.sum(axis=axis, keepdims=True)"


def of(found: Progress, name: str) -> LessonProgress:
    (one,) = (each for each in found.notebooks if each.lesson.name == name)
    return one


def add(folder: Path, source: str) -> None:
    """Give the first notebook a cell of the student's own, before the first definition."""

    def insert(notebook: Notebook) -> None:
        notebook["cells"].insert(3, own_cell(source))

    student_folder.change(folder, FIRST, insert)


@pytest.fixture(autouse=True)
def _warm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs notebooks is forked from here, where all is imported; one test starts it."""
    if sys.platform == "linux" and request.function is not test_of_the_reference_all_is_done:
        monkeypatch.setattr(runs, "subprocess", SimpleNamespace(DEVNULL=-3, run=_forked))


def _forked(command: list[str], *, input: bytes, env: dict[str, str], **_: Any) -> None:
    """The runner of `command` on this input, in a fork of this process."""
    assert command[-1] == runner.__name__
    for name in runner.PRELOAD:
        __import__(name)

    def main() -> None:
        warnings.simplefilter("default")  # as in a process of its own
        sys.stdin = io.TextIOWrapper(io.BytesIO(input), encoding="utf-8")
        sys.path[:] = [each for each in sys.path if each not in ("", os.getcwd())]
        runner.main()

    done = forked(main, command, Path.cwd(), env)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A student's folder with two notebooks."""
    return student_folder.released(tmp_path, FIRST, SECOND)


def test_of_untouched_notebooks_nothing_is_done(tmp_path: Path) -> None:
    """All steps of all notebooks are to do, and their minutes are the notebooks' own."""
    found = progress(student_folder.released(tmp_path))

    assert [each.state for each in found.notebooks] == ["not started"] * len(material.names())
    stated = [material.released(n)["metadata"]["workbook"]["minutes"] for n in material.names()]
    assert [each.minutes_left for each in found.notebooks] == stated
    assert found.minutes_left == sum(stated)
    lesson, step = found.next or pytest.fail("nothing is next")
    assert (lesson.lesson.name, step.name) == (FIRST, "softmax")


@pytest.mark.parametrize(
    "names",
    [sorted(anew.a_few()), pytest.param(material.names(), marks=pytest.mark.release)],
    ids=["few", "all"],
)
def test_of_the_reference_all_is_done(names: list[str], tmp_path: Path) -> None:
    """Every definition of the reference passes, whatever the notebook."""
    student_folder.released(tmp_path, *names)
    for name in names:
        student_folder.solve(tmp_path, name)

    found = progress(tmp_path, seconds=120)

    states = {each.lesson.name: each.state for each in found.notebooks}
    assert {name: states[name] for name in names} == dict.fromkeys(names, "done"), found
    assert found.minutes_left == 0
    assert found.next is None


def test_a_wrong_definition_is_not_done_and_a_mended_one_is_until_it_is_undone(
    folder: Path,
) -> None:
    """Nothing is remembered: each time it is the saved notebook that counts."""
    student_folder.write(folder, FIRST, softmax=WRONG)
    wrong = of(progress(folder), FIRST)
    student_folder.solve(folder, FIRST, "softmax", "attention_scores")
    mended = of(progress(folder), FIRST)
    student_folder.write(folder, FIRST, softmax=mended.lesson.steps[0].stub)
    undone = of(progress(folder), FIRST)

    assert (wrong.done, wrong.state) == (frozenset(), "started")
    assert mended.done == {"softmax", "attention_scores"}
    assert undone.done == {"attention_scores"}
    assert undone.minutes_left == mended.minutes_left + mended.lesson.steps[0].minutes


def test_what_is_next_is_in_a_notebook_that_was_begun(folder: Path) -> None:
    """Someone on another path is not sent back to the first notebook."""
    student_folder.solve(folder, SECOND, "causal_mask")

    lesson, step = progress(folder).next or pytest.fail("nothing is next")

    assert (lesson.lesson.name, step.name) == (SECOND, "padding_mask")


@pytest.mark.parametrize(
    ("answer", "is_done"),
    [
        ("*Your answer here, in place of this line.*", False),
        ("", False),
        (" \n", False),
        ("Because variances add up.", True),
        ("*Your answer here, in place of this line.*\n\nBecause variances add up.", True),
    ],
)
def test_an_answer_is_done_when_something_is_written(
    folder: Path, answer: str, is_done: bool
) -> None:
    """The line that asks for an answer is none."""
    student_folder.write(folder, FIRST, why__scale=answer)

    assert of(progress(folder), FIRST).done == ({"why-scale"} if is_done else frozenset())


@pytest.mark.parametrize(
    ("padding_mask", "said"),
    [
        ("while True:\n    pass", "took too long at padding_mask"),
        ("import os\nos._exit(0)", "Python ended at padding_mask"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "Python ended at padding_mask"),
    ],
    ids=["endless", "exit", "killed"],
)
def test_a_notebook_that_does_not_end_well_costs_nothing_else(
    folder: Path, padding_mask: str, said: str
) -> None:
    """What was right before it counts, and so do the other notebooks."""
    student_folder.solve(folder, FIRST)
    student_folder.solve(folder, SECOND)
    student_folder.write(folder, SECOND, padding_mask=padding_mask)

    found = progress(folder, seconds=8)

    assert of(found, FIRST).state == "done"
    assert of(found, SECOND).state == said
    assert of(found, SECOND).done == {"causal_mask", "why-mask-before-softmax"}
    assert "stops when it is run from the top" in " ".join(repr(found).split())


NOISE = """
import os, sys
print('{"event": "test", "step": "attention_scores", "error": ""}')
print("x" * 100_000, file=sys.stderr)
os.write(1, b"{}" * 50_000)
"""


def test_what_is_printed_disturbs_nothing(folder: Path) -> None:
    """A print that looks like a verdict is none."""
    student_folder.solve(folder, FIRST, "softmax")
    student_folder.change(
        folder, FIRST, lambda notebook: notebook["cells"].insert(3, own_cell(NOISE))
    )

    assert of(progress(folder), FIRST).done == {"softmax"}


def test_a_notebook_that_asks_for_progress_does_not_go_round_for_ever(folder: Path) -> None:
    """`progress()` in a cell of one's own is passed over when that notebook is run."""
    asking = "from workbook import progress\nprogress('..')\nasked = True"
    student_folder.solve(folder, FIRST, "softmax")
    student_folder.change(
        folder, FIRST, lambda notebook: notebook["cells"].append(own_cell(asking))
    )

    found = of(progress(folder), FIRST)

    assert (found.done, found.state) == ({"softmax"}, "started")


def test_cells_of_ones_own_run_where_they_stand(folder: Path) -> None:
    """A helper, a magic and a file beside the notebook, as in the kernel."""
    beside = f"import numpy as np\n\n\n{definition_source(FIRST, 'softmax')}"
    (folder / FIRST / "beside.py").write_text(beside)
    student_folder.write(
        folder, FIRST, softmax="def softmax(x, axis=-1):\n    return helper(x, axis)"
    )
    helper = "%matplotlib inline\nfrom beside import softmax as helper"

    without = of(progress(folder), FIRST)
    student_folder.change(
        folder, FIRST, lambda notebook: notebook["cells"].insert(3, own_cell(helper))
    )
    with_it = of(progress(folder), FIRST)

    assert without.done == frozenset()
    assert with_it.done == {"softmax"}


def test_a_definition_may_stand_in_a_cell_of_ones_own(folder: Path) -> None:
    """Its cell was deleted and written anew, so the new one has no name that we know."""

    def retype(notebook: Notebook) -> None:
        cell = cell_of(notebook, "softmax")
        place = notebook["cells"].index(cell)
        notebook["cells"][place] = own_cell(cell["source"])

    student_folder.solve(folder, FIRST, "softmax")
    student_folder.change(folder, FIRST, retype)

    assert of(progress(folder), FIRST).done == {"softmax"}


@pytest.mark.parametrize("is_above", [True, False], ids=["above its stub", "compared below"])
def test_graded_names_are_what_grading_takes_them_for(folder: Path, is_above: bool) -> None:
    """The stub was left below the code; or another function has the name where the test stands."""
    own = definition_source(FIRST, "softmax") if is_above else "softmax = attention_scores = print"

    def insert(notebook: Notebook) -> None:
        below = "softmax" if is_above else "test-softmax"
        place = notebook["cells"].index(cell_of(notebook, below))
        notebook["cells"].insert(place, own_cell(f"import numpy as np\n\n\n{own}"))

    student_folder.solve(folder, FIRST, "attention_shapes" if is_above else "softmax")
    student_folder.change(folder, FIRST, insert)

    assert "softmax" in of(progress(folder), FIRST).done


def test_files_of_the_student_are_no_part_of_the_workbook(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`json.py` where the notebooks lie does not stop the runner, which starts there."""
    (folder / "json.py").write_text("raise SystemExit('not the library')")
    student_folder.solve(folder, FIRST, "softmax")
    monkeypatch.chdir(folder)

    assert of(progress(), FIRST).done == {"softmax"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"cells": [{"cell_type": "co', "ends early or is not JSON"),
        (b"<<<<<<< HEAD\n{}", "ends early or is not JSON"),
        (b"\xff\xfe\x00", "ends early or is not JSON"),
        (b"[]", "is JSON, but not a notebook"),
        (b'{"nbformat": 4, "cells": 3}', "it has no list of cells"),
    ],
    ids=["cut", "conflict", "bytes", "list", "cells"],
)
def test_a_damaged_file_is_named_and_the_others_are_looked_at(
    folder: Path, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what can be done, and its minutes are still to be spent."""
    monkeypatch.chdir(folder)
    (folder / FIRST / f"{FIRST}.ipynb").write_bytes(content)
    student_folder.write(folder, SECOND, why__mask__before__softmax="Because.")

    found = progress()

    assert said in of(found, FIRST).state
    assert of(found, FIRST).minutes_left == of(found, FIRST).lesson.minutes
    assert of(found, SECOND).state == "started"
    assert f"workbook doctor {FIRST}/{FIRST}.ipynb" in " ".join(repr(found).split())


def test_a_missing_notebook_is_said_to_be_missing(folder: Path) -> None:
    """It counts neither as done nor as to do."""
    shutil.rmtree(folder / FIRST)

    found = progress(folder)

    assert of(found, FIRST).state == "not in this folder"
    assert found.minutes_left == of(found, SECOND).lesson.minutes


def test_from_within_a_notebooks_folder_all_are_seen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There a notebook's own cells run; the links lead up and down again."""
    monkeypatch.chdir(folder / FIRST)

    found = progress()

    assert of(found, SECOND).is_there
    assert f'href="../{SECOND}/{SECOND}.ipynb"' in found._repr_html_()


def test_a_folder_without_notebooks_is_refused_kindly(tmp_path: Path) -> None:
    """The message says what was looked for, and which command makes it."""
    with pytest.raises(DeskError, match=r"no notebook.*01-.*ipynb.*workbook start"):
        progress(tmp_path)


def test_the_plain_form_fits_a_terminal(folder: Path) -> None:
    """At most 80 columns, without marks."""
    lines = repr(progress(folder)).splitlines()

    assert lines[0].startswith("Progress: 0 of 10 steps done")
    assert max(map(len, lines)) <= 80
    assert not any("<" in line for line in lines)

"""The benchmarks: a class of submissions, the comparison of scores, the verdict on a target."""

from __future__ import annotations

import ast
import functools
import os
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

from benchmarks import measure
from benchmarks.agreement import compared
from benchmarks.courses import Workbook
from benchmarks.measure import LOG, CommandFailed, run
from benchmarks.parts import LESSONS, scratch
from benchmarks.report import Claim
from benchmarks.submissions import AS_IT_IS, RIGHT, STUB, WRONG, MadeWork, made, made_class, points
from examples.make import FIRST, released

LOOKS_AT = ("benchmarks",)

SOME = LESSONS[:3]


@functools.cache
def works() -> tuple[MadeWork, ...]:
    return tuple(made_class(SOME, 10, seed=7))


def text(work: MadeWork) -> str:
    return nbformat.writes(work.notebook)


def given(work: MadeWork) -> dict[tuple[str, str, str], float | None]:
    """The points that the work deserves when each definition is judged for itself."""
    return {
        (work.student, work.assignment, f"test-{name}"): most * (work.states[name] == RIGHT)
        for name, most in points(work.assignment).items()
    }


def test_a_class_is_the_same_for_the_same_seed_and_no_two_files_are_alike() -> None:
    again = made_class(SOME, 10, seed=7)

    assert [text(work) for work in again] == [text(work) for work in works()]
    assert len({text(work) for work in works()}) == len(works()) == 10 * len(SOME)


def test_a_class_has_finished_unfinished_and_wrong_work() -> None:
    states = [set(work.states.values()) for work in works()]

    assert states.count({RIGHT}) == 4 * len(SOME)
    assert sum(STUB in found for found in states) == 3 * len(SOME)
    assert sum(WRONG in found for found in states) == 3 * len(SOME)
    for work in works():
        for cell in work.notebook.cells:
            if cell.cell_type == "code":
                ast.parse(cell.source)


def test_a_class_as_it_is_has_two_mistakes_in_some() -> None:
    works = made_class([FIRST], 12, 7, AS_IT_IS)
    states = [list(work.states.values()) for work in works]

    assert sum({*found} == {RIGHT} for found in states) == 4
    assert sum(WRONG in found for found in states) == 6
    assert sum(STUB in found for found in states) == 2
    assert any(found.count(WRONG) == 2 for found in states)
    right = {cell.source for cell in released(FIRST).cells}
    for work in works:
        if WRONG in work.states.values():
            assert any(cell.source not in right for cell in work.notebook.cells)


def test_scores_agree_when_both_sides_give_what_is_known() -> None:
    finished = works()[0]
    found = compared([finished], given(finished), given(finished))

    assert found.holds
    assert found.agreed == found.known == len(points(finished.assignment))


@pytest.mark.parametrize("score", [0.0, None, 1.5])
def test_a_score_of_one_side_that_is_not_the_known_one_is_a_disagreement(
    score: float | None,
) -> None:
    finished = works()[0]
    other = given(finished)
    other[next(iter(other))] = score

    assert not compared([finished], other, given(finished)).holds
    assert not compared([finished], given(finished), other).holds


def test_a_wrong_definition_that_stock_refuses_and_we_accept_is_a_disagreement() -> None:
    work = next(work for work in works() if WRONG in work.states.values())
    stock = given(work)
    lenient = dict(stock)
    for name, most in points(work.assignment).items():
        if work.states[name] == WRONG:
            lenient[work.student, work.assignment, f"test-{name}"] = most

    assert not compared([work], lenient, stock).holds
    assert compared([work], stock, lenient).wrong.only_stock == 1
    assert compared([work], stock, lenient).holds


def test_a_target_is_met_missed_or_not_judged() -> None:
    assert Claim("throughput", 20.0, 20, at_least=True).met is True
    assert Claim("memory", 1.31, 1.3, at_least=False).met is False
    assert Claim("throughput", 1.0, 20, at_least=True, why_not="set for 100").met is None


def test_memory_is_that_of_the_process_and_not_of_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "TREE_INTERVAL", 0.1)
    folder = tmp_path / "course"
    folder.mkdir()
    child = "x = b'1' * 2**28; import time; time.sleep(1.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    found = run([sys.executable, "-c", parent], folder, os.environ)

    assert found.peak < 128
    assert found.tree is not None
    assert found.tree > 256


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    folder = tmp_path / "course"
    folder.mkdir()
    with pytest.raises(CommandFailed, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"], folder, os.environ)


@pytest.mark.settled
def test_work_that_needs_attention_is_named_with_its_reason_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever measured for half an hour is told which of a thousand it was, and can look at it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fine, troubled = made(FIRST, 0, 7), made(FIRST, 1, 7)
    troubled.notebook.cells.append(nbformat.v4.new_code_cell("x = 1\n" * 100_000))

    with pytest.raises(CommandFailed) as failed, scratch() as folder:
        Workbook(folder, [fine, troubled]).first_grade()

    told, kept = str(failed.value).split("\n")[1:]
    assert told.startswith(f"{troubled.path}: it holds 6")
    assert str(folder) in kept
    assert (folder / "course" / troubled.path).is_file()
    assert "1 graded, 1 need attention" in (folder / LOG).read_text()


def test_a_folder_in_which_nothing_failed_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch() as folder:
        (folder / "course").mkdir()
    with pytest.raises(KeyboardInterrupt), scratch() as folder:
        raise KeyboardInterrupt

    assert list(tmp_path.iterdir()) == []

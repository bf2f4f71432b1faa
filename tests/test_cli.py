"""The command line itself: encodings, options that several commands share, what is under way."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import cli
from autograder.errors import DeskError
from autograder.grading import progress
from autograder.grading.table import print_table
from autograder.refusals import refusals
from autograder.verdict.result import Graded
from tests.harness import ROOT

NAME = "01-scaled-dot-product-attention"


def said(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What a command writes where the output's encoding is that of an old Windows."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    monkeypatch.setattr(sys, "argv", ["workbook", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in (0, 1)
    sys.stdout.flush()
    return written.getvalue().decode("cp1252")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["doctor", "ümit→x.ipynb", "--no-run"], "not called " + NAME),
        (["reset", "ümit→x.ipynb"], "is as it was released"),
        (["solution", NAME, "--to", "ümit→.ipynb"], "the model solution of"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_the_output_cannot_show_is_replaced(
    command: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An arrow, which cp1252 lacks, becomes a question mark; what it has stays."""
    shutil.copy(ROOT / "release" / NAME / f"{NAME}.ipynb", tmp_path / "ümit→x.ipynb")
    monkeypatch.chdir(tmp_path)

    text = said(monkeypatch, *command)

    assert says in text
    assert "ümit?" in text


def test_a_table_of_results_is_shown_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are drawn with characters that cp1252 lacks, and so may a student's name be."""
    written = io.BytesIO()
    stdout = io.TextIOWrapper(written, encoding="cp1252", errors="replace")
    monkeypatch.setattr(sys, "stdout", stdout)

    print_table([Graded("a.ipynb", "01-mini", 1, 6.0, "Łukasz", "no → here")])
    stdout.flush()

    assert "?ukasz" in written.getvalue().decode("cp1252")
    assert "needs attention: no ? here" in written.getvalue().decode("cp1252")


def test_feedback_and_grade_take_the_same_options() -> None:
    """What a person learns at one command holds at the other."""
    for command in ("grade", "feedback"):
        shown = CliRunner().invoke(cli.app, [command, "--help"]).output
        assert all(option in shown for option in ("--assignment", "--student", "--db")), command


def test_an_assignment_and_a_file_do_not_go_together() -> None:
    for command in ("grade", "feedback"):
        done = CliRunner().invoke(cli.app, [command, "x.ipynb", "--assignment", "01-mini"])
        assert (done.exit_code, "not both" in done.output) == (2, True), command


def test_a_student_is_refused_as_an_instructor_is(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, exit status 2."""
    import typer

    with pytest.raises(typer.Exit) as ended, refusals():
        raise DeskError("it is not there")

    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == "workbook: it is not there\n"


def test_what_is_under_way_is_shown_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress.step("releasing [one] (1 of 8)"):
        pass
    assert capsys.readouterr().err == ""

    monkeypatch.setenv("FORCE_COLOR", "1")  # by which rich takes anything for a terminal
    with progress.step("releasing [one] (1 of 8)"):
        pass
    assert "releasing [one] (1 of 8)" in capsys.readouterr().err

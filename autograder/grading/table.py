"""The tables of scores at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.verdict.result import Graded


def print_table(results: Iterable[Graded]) -> None:
    """A table an assignment, a line a submission: score, state, and what went wrong first."""
    console = Console()
    ordered = sorted(results, key=lambda result: (result.assignment, _whose(result)))
    for assignment, of_one in groupby(ordered, key=lambda result: result.assignment):
        rows = list(of_one)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
        table.title = escape(f"{assignment} (of {rows[0].max_score:g} points)")
        table.add_column("notebook" if rows[0].student is None else "student", overflow="fold")
        table.add_column("score", justify="right")
        table.add_column("what happened", overflow="fold")
        for result in rows:
            score = "-" if result.score is None else f"{result.score:.4g}"
            table.add_row(escape(_whose(result)), score, escape(printable(_summary(result))))
        console.print(table)
    count = len(ordered)
    troubled = sum(result.reason is not None for result in ordered)
    console.print(f"{count - troubled} graded, {troubled} need attention.", highlight=False)


def _whose(result: Graded) -> str:
    return printable(result.student or result.file)


def printable(text: str) -> str:
    """Nothing that a terminal would obey."""
    return text if text.isprintable() else ascii(text)


def _summary(result: Graded) -> str:
    if result.reason:
        return f"needs attention: {result.reason}"
    checks = [(test.grade_id, check) for test in result.tests.values() for check in test.checks]
    failed = [(grade_id, check) for grade_id, check in checks if not check.passed]
    if not failed:
        return f"all {len(checks)} checks passed"
    grade_id, check = failed[0]
    happened = check.because[0].name if check.because else f"{check.name}: {check.message}"
    return f"{len(failed)} of {len(checks)} checks failed; first in {grade_id}, {happened}"

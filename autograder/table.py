"""The table of scores at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.result import Graded


def print_table(results: Iterable[Graded]) -> None:
    """One line a submission: score, state, and what went wrong first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, side in (
        ("student", "left"),
        ("assignment", "left"),
        ("score", "right"),
        ("of", "right"),
        ("what happened", "left"),
    ):
        table.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    for result in sorted(results, key=lambda r: (r.assignment, r.student or r.file)):
        table.add_row(
            escape(result.student or result.file),
            escape(result.assignment),
            "-" if result.score is None else f"{result.score:g}",
            f"{result.max_score:g}",
            escape(_summary(result)),
        )
    Console().print(table)


def _summary(result: Graded) -> str:
    if result.reason:
        return f"needs attention: {result.reason}"
    failed = [
        (test.grade_id, check)
        for test in result.tests.values()
        for check in test.checks
        if not check.passed
    ]
    if not failed:
        return "all checks passed"
    grade_id, check = failed[0]
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return f"{grade_id}, {check.name}: {check.message}{more}"

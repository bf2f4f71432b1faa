"""The tables of scores at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.ordinary.outcome import OrdinaryWork
from autograder.verdict.result import Graded
from autograder.verdict.standing import cents


class Missing(Graded):
    """Nothing was handed in by somebody of the class."""

    __slots__ = ()

    @property
    def status(self) -> str:
        """Neither of the two that handed-in work has."""
        return "missing"


def print_table(results: Iterable[Graded]) -> None:
    """A table an assignment, a line a submission: points, lateness, and what went wrong first."""
    console = Console()
    ordered = sorted(results, key=lambda result: (result.assignment, _whose(result)))
    for assignment, of_one in groupby(ordered, key=lambda result: result.assignment):
        rows = list(of_one)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
        rule = ", by nbgrader's rule" if any(isinstance(r, OrdinaryWork) for r in rows) else ""
        of = f"{assignment} (of {rows[0].max_score:g} points{rule})"
        table.title = escape(of if assignment else "of no assignment of this course")
        table.add_column("notebook" if rows[0].student is None else "student", overflow="fold")
        table.add_column("score", justify="right")
        more = {name: [cell(row) for row in rows] for name, cell in MORE.items()}
        shown = [cells for cells in more.values() if any(cells)]
        for name in (name for name, cells in more.items() if any(cells)):
            table.add_column(name, justify="right", max_width=10)  # what happened needs the room
        table.add_column("what happened", overflow="fold")
        for number, result in enumerate(rows):
            score = "-" if result.score is None else f"{result.score:g}"
            cells = [column[number] for column in shown]
            what = escape(printable(_summary(result)))
            table.add_row(escape(_whose(result)), score, *cells, what)
        console.print(table)
    count = len(ordered)
    troubled = sum(result.reason is not None for result in ordered)
    missing = sum(isinstance(result, Missing) for result in ordered)
    absent = f", {missing} missing" if missing else ""
    graded = count - troubled - missing
    console.print(f"{graded} graded, {troubled} need attention{absent}.", highlight=False)


def _written(result: Graded) -> str:
    """The points of what people mark."""
    standing = result.standing
    names = [] if standing is None else [n for n in standing.points if n not in result.tests]
    if standing is None or not names or not _has_run(result):
        return ""
    waiting = {*standing.unmarked, *standing.mark_again}.intersection(names)
    points = cents(sum(standing.points[name] for name in names))
    if not waiting:
        return f"{points:g}"
    if len(waiting) == len(names) and not waiting.intersection(standing.by_hand):
        return "not marked yet"
    return f"{points:g}, {len(waiting)} to mark"


def _late(result: Graded) -> str:
    return result.standing.lateness if result.standing else ""


def _penalty(result: Graded) -> str:
    penalty = result.standing.penalty if result.standing else 0.0
    return f"{-cents(penalty):g}" if penalty else ""


def _total(result: Graded) -> str:
    """With what people marked, and without what being late costs; empty where that is the score."""
    standing = result.standing
    is_more = standing is not None and _has_run(result) and (standing.penalty or standing.by_hand)
    return f"{standing.score:g}" if standing is not None and is_more else ""


def _has_run(result: Graded) -> bool:
    """Whether there is something to mark; an ordinary assignment may have no test."""
    return bool(result.tests) or (isinstance(result, OrdinaryWork) and result.reason is None)


# Columns that are there where they say something.
MORE = {"written": _written, "late": _late, "penalty": _penalty, "total": _total}


def _whose(result: Graded) -> str:
    return printable(result.student or result.file)


def printable(text: str) -> str:
    """Nothing that a terminal would obey."""
    return text if text.isprintable() else ascii(text)


def _summary(result: Graded) -> str:
    if isinstance(result, Missing):
        return "missing: nothing was handed in"
    if result.reason:
        return f"needs attention: {result.reason}"
    noted = result.standing.time_problem if result.standing else None
    return f"{_checks(result)}; {noted}" if noted else _checks(result)


def _checks(result: Graded) -> str:
    if isinstance(result, OrdinaryWork):
        return result.summary
    checks = [(test.grade_id, check) for test in result.tests.values() for check in test.checks]
    failed = [(grade_id, check) for grade_id, check in checks if not check.passed]
    if not failed:
        return f"all {len(checks)} checks passed"
    grade_id, check = failed[0]
    happened = check.because[0].name if check.because else f"{check.name}: {check.message}"
    return f"{len(failed)} of {len(checks)} checks failed; first in {grade_id}, {happened}"

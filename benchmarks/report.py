"""Prints what was measured, and each target beside the ratio that was measured for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.agreement import Agreement
from benchmarks.desk import Answered
from benchmarks.measure import Measured
from benchmarks.parts import IMPORTS, Growth, Loose, Throughput


@dataclass(frozen=True)
class Claim:
    """A target and the ratio measured; `why_not` says why it is not judged at these sizes."""

    what: str
    ratio: float
    limit: float
    at_least: bool
    aim: str = ""
    why_not: str = ""
    unit: str = "x"

    @property
    def met(self) -> bool | None:
        """Whether the target is met, None where it is not judged."""
        if self.why_not:
            return None
        return self.ratio >= self.limit if self.at_least else self.ratio <= self.limit


def print_throughput(console: Console, name: str, found: Throughput) -> None:
    """Both sides' throughput and memory, and how their scores agree."""
    table = _table(
        name, "", "submissions", "seconds", "start-up", "per minute", "own MiB", "all MiB"
    )
    table.add_row(
        "workbook grade",
        str(found.size),
        f"{found.ours.seconds:.1f}",
        "included",
        _per_minute(found.size, found.ours.seconds),
        *_memory([found.ours]),
    )
    table.add_row(
        "nbgrader autograde",
        str(found.stock_size),
        f"{found.stock_measured:.1f}",
        f"{found.stock_startup:.1f}",
        _per_minute(found.stock_size, found.stock_measured),
        *_memory(found.stock),
    )
    if found.stock_size < found.size:
        table.add_row(
            "  for as many",
            str(found.size),
            f"{found.stock_seconds:.1f}",
            f"{found.stock_startup:.1f}",
            _per_minute(found.size, found.stock_seconds),
        )
    console.print(table)
    if found.stock_size < found.size:
        console.print(
            f"Stock graded the first {found.stock_size} of the very same submissions. Its time for "
            f"{found.size} is its start-up once and the rest in proportion; its start-up is the "
            "same command again, with nothing left to grade.\n"
        )
    _print_agreement(console, found.agreement)


def print_growth(console: Console, found: Iterable[Growth]) -> None:
    """Cost and memory by the size of the class."""
    graded = ("submissions", "seconds", "ms each", "own MiB", "all MiB", "again, s", "times faster")
    titles = (*graded, "report, s", "similar, s")
    table = _table("workbook grade, one assignment: growth", *titles)
    for size in found:
        table.add_row(
            f"{size.size:,}",
            f"{size.first.seconds:.1f}",
            f"{1000 * size.each:.0f}",
            *_memory([size.first]),
            f"{size.again:.2f}",
            f"{size.speedup:.0f}",
            f"{size.report:.1f}",
            f"{size.similar:.1f}",
        )
    console.print(table)


def print_loose(console: Console, found: Loose) -> None:
    """One loose notebook beside the imports."""
    table = _table("One loose notebook from a cold start", "", "median seconds")
    table.add_row("workbook grade FILE.ipynb", f"{found.ours:.2f}")
    table.add_row(f'python -c "{IMPORTS}"', f"{found.imports:.2f}")
    console.print(table)


def print_desk(console: Console, every: Sequence[Answered]) -> None:
    """How long the first `check` of each definition takes."""
    table = _table('check("...") of a wrong definition, first call', "", "seconds")
    for each in every:
        table.add_row(each.definition, f"{each.seconds:.2f}")
    console.print(table)


def print_claims(console: Console, claims: Sequence[Claim]) -> None:
    """Every target, the ratio measured in this run, and whether it is met."""
    table = _table("Targets", "", "measured", "target", "")
    for claim in claims:
        sign = "at least" if claim.at_least else "at most"
        verdict = {True: "met", False: "missed", None: f"not judged, {claim.why_not}"}[claim.met]
        table.add_row(
            claim.what,
            f"{claim.ratio:.3g}{claim.unit}",
            f"{sign} {claim.limit:g}{claim.unit}{claim.aim}",
            escape(verdict),
        )
    console.print(table)


def _print_agreement(console: Console, found: Agreement) -> None:
    console.print(
        f"Scores agree in {found.agreed} of {found.known} test cells that are right or unfinished."
    )
    table = _table("Full marks", "", "test cells", "both", "neither", "stock", "workbook")
    for what, tally in (
        ("the definition is wrong", found.wrong),
        ("right, but builds on one that is not", found.dependent),
    ):
        counts = (tally.total, tally.both, tally.neither, tally.only_stock, tally.only_workbook)
        table.add_row(what, *map(str, counts))
    console.print(table)
    console.print(
        "Stock's tests are the visible ones here. A wrong definition that workbook grade alone "
        "gives full marks would be a disagreement.\n"
    )
    for line in found.disagreements:
        console.print(f"disagreement: {escape(line)}")


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for index, column in enumerate(columns):
        text = index == 0 or not column
        table.add_column(column, justify="left" if text else "right", no_wrap=index == 0)
    return table


def _per_minute(size: int, seconds: float) -> str:
    return f"{60 * size / seconds:.0f}"


def _memory(runs: Sequence[Measured]) -> tuple[str, str]:
    """The largest peak of the process itself, and of it and its descendants together."""
    trees = [run.tree for run in runs if run.tree is not None]
    return f"{max(run.peak for run in runs):.0f}", f"{max(trees):.0f}" if trees else "-"

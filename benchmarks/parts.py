"""The experiments: throughput against stock, growth with the class, one loose notebook."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.agreement import Agreement, compared
from benchmarks.courses import Stock, Workbook
from benchmarks.measure import LOG, CommandFailed, Measured
from benchmarks.submissions import KINDS, made, made_class
from examples.make import FIRST, ROOT

# Those of which a class as it really is is graded, and how many students are enough to say.
CLASSES = {FIRST: 24, "05-transformer-block": 12, "challenge-flash-attention": 12}
LESSONS = tuple(sorted(path.name for path in (ROOT / "source").glob("[0-9]*/")))
REPEATS = 5
IMPORTS = "import torch, nbgrader, nbclient"


@dataclass(frozen=True)
class Throughput:
    """Both sides on the same submissions, `stock_size` of the `size` for stock nbgrader.

    `stock` has one run an assignment, `startup` the same commands again with nothing left to do.
    """

    size: int
    stock_size: int
    ours: Measured
    stock: list[Measured]
    startup: list[Measured]
    agreement: Agreement

    @property
    def stock_measured(self) -> float:
        """Seconds that stock nbgrader took for `stock_size` submissions, start-up included."""
        return sum(run.seconds for run in self.stock)

    @property
    def stock_startup(self) -> float:
        """Seconds of it that do not depend on how many there are."""
        return sum(run.seconds for run in self.startup)

    @property
    def stock_seconds(self) -> float:
        """Seconds for `size` submissions: start-up once, the rest in proportion."""
        work = self.stock_measured - self.stock_startup
        return self.stock_startup + work * self.size / self.stock_size

    @property
    def ratio(self) -> float:
        """How many times the throughput of stock nbgrader."""
        return self.stock_seconds / self.ours.seconds


@dataclass(frozen=True)
class Growth:
    """One size of class: graded for the first time, and again with nothing changed (median).

    `report` and `similar` are the seconds of these commands on what was graded.
    """

    size: int
    first: Measured
    again: float
    report: float
    similar: float

    @property
    def each(self) -> float:
        """Seconds a submission, start-up included."""
        return self.first.seconds / self.size

    @property
    def speedup(self) -> float:
        """How many times faster the second grading is."""
        return self.first.seconds / self.again


@dataclass(frozen=True)
class Loose:
    """Median seconds of grading one loose notebook, and of the imports alone."""

    ours: float
    imports: float

    @property
    def ratio(self) -> float:
        """How many times as long as the imports."""
        return self.ours / self.imports


def throughput(
    assignments: Sequence[str],
    size: int,
    stock_size: int,
    seed: int,
    kinds: Sequence[str] = KINDS,
) -> Throughput:
    """Grade `size` submissions, spread over the assignments, and the first of them with stock."""
    students = -(-size // len(assignments))
    few = min(students, -(-stock_size // len(assignments)))
    works = made_class(assignments, students, seed, kinds)
    same = works[: few * len(assignments)]
    with scratch() as folder:
        _say(f"workbook grade, {len(works)} submissions of {_named(assignments)}")
        course = Workbook(folder, works)
        ours = course.first_grade()
        _say(f"nbgrader autograde, {len(same)} of them")
        stock = Stock(folder, same)
        runs, startup = stock.autograde(), stock.autograde()
        agreement = compared(same, course.scores(), stock.scores())
    return Throughput(len(works), len(same), ours, runs, startup, agreement)


def growth(sizes: Sequence[int], seed: int) -> Iterator[Growth]:
    """Grade ever larger classes of the first assignment, each in a fresh course."""
    for size in sorted(sizes):
        with scratch() as folder:
            _say(f"workbook grade, {size} submissions of {FIRST}, then again with nothing changed")
            course = Workbook(folder, made_class([FIRST], size, seed))
            first = course.first_grade()
            again = statistics.median(course.grade().seconds for _ in range(REPEATS))
            report = course.command("report").seconds
            similar = course.command("similar", FIRST).seconds
        yield Growth(size, first, again, report, similar)


def loose(seed: int) -> Loose:
    """Grade one finished notebook from a cold start, in turns with the imports alone."""
    work = made(FIRST, 0, seed)
    ours, imports = [], []
    _say(f"workbook grade FILE.ipynb, {REPEATS} times in turns with the imports alone")
    for _ in range(1 + REPEATS):
        # A course and caches of its own each time: nothing is left from the time before.
        with scratch() as folder:
            course = Workbook(folder, [work])
            imports.append(course.python(IMPORTS).seconds)
            ours.append(course.grade(work.path).seconds)
    # The first round of both brought the files into the operating system's cache.
    return Loose(statistics.median(ours[1:]), statistics.median(imports[1:]))


def _named(assignments: Sequence[str]) -> str:
    return assignments[0] if len(assignments) == 1 else f"{len(assignments)} assignments"


def _say(line: str) -> None:
    print(f"... {line}", file=sys.stderr, flush=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one experiment; it stays where a command failed in it, to be looked at.

    Raises: CommandFailed, as the block does, with the folder's path.
    """
    folder = Path(tempfile.mkdtemp(prefix="workbook-benchmark-"))
    try:
        yield folder
    except CommandFailed as error:
        raise CommandFailed(f"{error}\nWhat it did is in {folder}, its output in {LOG}.") from error
    except BaseException:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)

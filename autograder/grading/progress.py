"""How far a run is: a bar on a terminal, a line for each submission elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from autograder.verdict.result import Graded


class _Rate(ProgressColumn):
    """Submissions a second, once there are enough to say."""

    def render(self, task: Task) -> Text:
        """Show the speed of the last seconds."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="progress.data.speed")


def step(words: str) -> AbstractContextManager[object]:
    """Show on a terminal what is under way, until it is done; elsewhere nothing."""
    console = Console(stderr=True)
    return console.status(escape(words)) if console.is_terminal else nullcontext()


@contextmanager
def progress(total: int) -> Iterator[Callable[[Graded], None]]:
    """Yield what is to be called with each result, on stderr so that --json - stays clean."""
    console = Console(stderr=True)
    if not console.is_terminal:
        done = 0

        def line(graded: Graded) -> None:
            nonlocal done
            done += 1
            who = ascii(graded.student or graded.file)[1:-1]
            score = "-" if graded.score is None else f"{graded.score:g}"
            outcome = f"{score} of {graded.max_score:g}" if graded.reason is None else graded.status
            print(
                f"{done}/{total} {who} {graded.assignment}: {outcome}", file=sys.stderr, flush=True
            )

        yield line
        return
    columns = (TextColumn("grading"), BarColumn(), MofNCompleteColumn(), _Rate())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("grading", total=total)
        yield lambda _: bar.advance(task)

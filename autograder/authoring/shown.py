"""What the commands of an author do and print."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from autograder.authoring.attempt import RUN_SECONDS, Attempt, attempt
from autograder.authoring.proof import begun, write
from autograder.authoring.prove import prove
from autograder.authoring.tidy import tidy
from autograder.authoring.trial import TriedVersion
from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.ordinary.rule import is_ordinary


def show_attempt(root: Path, name: str, definition: str | None) -> bool:
    """Print what came of each wrong version of a notebook's definitions, or of one.

    Of one definition no version is begun after `RUN_SECONDS`, and those left are named.
    Returns whether all were tried, and are caught and called as the table says.
    Raises: CourseError, when there is nothing to try.
    """
    course = Course(root)
    for assignment in course.chosen([name]):
        tidy(course, assignment)
    found = attempt(course, name, definition, RUN_SECONDS if definition else None)
    _show(found)
    return all(not part.left and all(each.is_right for each in part.tried) for part in found)


def prove_each(root: Path, names: Sequence[str], seeds: int) -> bool:
    """Prove these notebooks, or all, and write the proof of each that holds.

    Returns whether all hold.
    Raises: CourseError, when a file of a single one is missing or cannot be used; of several it is
    said, and the others are proved.
    """
    course = Course(root)
    chosen = course.chosen(names)
    if not names:
        chosen = [each for each in chosen if not _is_passed_over(course, each)]
    broken: set[str] = set()
    whole = True
    for assignment in chosen:  # first, as some import from the modules of others
        with _told(assignment, broken, len(chosen)):
            tidy(course, assignment)
    for assignment in chosen:
        if assignment.name not in broken:
            with _told(assignment, broken, len(chosen)):
                whole = _prove(course, assignment, seeds) and whole
    return whole and not broken


def _is_passed_over(course: Course, assignment: Assignment) -> bool:
    """Whether an assignment is an ordinary one, of which nothing is proved here; that is said."""
    try:
        is_plain = is_ordinary(course, assignment)
    except CourseError:
        return False  # which proving says
    if is_plain:
        typer.echo(f"{assignment.name} is an ordinary assignment: `workbook release` proves it")
    return is_plain


@contextmanager
def _told(assignment: Assignment, broken: set[str], count: int) -> Iterator[None]:
    """Say what is wrong with one of several, which stops no other."""
    try:
        yield
    except CourseError as error:
        if count == 1:
            raise
        typer.echo(f"{assignment.name}: {error}", err=True)
        broken.add(assignment.name)


def _prove(course: Course, assignment: Assignment, seeds: int) -> bool:
    start = time.monotonic()
    proof = begun(course, assignment, seeds)  # first, so that a change meanwhile is noticed
    found = prove(course, assignment.name, seeds)
    for sentence in found.failures:
        typer.echo(f"{assignment.name}: {sentence}", err=True)
    if found.failures:
        return False
    counts = found.counts
    path = write(course, proof.of(found))
    typer.echo(
        f"{path.relative_to(course.root)}  {counts['caught']} wrong versions caught, "
        f"{counts['named']} named; {counts['styles']} styles on {seeds} seeds; "
        f"{counts['shown']} of {counts['misconceptions']} misconceptions shown by "
        f"{counts['examples']} examples ({time.monotonic() - start:.0f} s)"
    )
    return True


def _show(found: Sequence[Attempt]) -> None:
    console = Console()
    for each in found:
        table = Table(title=each.definition)
        for column in ("wrong version", "caught by", "called", "shown by"):
            table.add_column(column, overflow="fold")
        for tried in each.tried:
            style = None if tried.is_right else "bold"
            caught = _short(tried.caught_by) or "NOTHING"
            row = (
                tried.wrong.id + _kind(tried),
                caught,
                _called(tried),
                _short(tried.shown_by) or "-",
            )
            table.add_row(*row, style=style)
        console.print(table)
        if each.left:
            console.print(
                f"Not run yet, as the answer is to come in seconds: {len(each.left)} of "
                f"{len(each.left) + len(each.tried)} versions, first {each.left[0].id}. What was "
                "run is kept: the same command goes on with these.",
                markup=False,
            )
            continue
        missed = [tried.wrong.id for tried in each.tried if not tried.caught_by]
        for words, names in (
            ("Caught by nothing", missed),
            ("Observations that catch nothing alone", each.idle),
        ):
            if names:
                console.print(f"{words}: {', '.join(names)}.", markup=False)


def _kind(tried: TriedVersion) -> str:
    if tried.wrong.is_misconception:
        return ""
    return " (form)" if tried.wrong.names else " (no words)"


def _short(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if names[1:] else "") if names else ""


def _called(tried: TriedVersion) -> str:
    called, wanted = (" + ".join(names) for names in (tried.called, tried.wrong.names))
    if tried.is_a_pair:
        return f"{wanted}? prove looks at several at once"
    if called == wanted:
        own = "itself" if called == tried.wrong.id else called
        return " + ".join(filter(None, [own, *tried.promise])) or "-"
    return f"{called or 'nothing'}, NOT {wanted or 'nothing'}"

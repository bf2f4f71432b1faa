"""The commands of the instructor's desk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.options import Browser, Database, Jobs, Names, Students
from autograder.refusals import check_writable, refusals

staff = typer.Typer()


@staff.command()
def report(
    names: Names = None,
    to: Annotated[
        Path, typer.Option(metavar="FILE.html", help="Where the page is written.")
    ] = Path("report.html"),
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here; - is the terminal.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write a line for each check here.")
    ] = None,
    db: Database = None,
) -> None:
    """Say what the class understood: scores, what the tests tell apart, mistakes and whose."""
    with refusals():
        from autograder.course.course import Course
        from autograder.report.written import write_report

        course = Course(Path.cwd(), db)
        for path in filter(None, (to, json_file, csv_file)):
            check_writable(path)
        chosen = [each.name for each in course.chosen(names or [])]
        for line in write_report(course, chosen, to, json_file, csv_file):
            typer.echo(line)


@staff.command()
def extend(
    student: str,
    name: str,
    time: Annotated[str, typer.Argument(help="2d, 1d 12h, 90min, 1w; 0 takes it back.")],
    db: Database = None,
) -> None:
    """Give one student more time for an assignment; penalties follow, and nothing is run."""
    with refusals():
        from autograder.course.course import Course
        from autograder.gradebook.deadlines import extend as give
        from autograder.gradebook.penalties import settle_penalties

        course = Course(Path.cwd(), db)
        typer.echo(give(course, student, name, time))
        settle_penalties(course)


@staff.command()
def regrade(
    names: Names = None,
    student: Students = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say who would gain and who lose.")
    ] = False,
    jobs: Jobs = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the differences here; - is the terminal.")
    ] = None,
    db: Database = None,
) -> None:
    """Grade again on the same inputs, and say who gains, who loses and by which checks."""
    with refusals():
        from autograder.course.course import Course
        from autograder.grading.batch import RunOptions
        from autograder.report.regrade import regrade as again
        from autograder.report.written import write_differences

        if json_file is not None:
            check_writable(json_file)
        course = Course(Path.cwd(), db)
        submissions = course.submissions(course.chosen(names or []), student or [])
        found, compared = again(course, submissions, RunOptions(jobs), dry_run)
        for line in write_differences(found, compared, dry_run, json_file):
            typer.echo(line)


@staff.command()
def mark(
    name: str,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Without names, and in no order of names.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Where it listens; default: any that is free.",
            show_default=False,
        ),
    ] = None,
    browser: Browser = True,
    db: Database = None,
) -> None:
    """Mark the written answers of an assignment on one page a question, until Ctrl-C."""
    with refusals():
        from autograder.course.course import Course
        from autograder.marking.serve import desk_for, serve_until_interrupted

        desk = desk_for(Course(Path.cwd(), db), name, anonymous)
        typer.echo(serve_until_interrupted(desk, typer.echo, port or 0, browser))

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
def explain(
    student: str,
    name: str,
    check: Annotated[
        str | None,
        typer.Argument(help="Its name, or a part of it; without, all that failed."),
    ] = None,
    to: Annotated[
        Path, typer.Option(metavar="FILE.html", help="Where the page is written.")
    ] = Path("explain.html"),
    db: Database = None,
) -> None:
    """Show why checks failed: inputs, what was expected and what came. For staff alone."""
    with refusals():
        from autograder.course.course import Course
        from autograder.explain.graded_check import chosen, graded_checks

        check_writable(to)
        course = Course(Path.cwd(), db)
        checks = graded_checks(course, student, name)
        asked = [each for each in checks if not each.passed]
        if check is not None:
            asked = [chosen(checks, check)]
        if not asked:
            typer.echo(f"Every check of {name} by {student} passed.")
            return
        from autograder.explain.explain import explain as explained
        from autograder.explain.page import lines, page

        found = explained(course, asked)
        to.write_text(page(found), encoding="utf-8")
        for each in found:
            for line in lines(each, with_numbers=len(found) == 1):
                typer.echo(line)
        typer.echo(f"{to}: inputs, expected and got, for staff alone")


@staff.command()
def similar(
    name: str,
    earlier: Annotated[
        list[Path] | None,
        typer.Option(
            "--earlier", metavar="FOLDER", help="Work of another year: STUDENT/NAME/NAME.ipynb."
        ),
    ] = None,
    most: Annotated[int, typer.Option("--pairs", min=1, help="How many pairs are shown.")] = 50,
    to: Annotated[
        Path, typer.Option(metavar="FILE.html", help="Where the page is written.")
    ] = Path("similar.html"),
) -> None:
    """List pairs of submissions that share more than the exercise explains. For staff alone."""
    with refusals():
        check_writable(to)
        from autograder.course.course import Course
        from autograder.similar.written import write_similar

        typer.echo(write_similar(Course(Path.cwd()), name, earlier or [], most, to))


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

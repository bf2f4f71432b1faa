"""The commands by which work and a class come in; what they do is imported when one is given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.options import Database, Names, ResultsFile
from autograder.refusals import check_writable, refusals, refuse

if TYPE_CHECKING:
    from autograder.collecting.class_list import ClassList

DONE, LEFT_OUT = 0, 1

collectors = typer.Typer()

ClassFile = Annotated[
    Path | None,
    typer.Option("--students", metavar="FILE.csv", help="A class list: any CSV or TSV."),
]
IdColumn = Annotated[
    str | None,
    typer.Option("--id", metavar="COLUMN", help="The class list's column of the students' ids."),
]


@collectors.command()
def collect(
    zip_file: Annotated[Path, typer.Argument(metavar="ZIP")],
    name: Annotated[
        str | None, typer.Argument(help="Only this assignment.", show_default=False)
    ] = None,
    students: ClassFile = None,
    id_column: IdColumn = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column that has what the zip calls students."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also replace what is there and differs.")
    ] = False,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Of the zip's clock; default: the course's own."),
    ] = None,
    db: Database = None,
) -> None:
    """Put a zip of Moodle, Canvas or nbgrader's exchange into submitted/; nothing is guessed."""
    with refusals():
        if by and students is None:
            refuse("--by names a column of a class list: give one with --students FILE.csv")
        from autograder.collecting.collect import CollectOptions
        from autograder.collecting.collect import collect as put
        from autograder.collecting.enrol import enrolled
        from autograder.collecting.person import Roll
        from autograder.collecting.said import said
        from autograder.course.course import Course
        from autograder.gradebook.penalties import clock_of

        course = Course(Path.cwd(), db)
        course.chosen([name] if name else [])
        people, due = enrolled(course)
        roll = Roll(people, is_open=True)
        if students is not None:
            listed = _class_list(students, {"id": id_column}, by)
            typer.echo(f"{students}: {listed.said()}", err=True)
            roll = Roll(listed.people, by)
        zone = timezone or clock_of(course.config).zone
        done = put(course, zip_file, roll, CollectOptions(name, replace, dry_run, zone, due))
        for line in said(done, dry_run):
            typer.echo(line)
    raise typer.Exit(LEFT_OUT if done.left_out else DONE)


@collectors.command()
def students(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv")],
    id_column: IdColumn = None,
    first_name: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    last_name: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    email: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    lms_user_id: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The platform's own number of a student.")
    ] = None,
    db: Database = None,
) -> None:
    """Bring a class list into the gradebook: who is new is added, what changed is updated."""
    with refusals():
        from autograder.collecting.enrol import enrol
        from autograder.course.course import Course

        course = Course(Path.cwd(), db)
        chosen = {
            "id": id_column,
            "first_name": first_name,
            "last_name": last_name,
            "email": email,
            "lms_user_id": lms_user_id,
        }
        listed = _class_list(file, chosen)
        typer.echo(f"{file}: {listed.said()}", err=True)
        for line in enrol(course, listed.people):
            typer.echo(line)


@collectors.command()
def table(
    names: Names = None,
    students: ClassFile = None,
    id_column: IdColumn = None,
    json_file: ResultsFile = None,
    db: Database = None,
) -> None:
    """Show the last grading, with who handed in nothing; nothing is run."""
    with refusals():
        from autograder.collecting.last_grading import last_grading
        from autograder.course.course import Course
        from autograder.grading.table import print_table
        from autograder.verdict.result import write_json

        if json_file is not None:
            check_writable(json_file)
        course = Course(Path.cwd(), db)
        listed = _class_list(students, {"id": id_column}).people if students else ()
        results = last_grading(course, names or [], [person.id for person in listed])
        if str(json_file) == "-":
            write_json(results, sys.stdout)
            return
        if json_file is not None:
            with json_file.open("w", encoding="utf-8") as file:
                write_json(results, file)
        if results:
            print_table(results)
        else:
            typer.echo("Nothing was handed in, and the class is not known.")


def _class_list(path: Path, chosen: dict[str, str | None], by: str | None = None) -> ClassList:
    from autograder.collecting.class_list import read_class_list

    return read_class_list(path, chosen, by)

"""The command that hands scores to other systems; what it does is imported when it is given."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autograder.options import Database, Names
from autograder.refusals import check_writable, refusals, refuse

exporters = typer.Typer()


class Target(StrEnum):
    """What scores are written for."""

    CSV = "csv"
    CANVAS = "canvas"
    MOODLE = "moodle"
    BLACKBOARD = "blackboard"
    BRIGHTSPACE = "brightspace"
    AGS = "ags"


@exporters.command()
def export(
    to: Annotated[
        Target, typer.Option(help="A table, a system whose file is filled, or LTI's scores.")
    ],
    names: Names = None,
    fill: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What the system exported.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where it is written; - is the terminal.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="By which column students are known; default: the first that names each once.",
        ),
    ] = None,
    grade_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Where the scores go, if that cannot be found."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="STUDENT", help="Leave this student out; may be repeated."),
    ] = None,
    db: Database = None,
) -> None:
    """Write scores for another system: into a file that it exported, or as a table of their own.

    Late penalties and marks are in them. Where it is not certain whose line it is, nothing is
    written.
    """
    with refusals():
        is_own = to in (Target.CSV, Target.AGS)
        if is_own and (fill or key or grade_column):
            refuse(f"--fill, --key and --grade-column do not go with --to {to}")
        if not is_own and fill is None:
            refuse(f"--to {to} fills a file that {to} exported: name it with --fill FILE")
        own = Path("scores.csv" if to == Target.CSV else "scores.jsonl")
        target = out or (own if fill is None else Path(f"filled-{fill.name}"))
        check_writable(target)
        if fill is not None and target.exists() and target.samefile(fill):
            refuse(f"{fill} would be written over: name another file with --out")
        from autograder.course.course import Course
        from autograder.exporting.written import Wanted, write
        from autograder.exporting.written import export as exported

        course = Course(Path.cwd(), db)
        wanted = Wanted(to.value, names or [], fill, key, grade_column, without or [])
        done = exported(course, wanted)
        write(done.content, target)
        for note in done.notes:
            typer.echo(note, err=True)
        if str(target) != "-":
            typer.echo(str(target))

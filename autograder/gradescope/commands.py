"""The command that makes an autograder for Gradescope; its work is imported when it is given."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autograder.refusals import check_writable, refusals, refuse

autograders = typer.Typer()


class Visibility(StrEnum):
    """When Gradescope shows students the results."""

    VISIBLE = "visible"
    AFTER_DUE_DATE = "after_due_date"
    AFTER_PUBLISHED = "after_published"


@autograders.command()
def gradescope(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", show_default=False)],
    show: Annotated[
        Visibility, typer.Option(help="When students see their results.")
    ] = Visibility.VISIBLE,
    minutes: Annotated[
        int, typer.Option(min=5, max=40, help="The time limit that is set on Gradescope.")
    ] = 10,
) -> None:
    """Write an autograder for Gradescope, which gives the verdicts that `workbook grade` gives.

    The reference is run once before. A zip that is there already is replaced.
    """
    with refusals():
        if out.suffix != ".zip":
            refuse(f"{out} is to be a zip: give it a name that ends in .zip")
        check_writable(out)
        from autograder.course.course import Course
        from autograder.gradescope.bundle import write_bundle

        for line in write_bundle(Course(Path.cwd()), name, out, show.value, minutes):
            typer.echo(line)

"""The commands of an author; what they do is imported when one is given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.options import Names
from autograder.refusals import refusals

DONE, FAILED = 0, 1

authors = typer.Typer()


@authors.command()
def new(
    name: str,
    title: Annotated[
        str, typer.Option(help="What lists of notebooks call it.", show_default="the name's words")
    ] = "",
) -> None:
    """Begin a notebook: one small definition with all that belongs to it, to be replaced."""
    with refusals():
        from autograder.authoring.begin import begin

        for path in begin(Path.cwd(), name, title):
            typer.echo(str(path.relative_to(Path.cwd())))


@authors.command("try")
def try_(
    name: str,
    definition: Annotated[str | None, typer.Argument(show_default=False)] = None,
) -> None:
    """Say which check catches each wrong version, its name, and what shows it.

    Of one DEFINITION in seconds: what there was no time for, the same command goes on with.
    """
    with refusals():
        from autograder.authoring.shown import show_attempt

        right = show_attempt(Path.cwd(), name, definition)
    raise typer.Exit(DONE if right else FAILED)


@authors.command()
def prove(
    names: Names = None,
    seeds: Annotated[int, typer.Option(min=1, help="Try right work on so many seeds.")] = 5,
) -> None:
    """Write release/proofs/NAME.json of each notebook in which all holds; say what does not."""
    with refusals():
        from autograder.authoring.shown import prove_each

        proved = prove_each(Path.cwd(), names or [], seeds)
    raise typer.Exit(DONE if proved else FAILED)

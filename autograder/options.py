"""Arguments and options that several commands take, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", show_default=False)]
Students = Annotated[list[str] | None, typer.Option(help="Only this student; may be repeated.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="How many at a time; default: the cores at hand and one more."),
]
Database = Annotated[
    str | None, typer.Option("--db", help="The gradebook's URL, if not the configured one.")
]
Browser = Annotated[bool, typer.Option(help="Open a browser; else the address to open is printed.")]
ResultsFile = Annotated[
    Path | None, typer.Option("--json", help="Write the results here; - is the terminal.")
]

"""Examines a student's notebook, says what it found, and mends it with consent."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from collections.abc import Iterable
from pathlib import Path

import nbformat
import typer

from autograder.errors import DeskError
from workbook.mending import backup
from workbook.mending.damage import Damage, of_the_cells, of_the_file
from workbook.mending.opened import Opened, open_file
from workbook.mending.ownership import Ownership
from workbook.mending.pour import poured
from workbook.mending.rerun import stale

FINE, LEFT = 0, 1


def examine_and_mend(file: Path, mend: bool, run: bool = True) -> int:
    """Print what ails a notebook, mend it if one may, and run a copy from the top if it is whole.

    Returns 0 when nothing is found or left, else 1.

    Raises: DeskError, when the file is none of the notebooks or cannot be read at all.
    """
    opened = open_file(file)
    student = _readable(opened)
    found = [*of_the_file(opened), *of_the_cells(student)]
    typer.echo(f"{opened.path.name}: {_counted(found)}")
    _list(found)
    if any(finding.mending for finding in found):
        if not (mend or _consent()):
            typer.echo("\nNothing was changed; `workbook doctor FILE --mend` mends without asking.")
            return LEFT
        typer.echo()
        opened = open_file(_mended(opened, student))
        student = _readable(opened)
        found = [*of_the_file(opened), *of_the_cells(student)]
        typer.echo(f"Examined again: {_counted(found)}")
        _list(found)
    if run and not of_the_cells(student):
        typer.echo("\nRunning a copy from the top in a fresh kernel; this may take a minute.")
        late = stale(poured(student), opened.path.parent)
        typer.echo(f"Run from the top: {_counted(late)}")
        _list(late)
        found += late
    return LEFT if found else FINE


def _readable(opened: Opened) -> Ownership:
    """Whose text each cell is.

    Raises: DeskError, saying what else can be done, when nothing can be read.
    """
    if opened.content is not None:
        return Ownership(opened.name, opened.content)
    checkpoint = opened.path.parent / ".ipynb_checkpoints" / f"{opened.path.stem}-checkpoint.ipynb"
    older = f"JupyterLab's last checkpoint is {checkpoint}; " if checkpoint.is_file() else ""
    why = "neither side of its merge conflict is a notebook" if opened.sides else opened.problem
    raise DeskError(
        f"{opened.path.name} cannot be mended: {why}. {older}an older version may be in "
        f"{backup.FOLDER}/ or in git; `workbook reset FILE` gives a fresh notebook and keeps "
        "this file"
    )


def _mended(opened: Opened, student: Ownership) -> Path:
    """Keep what is there, write the mended notebook, and say where all is."""
    kept = backup.keep(opened.raw, opened.path, opened.name)
    sides = [
        backup.keep(side, opened.path, opened.name, f".{mark}")
        for side, mark in zip(opened.sides, ("above", "below"), strict=False)
    ]
    ails = any(finding.mending for finding in of_the_cells(student))
    if ails or opened.sides or opened.raw.startswith(BOM_UTF8):
        text = nbformat.writes(poured(student)) + "\n"
        backup.write(text.encode("utf-8", "replace"), opened.path)
    path = opened.path
    if not opened.right_path.exists():
        path = opened.path.rename(opened.right_path)
    typer.echo("\n".join([f"Mended: {path}", *backup.way_back(kept, path)]))
    if sides:
        typer.echo(f"The sides above and below ======= are kept in {sides[0]} and {sides[1]}")
    return path


def _consent() -> bool:
    """Ask at a terminal; elsewhere nobody can answer."""
    return _at_terminal() and typer.confirm("\nMend this? A backup is kept.", default=False)


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _list(found: Iterable[Damage]) -> None:
    for number, finding in enumerate(found, 1):
        typer.echo(f"\n{number}. {finding}")


def _counted(found: list[Damage]) -> str:
    if not found:
        return "nothing ails it."
    return f"{len(found)} finding{'s' if len(found) > 1 else ''}"

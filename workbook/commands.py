"""The commands of the student's desk; they need no course folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.options import Browser
from autograder.refusals import refusals

DONE, NEEDS_ATTENTION = 0, 1

desk = typer.Typer()


File = Annotated[Path, typer.Argument(metavar="FILE.ipynb", show_default=False)]


@desk.command()
def start(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Where your notebooks are, or are to be; default: the folder that you are in, if "
            "they are there, or else transformer-workbook.",
            show_default=False,
        ),
    ] = None,
    lab: Annotated[bool, typer.Option(help="Open JupyterLab on it.")] = True,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Where JupyterLab listens.", show_default=False),
    ] = None,
    browser: Browser = True,
    notebook: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Open this one, of which 02 is enough.", show_default=False
        ),
    ] = "",
) -> None:
    """Put the notebooks into a folder, which changes nothing that is there, and open JupyterLab."""
    from workbook.guiding.passages import wanted
    from workbook.start import fill, open_lab, usual

    folder = folder or usual()
    with refusals():
        first = wanted(notebook)[0] if notebook else ""
        for line in fill(folder):
            typer.echo(line)
        if lab:
            raise typer.Exit(open_lab(folder, port, browser, first))


@desk.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.ipynb...", show_default=False)],
) -> None:
    """Run notebooks from the top, and compare with the book: visible tests and worked outputs."""
    from workbook.checking.self_check import self_check

    with refusals():
        raise typer.Exit(self_check(files))


@desk.command()
def progress(
    folder: Annotated[Path, typer.Argument(help="Where your notebooks are.")] = Path(),
) -> None:
    """Say what is done, what is next and how many minutes are left, by running what you wrote."""
    from workbook.studying.progress_report import progress as derive

    with refusals():
        typer.echo(str(derive(folder)))


@desk.command()
def demo(
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write the page here, and open no browser."),
    ] = None,
    browser: Browser = True,
) -> None:
    """Open the interactive demo, one page that needs no network."""
    from workbook.demo.opening import open_page

    with refusals():
        typer.echo(open_page(to, browser))


@desk.command()
def guide(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Open at what it says of this notebook, of which 02 is enough, or of what one "
            "writes in a notebook.",
            show_default=False,
        ),
    ] = None,
    browser: Browser = True,
) -> None:
    """Open the guide, the book beside the notebooks; it needs no network."""
    from workbook.guiding.in_browser import open_guide

    with refusals():
        typer.echo(open_guide(browser, name))


@desk.command()
def reset(
    file: File,
    cell: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this function, class or answer.")
    ] = None,
) -> None:
    """Give back a fresh notebook, or one fresh cell of it; what was there is kept beside it."""
    from workbook.mending.reset import reset as give_back

    with refusals():
        for line in give_back(file, cell):
            typer.echo(line)


@desk.command()
def solution(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    to: Annotated[
        Path | None, typer.Option(metavar="FILE.ipynb", help="Default: NAME-solution.ipynb here.")
    ] = None,
) -> None:
    """Write the model notebook of an assignment: solutions and answers in words, to learn from."""
    from workbook.studying.solution import write_solution

    with refusals():
        for line in write_solution(name, to):
            typer.echo(line)


@desk.command()
def doctor(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE.ipynb]", show_default=False)] = None,
    mend: Annotated[
        bool,
        typer.Option("--mend", help="Mend the notebook without asking; what was there is kept."),
    ] = False,
    run: Annotated[
        bool, typer.Option(help="Also run a copy of the notebook from the top, if it is whole.")
    ] = True,
) -> None:
    """Say what is installed and what to do if it does not work; or what ails a notebook."""
    with refusals():
        if file is not None:
            from workbook.mending.patient import examine_and_mend

            raise typer.Exit(examine_and_mend(file, mend, run))
        from autograder.doctor import findings

        found = findings(Path.cwd())
        for finding in found:
            mark = "ok  " if finding.fine else "FIX " if finding.counts else "note"
            typer.echo(f"{mark} {finding.what}: {finding.found}")
            if not finding.fine:
                typer.echo(f"     {finding.remedy}")
    raise typer.Exit(
        DONE if all(each.fine or not each.counts for each in found) else NEEDS_ATTENTION
    )

"""The command line: reads the arguments, calls the grader, shows the results."""

from __future__ import annotations

import gc
import io
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autograder import __version__
from autograder.authoring.commands import authors
from autograder.collecting.commands import collectors
from autograder.exporting.commands import exporters
from autograder.gradescope.commands import autograders
from autograder.options import Database, Jobs, Names, ResultsFile, Students
from autograder.refusals import check_writable, refusals, refuse
from autograder.staff import staff
from workbook.commands import desk

if TYPE_CHECKING:
    from autograder.course.course import Course, Submission
    from autograder.grading.table import Missing
    from autograder.verdict.result import Graded

DONE, NEEDS_ATTENTION, INTERRUPTED = 0, 1, 130

app = typer.Typer(
    help="Learn with, check, release and grade the notebooks of Transformer Workbook.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
TEACH = "To teach"
for panel, commands in (
    ("To learn", desk),
    (TEACH, staff),
    (TEACH, collectors),
    (TEACH, exporters),
    (TEACH, autograders),
    ("To write notebooks", authors),
):
    for command in commands.registered_commands:
        command.rich_help_panel = panel
    app.add_typer(commands)


def main() -> None:
    """Entry point of `workbook`."""
    # nbgrader calls alembic by name, also when this environment was not activated.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    import workbook.checking.quick_start  # noqa: F401  # before anything imports nbformat

    warnings.filterwarnings("ignore")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal's encoding lacks, an arrow or a name, costs no result.
        sys.stdout.reconfigure(errors="replace")
    try:
        app()
    finally:
        gc.freeze()  # or Python looks through all that was imported once more before it ends


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit(DONE)


What = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME | FILE.ipynb]...", show_default=False)
]
OneAssignment = Annotated[str | None, typer.Option(help="Only this assignment.")]


@app.command(rich_help_panel=TEACH)
def release(names: Names = None, db: Database = None) -> None:
    """Write release/ from source/ and prove it: stubs fail, solutions pass, nothing leaks.

    An assignment that does not hold is named at the end with its reason; the others are released.
    """
    with refusals():
        from autograder.course.course import Course
        from autograder.sandbox import check_place, kernel_server

        course = Course(Path.cwd(), db)
        chosen = course.chosen(names or [])
        check_place(course.root)
        kernel_server()
        from autograder.release.each import release_each
        from autograder.release.points import told_of
        from autograder.release.release import quiet_nbgrader

        quiet_nbgrader()
        for written in release_each(course, chosen):
            typer.echo(told_of(course, written))


@app.command(rich_help_panel=TEACH)
def grade(
    what: What = None,
    student: Students = None,
    assignment: OneAssignment = None,
    jobs: Jobs = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Grade on the Dask cluster with this scheduler."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Grade again what is graded, with a new seed.")
    ] = False,
    json_file: ResultsFile = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Repeat the run of this seed.")] = None,
    db: Database = None,
) -> None:
    """Grade submitted/ into autograded/ and the gradebook, or loose notebooks without them.

    What was graded and has not changed since is left as it is; --force grades it again.
    """
    with refusals():
        from autograder.course.course import Course
        from autograder.grading.pending import pending, reasons, some_are_late

        given, files = _given(what, assignment)
        if files and (student or force or db):
            refuse("--student, --force and --db go with assignments, not with files")
        if cluster and jobs:
            refuse("--jobs is for this machine; with --cluster its workers say how many they are")
        if json_file is not None:
            check_writable(json_file)
        course = Course(Path.cwd(), db)
        todo: list[Any] = files
        left = 0
        results: list[Graded] = []
        submissions: list[Submission] = []
        copies: list[str] = []
        if not files:
            from autograder.grading.strays import strays

            chosen = course.chosen(given)
            results, copies = strays(course, chosen, student or [])
            submissions = course.submissions(chosen, student or [], must_be=not results)
            todo = pending(course, submissions, force)
            left = len(submissions) - len(todo)
            for line in reasons(todo):
                typer.echo(line, err=True)
            if left and some_are_late(course.db_url):
                from autograder.gradebook.penalties import settle_penalties

                if changed := settle_penalties(course):
                    typer.echo(f"{len(changed)} late penalties changed with the marks.", err=True)
        if todo:
            from autograder.errors import InterruptedRunError
            from autograder.grading.batch import RunOptions, batch

            try:
                results += batch(course, todo, RunOptions(jobs, cluster, seed, force))
            except InterruptedRunError as stopped:
                typer.echo(str(stopped), err=True)
                raise typer.Exit(INTERRUPTED) from None
        _report(results, json_file, [] if student else _absent(course, submissions, results))
        if copies:
            from autograder.grading.table import printable

            names = ", ".join(map(printable, copies))
            typer.echo(f"Not graded, as no submission is looked for there: {names}", err=True)
        if left:
            typer.echo(f"{left} left as graded before; --force grades them again.", err=True)
    raise typer.Exit(NEEDS_ATTENTION if any(result.reason for result in results) else DONE)


@app.command(rich_help_panel=TEACH)
def feedback(
    what: What = None,
    student: Students = None,
    assignment: OneAssignment = None,
    db: Database = None,
) -> None:
    """Write the pages of graded submissions into feedback/, or grade a file and write its page."""
    with refusals():
        from autograder.course.course import Course

        names, files = _given(what, assignment)
        if files and (student or db):
            refuse("--student and --db go with assignments, not with files")
        course = Course(Path.cwd(), db)
        from autograder.feedback.written import pages, pages_of_files
        from autograder.grading.table import printable
        from autograder.release.release import quiet_nbgrader

        quiet_nbgrader()
        if files:
            written = dict(pages_of_files(course, files))
        else:
            submissions = course.submissions(course.chosen(names), student or [])
            written = {each.name: page for each, page in pages(course, submissions)}
        done = {name: page for name, page in written.items() if isinstance(page, Path)}
        for name, why in written.items() - done.items():
            typer.echo(f"{printable(name)}: no page, because {printable(str(why))}", err=True)
        where = course.top("feedback")
        typer.echo("\n".join(map(str, done.values())) if files else f"{len(done)} pages in {where}")
    raise typer.Exit(DONE if len(done) == len(written) else NEEDS_ATTENTION)


def _given(names: list[str] | None, assignment: str | None) -> tuple[list[str], list[Path]]:
    """The assignments and the files that were given: one of the two."""
    what = [*(names or []), *([assignment] if assignment else [])]
    files = [Path(name) for name in what if name.endswith(".ipynb")]
    if files and len(files) < len(what):
        refuse("give either assignments or files ending in .ipynb, not both")
    return [] if files else what, files


def _absent(course: Course, submissions: list[Submission], results: list[Graded]) -> list[Missing]:
    """Who of the class handed in nothing of what could be graded."""
    if not submissions or not (names := {r.assignment for r in results if r.reason is None}):
        return []
    from autograder.collecting.enrol import enrolled
    from autograder.grading.absent import absent

    there = {(each.student, each.assignment.name) for each in submissions}
    there |= {(str(each.student), each.assignment) for each in results}
    graded = [each for each in course.assignments.values() if each.name in names]
    return absent(course, graded, [person.id for person in enrolled(course)[0]], there)


def _report(results: list[Graded], json_file: Path | None, missing: list[Missing]) -> None:
    from autograder.verdict.result import write_json

    if str(json_file) == "-":
        write_json(results, sys.stdout)
        return
    if json_file is not None:
        with json_file.open("w", encoding="utf-8") as file:
            write_json(results, file)
    if results:
        from autograder.grading.table import print_table

        print_table([*results, *missing])


if __name__ == "__main__":
    main()

"""`workbook check`: a student's notebook run from the top and compared with the book, by nbval."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import typer

from autograder.errors import DeskError
from workbook.checking.standing import Entry, as_text, is_passed, standing
from workbook.material import START


def self_check(files: Sequence[Path]) -> int:
    """Check notebooks and print what passed, what is to do and what failed; 0 when all passed.

    Raises: DeskError, for a file that cannot be used, after the others were checked.
    """
    refused: list[str] = []
    is_all_passed = True
    for file in files:
        if file.name == START:
            typer.echo(f"{file.name}: nothing in it is checked.\n")
            continue
        try:
            entries = checked(file)
        except DeskError as error:
            refused.append(str(error))
            continue
        typer.echo(as_text(file.name, entries))
        is_all_passed = is_passed(entries) and is_all_passed
    if refused:
        raise DeskError("\n".join(refused))
    return 0 if is_all_passed else 1


def checked(file: Path) -> list[Entry]:
    """What became of each definition of a notebook, and of cells elsewhere that failed.

    Raises: DeskError, when the file cannot be used.
    """
    if not file.is_file():
        raise DeskError(f"{file} is not there, or is not a file")
    if file.suffix != ".ipynb":  # browsers add .txt or .json
        raise DeskError(
            f"{file.name} does not end in .ipynb, as a notebook's name does; "
            "`workbook doctor FILE` gives it its name back"
        )
    with tempfile.TemporaryDirectory(prefix="workbook-") as folder:
        report = Path(folder, "report.json")
        settings = Path(folder, "pytest.ini")
        settings.write_text("[pytest]\n", encoding="utf-8")
        # As plain as can be: what others set for their tests (options, plugins) is not for these.
        command = [sys.executable, "-P", "-m", "pytest", "-q", "--noconftest"]
        command += ["-p", "no:cacheprovider"]
        command += ["-p", "workbook.checking.quick_start", "-p", "nbval.plugin"]
        command += ["-p", "workbook.checking.pytest_plugin"]
        command += ["-c", str(settings), "--rootdir", folder]
        command += ["--workbook", "--workbook-report", str(report), file.name]
        others = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        done = subprocess.run(
            command,
            cwd=file.absolute().parent,
            env={**others, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        if not report.is_file():
            last = (done.stdout.strip().splitlines() or ["it said nothing"])[-1]
            raise DeskError(f"{file.name} could not be checked, because pytest stopped: {last}")
        found = json.loads(report.read_text(encoding="utf-8"))
    if found["problem"] or not found["cells"]:
        raise DeskError(found["problem"] or f"{file.name} could not be checked: no cell was found")
    return standing(found["cells"])

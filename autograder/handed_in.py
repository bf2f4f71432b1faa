"""The files that lie beside a notebook: what of them goes into the sandbox."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.assignment import Assignment

MAX_FILES = 1_000
MAX_BYTES = 64 * 2**20


@contextmanager
def files_beside(handed_in: Path | None, assignment: Assignment) -> Iterator[Path]:
    """A copy of the plain files of the student's folder, with the instructor's over them.

    No notebook is among them (they may hold hidden tests), no link, and none of a folder whose
    files are too many or too large together.
    """
    with tempfile.TemporaryDirectory(prefix="workbook-files-") as folder:
        copy = Path(folder)
        copy.chmod(0o755)
        for beside in (handed_in, assignment.path.parent):
            if beside is not None:
                copy_files(beside, copy)
        yield copy


def copy_files(beside: Path, copy: Path) -> None:
    """Copy the plain files of a folder, or none of them when they are too many or too large."""
    files = plain_files(beside)
    if len(files) > MAX_FILES or sum(file.stat().st_size for file in files) > MAX_BYTES:
        return
    for file in files:
        target = copy / file.relative_to(beside)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            target.chmod(0o644)
        except OSError:
            continue  # an unreadable file is as one that was not handed in


def plain_files(folder: Path) -> list[Path]:
    """The files below a folder, without notebooks, links, devices and hidden folders."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(parent) / name
            if ".ipynb" not in name and file.is_file() and not file.is_symlink():
                found.append(file)
    return found

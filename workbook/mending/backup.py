"""Keeps what was in a student's file before a command changes it, and writes at once or not."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from autograder.errors import DeskError

FOLDER = "backups"
RELOAD = "If the notebook is open in JupyterLab, choose File > Reload Notebook from Disk."


def keep(content: bytes, beside: Path, name: str, mark: str = "") -> Path:
    """Write a backup of what belongs to the notebook `name`, whose file is `beside`.

    It lies outside a folder that is called like the assignment, as nbgrader hands in all of that.
    An older backup is never overwritten.

    Raises: DeskError, when nothing can be written there.
    """
    folder = beside.parent.parent if beside.parent.name == name else beside.parent
    folder = folder / FOLDER
    stem = f"{name}.{datetime.now():%Y-%m-%d-%H%M%S}{mark}"
    count = 1
    try:
        folder.mkdir(exist_ok=True)
        while True:
            path = folder / (f"{stem}.ipynb" if count == 1 else f"{stem}-{count}.ipynb")
            try:
                with path.open("xb") as file:
                    file.write(content)
                return path
            except FileExistsError:
                count += 1
    except OSError as error:
        raise DeskError(
            f"no backup can be written into {folder} ({error.strerror}), so nothing was changed: "
            "make that folder writable, or copy the notebook to a folder of your own"
        ) from error


def write(content: bytes, path: Path) -> None:
    """Put a content in the place of a file, whole or not at all.

    Raises: DeskError, when nothing can be written there.
    """
    written = None
    try:
        handle, written = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        shutil.copymode(path, written)
        os.replace(written, path)
    except OSError as error:
        if written is not None:
            with contextlib.suppress(OSError):
                os.unlink(written)
        raise DeskError(
            f"{path} cannot be written ({error.strerror}), so nothing was changed: "
            "make its folder writable, or copy the notebook to a folder of your own"
        ) from error


def way_back(backup: Path, path: Path) -> list[str]:
    """The lines that say where the backup is and how to return to it."""
    return [
        f"What was there is kept in {backup}",
        f"To go back, copy that file over {path}",
        RELOAD,
    ]

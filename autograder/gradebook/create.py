"""Makes a gradebook where there is none."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import nbgrader.api
from alembic.script import ScriptDirectory
from nbgrader.api import Gradebook
from sqlalchemy import URL

from autograder.course.replace import share
from autograder.gradebook.gradings import sqlite_file


def create(url: str, course_id: str, shared: bool = False) -> None:
    """Make a gradebook that is a file, and is not there, appear as a whole or not at all.

    One that is there by then is left as it is. `shared` lets the group write it.
    """
    file = sqlite_file(url)
    if file is None or file.exists():
        return
    with tempfile.TemporaryDirectory(prefix=".gradebook-", dir=file.parent) as folder:
        new = Path(folder) / file.name
        Gradebook(str(URL.create("sqlite", database=str(new))), course_id).close()
        if shared:
            share(new)
        try:
            with suppress(FileExistsError):  # a link, other than a new name, replaces nothing
                os.link(new, file)
        except OSError:  # a file system without links
            os.replace(new, file)


def _schema_version() -> str:
    folder = Path(nbgrader.api.__file__).parent / "alembic"
    return str(ScriptDirectory(str(folder)).get_current_head())


# nbgrader starts the program `alembic` to ask for it, which takes as long as all the rest.
nbgrader.api.get_alembic_version = _schema_version

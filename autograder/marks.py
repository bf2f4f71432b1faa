"""What was graded to its end, in a table of the gradebook's own database.

A mark is written in the transaction of the scores that it speaks of, so neither is there without
the other. nbgrader looks at its own tables alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, String, Table, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from autograder.assignment import CourseError

MARKS = Table(
    "workbook_graded",
    MetaData(),
    Column("student", String(128), primary_key=True),
    Column("assignment", String(128), primary_key=True),
    Column("digest", String(64), nullable=False),
)
# A mark counts while the submission that it speaks of is in the gradebook.
_VALID = text(
    "SELECT m.student, m.assignment, m.digest FROM workbook_graded m "
    "JOIN assignment a ON a.name = m.assignment "
    "JOIN submitted_assignment s ON s.assignment_id = a.id AND s.student_id = m.student"
)

Marks = dict[tuple[str, str], str]


@contextmanager
def gradebook_errors(url: str) -> Iterator[None]:
    """Say in one sentence what is wrong with the gradebook.

    Raises: CourseError.
    """
    try:
        yield
    except (SQLAlchemyError, ImportError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise CourseError(f"the gradebook {shown(url)} cannot be used: {reason}") from error


def shown(url: str) -> str:
    """A gradebook's URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, NoSuchModuleError):
        return url.rpartition("@")[2]


def sqlite_file(url: str) -> Path | None:
    """The file of a gradebook that is one, else None."""
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (
        None,
        "",
        ":memory:",
    )
    return Path(str(parsed.database)) if is_file else None


def read_marks(url: str) -> Marks:
    """The digests of what was graded, by student and assignment.

    Raises: CourseError, when the gradebook cannot be used.
    """
    with gradebook_errors(url):
        file = sqlite_file(url)
        if file is not None and not file.exists():
            if not os.access(file.parent, os.W_OK):
                raise CourseError(
                    f"the gradebook {url} cannot be used: {file.parent} is no folder "
                    "that can be written to"
                )
            return {}
        engine = create_engine(url)
        try:
            if not inspect(engine).has_table(MARKS.name):
                return {}
            with engine.connect() as connection:
                return {(row[0], row[1]): row[2] for row in connection.execute(_VALID)}
        finally:
            engine.dispose()


def create_marks(engine: Any) -> None:
    """Make the table where it is not there."""
    MARKS.create(engine, checkfirst=True)


def write_mark(session: Any, student: str, assignment: str, digest: str | None) -> None:
    """Put one mark in the place of an earlier one, or take that away."""
    same = (MARKS.c.student == student) & (MARKS.c.assignment == assignment)
    session.execute(MARKS.delete().where(same))
    if digest is not None:
        session.execute(
            MARKS.insert().values(student=student, assignment=assignment, digest=digest)
        )

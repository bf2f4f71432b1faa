"""What was graded to its end, in a table of the gradebook's own database.

A digest is written in the transaction of the scores that it speaks of, so neither is there without
the other. nbgrader looks at its own tables alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, SQLAlchemyError

from autograder.errors import CourseError

DIGESTS = Table(
    "workbook_graded",
    MetaData(),
    Column("student", String(128), primary_key=True),
    Column("assignment", String(128), primary_key=True),
    Column("digest", String(64), nullable=False),
)
# A digest counts while the submission that it speaks of is in the gradebook.
_VALID = text(
    "SELECT m.student, m.assignment, m.digest FROM workbook_graded m "
    "JOIN assignment a ON a.name = m.assignment "
    "JOIN submitted_assignment s ON s.assignment_id = a.id AND s.student_id = m.student"
)
# One statement, as another run may write the same digest at the same time.
_WRITE = text(
    "INSERT INTO workbook_graded (student, assignment, digest) "
    "VALUES (:student, :assignment, :digest) "
    "ON CONFLICT (student, assignment) DO UPDATE SET digest = excluded.digest"
)
_REMOVE = text("DELETE FROM workbook_graded WHERE student = :student AND assignment = :assignment")


@contextmanager
def gradebook_errors(url: str) -> Iterator[None]:
    """Say in one sentence what is wrong with the gradebook.

    Raises: CourseError; DataError or IntegrityError, when a value is at fault.
    """
    refused = f"the gradebook {shown(url)} cannot be used"
    try:
        host = make_url(url).host or ""
    except (ArgumentError, ValueError) as error:
        raise CourseError(f"{refused}: this is no URL of a database") from error
    if "@" in host:
        raise CourseError(f"{refused}: in a name or password, @ is written as %40")
    try:
        yield
    except ImportError as error:
        driver = "install its driver (PostgreSQL: pip install 'psycopg[binary]')"
        raise CourseError(f"{refused}: {error}; {driver}") from error
    except (DataError, IntegrityError):
        raise  # what is to be written is at fault, not the gradebook
    except SQLAlchemyError as error:
        reason, *more = str(error.__cause__ or error).strip().splitlines()
        if reason.endswith(":") and more:  # of several addresses, what the first one said
            reason = more[0].lstrip("- ")
        raise CourseError(f"{refused}: {reason}") from error


def shown(url: str) -> str:
    """A gradebook's URL without its password, also where it is no URL that can be read."""
    without = re.sub(r"(://[^:/]*):.*@", r"\1:***@", url)
    return re.sub(r"(password=)[^&]*", r"\1***", without, flags=re.IGNORECASE)


def sqlite_file(url: str) -> Path | None:
    """The file of a gradebook that is one, else None."""
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (
        None,
        "",
        ":memory:",
    )
    return Path(str(parsed.database)) if is_file else None


@contextmanager
def reading(url: str, table: str) -> Iterator[Connection | None]:
    """A connection to a gradebook that has the table, else None.

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
            yield None
            return
        engine = create_engine(url)
        try:
            with engine.connect() as connection:
                yield connection if inspect(connection).has_table(table) else None
        finally:
            engine.dispose()


def read_digests(url: str) -> dict[tuple[str, str], str]:
    """The digests of what was graded, by student and assignment.

    Raises: CourseError, when the gradebook cannot be used.
    """
    with reading(url, DIGESTS.name) as gradebook:
        rows = gradebook.execute(_VALID) if gradebook else ()
        return {(row[0], row[1]): row[2] for row in rows}


def create_digests(engine: Any) -> None:
    """Make the table where it is not there."""
    DIGESTS.create(engine, checkfirst=True)


def write_digest(session: Any, student: str, assignment: str, digest: str | None) -> None:
    """Put one digest in the place of an earlier one, or take that away."""
    whose = {"student": student, "assignment": assignment}
    if digest is None:
        session.execute(_REMOVE, whose)
    else:
        session.execute(_WRITE, {**whose, "digest": digest})

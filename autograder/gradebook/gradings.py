"""What was graded and how it was then, in a table of the gradebook's own database.

A row is written in the transaction of the scores that it speaks of, so neither is there without
the other. nbgrader looks at its own tables alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    inspect,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, SQLAlchemyError

from autograder.errors import CourseError

GRADINGS = Table(
    "workbook_gradings",
    MetaData(),
    Column("student", String(128), primary_key=True),
    Column("assignment", String(128), primary_key=True),
    Column("parts", Text, nullable=False),
    Column("answers", Text, nullable=False),
    Column("mark_again", Text, nullable=False),
)
SEED = "seed"  # the part that is no digest: what the inputs of the hidden tests were drawn from
# A row counts while the submission that it speaks of is in the gradebook.
_VALID = (
    "FROM workbook_gradings m JOIN assignment a ON a.name = m.assignment "
    "JOIN submitted_assignment s ON s.assignment_id = a.id AND s.student_id = m.student"
)
_ALL = text(f"SELECT m.student, m.assignment, m.parts {_VALID}")
_WHOSE = "WHERE m.student = :student AND m.assignment = :assignment"
_ONE = text(f"SELECT m.parts, m.answers, m.mark_again {_VALID} {_WHOSE}")
_WRITE = text(
    "INSERT INTO workbook_gradings (student, assignment, parts, answers, mark_again) "
    "VALUES (:student, :assignment, :parts, :answers, :mark_again) "
    "ON CONFLICT (student, assignment) DO UPDATE SET parts = excluded.parts, "
    "answers = excluded.answers, mark_again = excluded.mark_again"
)


@dataclass(frozen=True)
class Grading:
    """One grading of a submission.

    `parts` are digests of all that its verdict depends on, by name; none where it did not come to
    its end. `answers` are digests of what was to be marked, by grade_id, and `mark_again` are those
    that changed after they were marked.
    """

    parts: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    mark_again: frozenset[str] = frozenset()


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


def is_unmade(url: str) -> bool:
    """Whether a gradebook is a file that is not there yet; nbgrader would make an empty one."""
    file = sqlite_file(url)
    return file is not None and not file.exists()


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


def read_parts(url: str) -> dict[tuple[str, str], dict[str, str]]:
    """The parts of each grading, by student and assignment.

    Raises: CourseError, when the gradebook cannot be used.
    """
    with reading(url, GRADINGS.name) as gradebook:
        rows = gradebook.execute(_ALL) if gradebook else ()
        return {(row[0], row[1]): json.loads(row[2]) for row in rows}


def create_gradings(engine: Any) -> None:
    """Make the table where it is not there."""
    GRADINGS.create(engine, checkfirst=True)


def read_grading(session: Any, student: str, assignment: str) -> Grading | None:
    """The last grading of one submission, if there was one."""
    whose = {"student": student, "assignment": assignment}
    row = session.execute(_ONE, whose).one_or_none()
    if row is None:
        return None
    parts, answers, mark_again = map(json.loads, row)
    return Grading(parts, answers, frozenset(mark_again))


def write_grading(session: Any, student: str, assignment: str, grading: Grading) -> None:
    """Put one in the place of an earlier one."""
    session.execute(
        _WRITE,
        {
            "student": student,
            "assignment": assignment,
            "parts": json.dumps(dict(grading.parts)),
            "answers": json.dumps(dict(grading.answers)),
            "mark_again": json.dumps(sorted(grading.mark_again)),
        },
    )

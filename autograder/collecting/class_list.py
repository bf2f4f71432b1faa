"""A class list as any system exports it: a CSV or TSV whose columns are found by their headings."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.collecting.person import Person, is_id, key
from autograder.errors import CourseError, printable

MAX_LIST = 16 * 2**20
DELIMITERS = ",;\t"
# Headings without case, blanks and signs; of several that are there the first one counts.
HEADINGS = {
    "id": (
        *("studentid", "username", "sisloginid", "loginid", "login", "orgdefinedid", "idnumber"),
        *("sisuserid", "anmeldename", "benutzername", "idnummer", "matrikelnummer", "id"),
    ),
    "lms_user_id": ("lmsuserid", "lmsid", "canvasuserid", "canvasid", "userid", "id"),
    "first_name": ("firstname", "givenname", "vorname"),
    "last_name": ("lastname", "surname", "familyname", "nachname"),
    "full_name": ("fullname", "student", "name", "vollständigername"),
    "email": ("email", "emailaddress", "mail", "emailadresse"),
    "participant": ("identifier",),
}


@dataclass(frozen=True)
class ClassList:
    """The students of a list, which heading each of their fields has, and rows without an id."""

    people: tuple[Person, ...]
    columns: Mapping[str, str]
    without_id: int = 0

    def said(self) -> str:
        """Which columns were taken, in words."""
        taken = ", ".join(f"{name} from {column!r}" for name, column in self.columns.items())
        more = f"; {self.without_id} rows without an id left out" if self.without_id else ""
        return f"{len(self.people)} students ({printable(taken)}{more})"


def read_class_list(
    path: Path, chosen: Mapping[str, str | None] | None = None, by: str | None = None
) -> ClassList:
    """Read one; `chosen` are headings given by hand, by field.

    Raises: CourseError, saying what is wrong with it.
    """
    rows = _rows(path)
    headings = [each.strip() for each in rows[0]]
    columns = _columns(path, headings, chosen or {})
    if by is not None:
        _one(path, headings, by)
    people: dict[str, Person] = {}
    without_id = 0
    for line, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = dict.fromkeys(headings, "")
        cells |= {name: cell.strip() for name, cell in zip(headings, row, strict=False)}
        fields = {name: cells[column] for name, column in columns.items()}
        if not fields["id"]:
            without_id += 1
            continue
        person = _person(fields, cells)
        if not is_id(person.id):
            raise CourseError(
                f"{path}, row {line}: {printable(person.id)[:60]!r} can be no folder's name, so no "
                "student's id; choose another column with --id"
            )
        if person.id.casefold() in people:
            raise CourseError(f"{path}, row {line}: {person.id!r} is the id of an earlier row, too")
        people[person.id.casefold()] = person
    if not people:
        raise CourseError(f"{path} has no student: under its headings no row has an id")
    return ClassList(tuple(people.values()), columns, without_id)


def _person(fields: Mapping[str, str], cells: Mapping[str, str]) -> Person:
    known = dict(fields)
    known["participant"] = "".join(re.findall(r"\d+", known.get("participant", ""))[:1])
    last, comma, first = known.get("full_name", "").partition(",")
    if comma and not known.get("first_name") and not known.get("last_name"):
        known |= {"first_name": first.strip(), "last_name": last.strip()}
    return Person(**known, cells=cells)


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LIST + 1)
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_LIST:
        raise CourseError(f"{path} is larger than {MAX_LIST // 2**20} MiB, which no class list is")
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise CourseError(f"{path} is not UTF-8: export or save it as `CSV UTF-8`") from error
    found: list[list[list[str]]] = []
    try:
        for delimiter in DELIMITERS:
            found.append(list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    except csv.Error as error:
        raise CourseError(f"{path} cannot be read as CSV: {error}") from error
    rows = max(found, key=lambda each: len(each[0]) if each else 0)
    if not rows:
        raise CourseError(f"{path} is empty: expected are headings and a row for each student")
    return rows


def _columns(path: Path, headings: list[str], chosen: Mapping[str, str | None]) -> dict[str, str]:
    keys = {key(each): each for each in reversed(headings) if key(each)}
    given = {field: column for field, column in chosen.items() if column}
    columns = {field: _one(path, headings, column) for field, column in given.items()}
    for field, known in HEADINGS.items():
        free = (keys[each] for each in known if each in keys)
        found = next((each for each in free if each not in columns.values()), None)
        if field not in columns and found is not None:
            columns[field] = _one(path, headings, found)
    if "id" not in columns:
        raise CourseError(
            f"{path} has no column that is known to hold ids; choose one with --id: "
            f"{printable(', '.join(headings))[:300]}"
        )
    return {field: columns[field] for field in HEADINGS if field in columns}


def _one(path: Path, headings: list[str], column: str) -> str:
    if headings.count(column) == 1:
        return column
    what = "several columns" if column in headings else "no column"
    raise CourseError(
        f"{path} has {what} {printable(column)!r}; it has {printable(', '.join(headings))[:300]}"
    )

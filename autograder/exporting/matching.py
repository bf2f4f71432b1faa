"""Which line of a file is whose; where it is not certain, nobody's."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autograder.errors import CourseError, printable
from autograder.exporting.class_scores import Scored

Key = Callable[[Scored], str]


@dataclass(frozen=True)
class _Match:
    """One column read in one way: the lines that each student stands in."""

    column: str
    lines: Mapping[str, Sequence[int]]

    @property
    def missing(self) -> list[str]:
        return [student for student, lines in self.lines.items() if not lines]

    @property
    def doubled(self) -> list[str]:
        """Who stands in several lines, or shares one."""
        owners: dict[int, int] = defaultdict(int)
        for lines in self.lines.values():
            for line in lines:
                owners[line] += 1
        return [
            student
            for student, lines in self.lines.items()
            if len(lines) > 1 or any(owners[line] > 1 for line in lines)
        ]

    @property
    def certain(self) -> dict[str, int] | None:
        """The line of each, where each has exactly one."""
        if self.missing or self.doubled:
            return None
        return {student: lines[0] for student, lines in self.lines.items()}


def lines_of_students(
    file: str,
    columns: Sequence[tuple[str, Mapping[int, str]]],
    people: Sequence[Scored],
    key: str | None,
) -> tuple[str, dict[str, int]]:
    """The column by which students are known, and the line of each.

    `columns` are those that may tell, by their titles, with the values by line. A value is a
    student's name in the gradebook or e-mail address; in a column that was named, also what stands
    before the @, if all addresses are of one domain.

    Raises: CourseError, which lists the students that are missing, doubled or ambiguous.
    """
    if key is not None:
        named = [each for each in columns if each[0] == key.strip()]
        if len(named) != 1:
            how = "several columns" if named else "no column"
            there = ", ".join(repr(printable(title)) for title, _ in columns)
            raise CourseError(
                f"{file} has {how} {key!r} that could tell students apart: name one of {there}"
            )
        columns = named
    found = [_match(*column, people, way) for way in (_id, _email) for column in columns]
    if key is not None and (shortened := _local_parts(columns[0][1])) is not None:
        found.append(_match(key, shortened, people, _id))
    certain = [(each.column, lines) for each in found if (lines := each.certain) is not None]
    if not certain:
        raise CourseError(_uncertain(file, found, key))
    column, lines = certain[0]
    for other, others in certain[1:]:
        if others != lines:
            raise CourseError(
                f"in {file} the columns {printable(column)!r} and {printable(other)!r} both name "
                "every student, in different lines: say which one tells, with --key"
            )
    return column, lines


def _uncertain(file: str, found: Sequence[_Match], key: str | None) -> str:
    best = min(found, key=lambda each: len(each.missing) + len(each.doubled), default=None)
    if best is None or len(best.missing) == len(best.lines):
        where = "no column" if key is None else f"column {key!r} does not"
        return (
            f"{file}: {where} {'holds' if key is None else 'hold'} any student's name or e-mail "
            "address as the gradebook has them; nothing is written"
        )
    said = [
        f"{what}: {', '.join(map(printable, who))}"
        for what, who in (("not there", best.missing), ("more than once", best.doubled))
        if who
    ]
    nearest = "" if key else "; this is the column that comes nearest, --key names another"
    return (
        f"{file}, column {printable(best.column)!r}: {'; '.join(said)}{nearest}; "
        "--without STUDENT leaves one out; nothing is written"
    )


def _match(column: str, values: Mapping[int, str], people: Sequence[Scored], way: Key) -> _Match:
    lines = defaultdict(list)
    fold = way is _email
    for line, value in values.items():
        lines[_plain(value, fold)].append(line)
    wanted = {person.id: _plain(way(person), fold) for person in people}
    return _Match(
        column, {student: lines.get(each, []) if each else [] for student, each in wanted.items()}
    )


def _id(person: Scored) -> str:
    return person.id


def _email(person: Scored) -> str:
    return person.email or ""


def _plain(value: str, fold: bool) -> str:
    """A value whichever way its umlauts are written; capitals are nothing in an address."""
    plain = unicodedata.normalize("NFC", value.strip())
    return plain.casefold() if fold else plain


def _local_parts(values: Mapping[int, str]) -> dict[int, str] | None:
    addresses = {line: value.strip().rpartition("@") for line, value in values.items() if value}
    domains = {domain.casefold() for _, _, domain in addresses.values()}
    if len(domains) != 1 or not all(at for _, at, _ in addresses.values()):
        return None
    return {line: local for line, (local, _, _) in addresses.items()}

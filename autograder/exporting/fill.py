"""Scores written into a file that another system exported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError, printable
from autograder.exporting.class_scores import ClassScores, Scored
from autograder.exporting.matching import lines_of_students
from autograder.exporting.raw_table import RawTable, read_raw_table
from autograder.exporting.systems import System, alike


@dataclass(frozen=True)
class Filled:
    """The bytes to be written, and what the instructor should know of them."""

    content: bytes
    notes: Sequence[str]


class Export:
    """A file that a system exported.

    Raises: CourseError, when it is no such file.
    """

    def __init__(self, path: Path, system: System) -> None:
        self.path, self.system = path, system
        self.table: RawTable = read_raw_table(path)
        self.titles = [cell.value.strip() for cell in self.table.rows[0]]
        if system.of_students and not set(system.of_students) & set(self.titles):
            wanted = " or ".join(map(repr, system.of_students))
            raise CourseError(
                f"{path} is no file of {system.name}: a column {wanted} is expected in its "
                f"first line, which has {self._shown(range(len(self.titles)))}"
            )
        self.grades = [n for n, title in enumerate(self.titles) if system.grades.fullmatch(title)]
        self.first = self._first_student()

    def _first_student(self) -> int:
        """The line after the last one before the students, which is among the first few."""
        if self.system.before is not None:
            for line, row in enumerate(self.table.rows[:4]):
                if line and row[0].value.strip() == self.system.before:
                    return line + 1
        return 1

    def _shown(self, columns: Sequence[int]) -> str:
        return ", ".join(repr(printable(self.titles[n])) for n in columns) or "none"

    def column(self, name: str, said: str | None) -> int | None:
        """The column of an assignment's grades; None where none is its own.

        Raises: CourseError, when several are, or the one that was said is not there.
        """
        if said is not None:
            found = [n for n, title in enumerate(self.titles) if title == said.strip()]
            if not found:
                every = self._shown(range(len(self.titles)))
                raise CourseError(f"{self.path} has no column {said!r}: it has {every}")
        else:
            found = [n for n in self.grades if self._is_of(self.titles[n], name)]
        if len(found) > 1:
            raise CourseError(
                f"{self.path} has several columns for {said or name}: {self._shown(found)}; "
                "say which one it is, with --grade-column"
            )
        return found[0] if found else None

    def _is_of(self, title: str, name: str) -> bool:
        match = self.system.grades.fullmatch(title)
        called = match and match.groupdict().get("title")
        return called is None or alike(called, name)

    def missing(self, name: str) -> CourseError:
        """What to say where an assignment has no column of its own."""
        return CourseError(
            f"{self.path} has no column that is called as {name} is; columns of grades are "
            f"{self._shown(self.grades)}: name one with --grade-column"
        )

    def keys(self, ours: Sequence[int]) -> list[tuple[str, dict[int, str]]]:
        """The columns that may tell students apart, with their values by line."""
        return [
            (
                title,
                {
                    line: self._key(line, n)
                    for line in self._lines()
                    if n < len(self.table.rows[line])
                },
            )
            for n, title in enumerate(self.titles)
            if n not in self.grades and n not in ours
        ]

    def _lines(self) -> Iterator[int]:
        yield from range(self.first, len(self.table.rows))

    def _key(self, line: int, column: int) -> str:
        value = self.table.rows[line][column].value.strip()
        return value.removeprefix("#") if self.system.marked else value

    def most(self, column: int) -> set[float]:
        """What the file says are the most points of a column."""
        match = self.system.grades.fullmatch(self.titles[column])
        said = [match.groupdict().get("most") if match else None]
        if self.first > 1 and column < len(self.table.rows[self.first - 1]):
            said.append(self.table.rows[self.first - 1][column].value)
        for n, title in enumerate(self.titles):
            if title in self.system.most:
                said += [row[n].value for row in self.table.rows[self.first :] if n < len(row)]
        return {float(each.strip().replace(",", ".")) for each in said if each and _number(each)}

    def has_decimal_comma(self, columns: Sequence[int]) -> bool:
        """Whether the numbers of the file are written so: none has a point, and some a comma."""
        places = {*columns, *self.grades}
        places |= {n for n, title in enumerate(self.titles) if title in self.system.most}
        said = [row[n].value.strip() for row in self.table.rows[1:] for n in places if n < len(row)]
        numbers = [each for each in said if _number(each)]
        return any("," in each for each in numbers) and not any("." in each for each in numbers)


def fill(
    export: Export,
    people: Sequence[Scored],
    scores: Mapping[int, ClassScores],
    key: str | None,
) -> Filled:
    """Write scores into their columns; what is not ours stays as it is, to the byte.

    Raises: CourseError, when it is not certain which line is whose.
    """
    wanted = [each for each in people if any(each.id in of.scores for of in scores.values())]
    column, lines = lines_of_students(str(export.path), export.keys(list(scores)), wanted, key)
    short = [each for each in lines if len(export.table.rows[lines[each]]) != len(export.titles)]
    if short:
        raise CourseError(
            f"{export.path} has more or fewer cells than its first line in the lines of "
            f"{', '.join(map(printable, short))}: export it anew; nothing is written"
        )
    notes = [f"students are known by {printable(column)!r}"]
    comma = export.has_decimal_comma(list(scores))
    values: dict[tuple[int, int], str] = {}
    for place, of in scores.items():
        most = export.most(place)
        if most - {of.max_score}:
            there = ", ".join(f"{each:g}" for each in sorted(most))
            notes.append(f"{of.name} has {of.max_score:g} points, and {there} in the file")
        kept, others, changed = [], 0, 0
        for student, score in of.scores.items():
            before = export.table.rows[lines[student]][place].value.strip()
            if before in export.system.left:
                kept.append(f"{printable(student)} ({before})")
                continue
            others += bool(before) and not _same(before, score.points)
            changed += 1
            value = f"{score.points:.2f}".rstrip("0").rstrip(".")
            values[lines[student], place] = value.replace(".", ",") if comma else value
        over = f", {others} of them over another" if others else ""
        title = printable(export.titles[place])
        notes.append(f"{of.name}: {changed} scores in column {title!r}{over}")
        if kept:
            notes.append(f"{of.name}: left as they are: {', '.join(kept)}")
    return Filled(export.table.filled(values), notes)


def _number(text: str) -> bool:
    return re.fullmatch(r"\d+(?:[.,]\d+)?", text.strip(), re.ASCII) is not None


def _same(before: str, points: float) -> bool:
    return _number(before) and float(before.replace(",", ".")) == points

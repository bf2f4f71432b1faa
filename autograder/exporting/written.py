"""`workbook export`: which scores go where, and what is to be said of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder.course.course import Course
from autograder.errors import CourseError, printable
from autograder.exporting.class_scores import ClassScores, class_scores
from autograder.exporting.fill import Export, Filled, fill
from autograder.exporting.own import score_objects, table
from autograder.exporting.systems import SYSTEMS


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    to: str
    names: Sequence[str] = ()
    fill: Path | None = None
    key: str | None = None
    grade_column: str | None = None
    without: Sequence[str] = ()


def export(course: Course, wanted: Wanted) -> Filled:
    """What is to be written, and what is said of it.

    Raises: CourseError, when anything is missing or ambiguous.
    """
    people, scores = class_scores(course, wanted.names, wanted.without)
    if wanted.to == "csv":
        return Filled(table(people, scores), _notes(scores))
    if wanted.to == "ags":
        one = _only(scores, "one line item's scores are written at a time")
        return Filled(score_objects(one, datetime.now(UTC)), _notes(scores))
    assert wanted.fill is not None
    file = Export(wanted.fill, SYSTEMS[wanted.to])
    columns, left = _columns(file, wanted, scores)
    filled = fill(file, people, columns, wanted.key)
    notes = [*filled.notes, *_notes(list(columns.values()))]
    if left:
        notes.append(f"without a column in the file: {', '.join(left)}")
    return Filled(filled.content, notes)


def write(content: bytes, to: Path) -> None:
    """Write a file, or to the terminal where it is called -."""
    if str(to) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        to.write_bytes(content)


def _columns(
    file: Export, wanted: Wanted, scores: Sequence[ClassScores]
) -> tuple[dict[int, ClassScores], list[str]]:
    """The assignments by their columns, and those that have none, where none was asked for."""
    if wanted.grade_column is not None or file.system.name == "moodle":
        scores = [_only(scores, "one column is filled at a time here")]
    columns: dict[int, ClassScores] = {}
    left = []
    for each in scores:
        column = file.column(each.name, wanted.grade_column)
        if column in columns:
            raise CourseError(
                f"{file.path}: {each.name} and {columns[column].name} have the same column; "
                "export one at a time, with --grade-column"
            )
        if column is not None:
            columns[column] = each
        elif wanted.names or len(scores) == 1:
            raise file.missing(each.name)
        else:
            left.append(each.name)
    if not columns:
        raise file.missing("an assignment of the gradebook")
    return columns, left


def _only(scores: Sequence[ClassScores], why: str) -> ClassScores:
    if len(scores) != 1:
        there = ", ".join(each.name for each in scores) or "none in the gradebook"
        raise CourseError(f"{why}: name one assignment of {there}")
    return scores[0]


def _notes(scores: Sequence[ClassScores]) -> list[str]:
    """Whose score is not the last word, and who has none."""
    notes = []
    for each in scores:
        waiting = [student for student, score in each.scores.items() if score.waits]
        if waiting:
            who = ", ".join(map(printable, waiting))
            notes.append(f"{each.name}: still to be marked, so the score is not the last: {who}")
        if each.without_score:
            who = ", ".join(map(printable, each.without_score))
            notes.append(f"{each.name}: handed in and not graded, so no score is written: {who}")
    return notes

"""What there is to mark: each student's answer, and what the gradebook has of it now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import select

from autograder.course.assignment import grade_id_of
from autograder.course.course import Course


@dataclass(frozen=True)
class Marks:
    """What the gradebook has of one answer: a person's points and comment, and the judge's.

    The judge gives points only to what was handed in as it was released: none.
    """

    manual: float | None
    auto: float | None
    extra: float | None
    waits: bool
    comment: str | None

    @property
    def digest(self) -> str:
        """The same for the same marks, and for no others."""
        return _digest([self.manual, self.auto, self.extra, self.waits, self.comment])

    @property
    def is_stale(self) -> bool:
        """Whether the answer changed after it was marked."""
        return self.waits and self.manual is not None


@dataclass(frozen=True)
class WrittenText:
    """The text of an answer and its pictures; None where the graded notebook cannot be read."""

    text: str | None = None
    pictures: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """The same for the same answer, and for no other."""
        return _digest([self.text, self.pictures])


@dataclass(frozen=True)
class AnswerToMark:
    """One student's answer to one question; `id` is its grade's, and does not say whose."""

    id: str
    question: str
    student: str
    name: str
    points: float
    marks: Marks
    path: Path = field(repr=False)

    def written(self) -> WrittenText:
        """Read what the student wrote, from the graded notebook."""
        return read_answer(self.path, self.question)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def read_answer(path: Path, question: str) -> WrittenText:
    """What was written in one cell of a graded notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        (cell,) = (each for each in cells if grade_id_of(each) == question)
        return WrittenText("".join(cell["source"]), cell.get("attachments") or None)
    except (OSError, ValueError, KeyError, TypeError):
        return WrittenText()


def answers_to_mark(
    course: Course,
    gradebook: Gradebook,
    name: str,
    questions: Sequence[str],
    id: str | None = None,
) -> list[AnswerToMark]:
    """All answers to these questions of an assignment, by question and student; or that of one id.

    Work that could not be run has no graded notebook, and so no answer to read.
    """
    wanted = (
        select(Grade, Student, BaseCell.name)
        .join(Grade.cell)
        .join(Grade.notebook)
        .join(SubmittedNotebook.assignment)
        .join(SubmittedAssignment.student)
        .join(SubmittedAssignment.assignment)
        .where(Assignment.name == name, BaseCell.name.in_(questions))
        .order_by(BaseCell.name, Student.id)
    )
    if id is not None:
        wanted = wanted.where(Grade.id == id)
    comments = _comments(gradebook, name, questions)
    found = []
    for grade, student, question in gradebook.db.execute(wanted):
        path = course.folder("autograded", student.id, name) / f"{name}.ipynb"
        if path.is_file():
            comment = comments.get((grade.notebook_id, question))
            names = " ".join(filter(None, (student.first_name, student.last_name)))
            marks = marks_of(grade, comment)
            points = float(grade.cell.max_score)
            found.append(AnswerToMark(grade.id, question, student.id, names, points, marks, path))
    return found


def marks_of(grade: Any, comment: str | None) -> Marks:
    """What stands in a row of nbgrader's and in the comment beside it."""
    return Marks(
        grade.manual_score,
        grade.auto_score,
        grade.extra_credit,
        bool(grade.needs_manual_grade),
        comment,
    )


def _comments(
    gradebook: Gradebook, name: str, questions: Sequence[str]
) -> dict[tuple[str, str], str | None]:
    wanted = (
        select(Comment.notebook_id, BaseCell.name, Comment.manual_comment)
        .join(Comment.cell)
        .join(Comment.notebook)
        .join(SubmittedNotebook.assignment)
        .join(SubmittedAssignment.assignment)
        .where(Assignment.name == name, BaseCell.name.in_(questions))
    )
    return {(notebook, cell): text for notebook, cell, text in gradebook.db.execute(wanted)}

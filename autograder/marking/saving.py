"""Writes points and comments as the formgrader does, and what being late costs with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from nbgrader.api import BaseCell, Comment, Grade, Gradebook
from sqlalchemy import select

from autograder.errors import ChangedMeanwhileError, MarkRefusedError, printable
from autograder.gradebook.penalties import Penalties
from autograder.marking.answers import AnswerToMark, Marks, answers_to_mark
from autograder.marking.opened import OpenedGradebook
from autograder.verdict.standing import cents

_POINTS = re.compile(r"[+-]?([0-9]{1,6}([.,][0-9]{0,6})?|[.,][0-9]{1,6})")
LONGEST_COMMENT = 20_000


@dataclass(frozen=True)
class Given:
    """What a person typed for an answer, and digests of the marks and the text that they saw."""

    points: str
    comment: str
    marks: str
    text: str


@dataclass(frozen=True)
class Saver:
    """Writes marks of one assignment into the gradebook."""

    opened: OpenedGradebook
    name: str
    questions: tuple[str, ...]
    penalties: Penalties

    def save(self, id: str, given: Given) -> AnswerToMark:
        """Write points and comment of the answer with this id, and return how it stands then.

        Raises: MarkRefusedError; ChangedMeanwhileError, when it is not what was shown; CourseError,
        when the gradebook cannot be written.
        """
        with self.opened.writing() as gradebook:
            grade = gradebook.db.get(Grade, id, with_for_update=True)
            answer = self._find(gradebook, id)
            comment = _comment_of(gradebook, grade)
            _check_unchanged(answer, given)
            points = points_from(given.points, answer.points)
            if points is not None and points == cents(answer.marks.manual or 0.0):
                points = answer.marks.manual or 0.0  # a third, which the page shows as 0.33
            is_new = given.comment != (answer.marks.comment or "")
            _check_worth(answer, points, given.comment, is_new)
            grade.manual_score = points
            grade.needs_manual_grade = points is None and grade.auto_score is None
            if is_new and comment is not None:
                comment.manual_comment = given.comment
            self.penalties.write(gradebook, grade.notebook)
            gradebook.db.commit()
            return self._find(gradebook, id)

    def _find(self, gradebook: Gradebook, id: str) -> AnswerToMark:
        # Only the written answers of this assignment: no id of another row is taken.
        found = answers_to_mark(self.opened.course, gradebook, self.name, self.questions, id)
        if not found:
            raise MarkRefusedError("this answer is not in the gradebook any more: reload the page")
        return found[0]


def points_from(typed: str, most: float) -> float | None:
    """The points that a person typed, with a point or a comma; None where the field is empty.

    Raises: MarkRefusedError, when it is no number from 0 to `most`.
    """
    said = typed.strip()
    if not said:
        return None
    if not _POINTS.fullmatch(said):
        raise MarkRefusedError(
            f"{printable(said[:20])} is no number of points: write one from 0 to {most:g}"
        )
    points = float(said.replace(",", "."))
    if points > most:
        raise MarkRefusedError(f"{said} is more than the {most:g} points of this question")
    if points < 0:
        raise MarkRefusedError(f"{said} is less than 0 points")
    return abs(points)  # -0 is 0


def _check_worth(answer: AnswerToMark, points: float | None, comment: str, is_new: bool) -> None:
    if len(comment) > LONGEST_COMMENT:
        raise MarkRefusedError(f"a comment has at most {LONGEST_COMMENT:,} characters")
    if points is None and answer.marks.manual is None and not is_new:
        raise MarkRefusedError(
            f"there is nothing to save: write points from 0 to {answer.points:g}"
        )


def _check_unchanged(answer: AnswerToMark, given: Given) -> None:
    if answer.written().digest != given.text:
        raise ChangedMeanwhileError(
            "the answer itself changed meanwhile, it was graded again: reload the page to read it"
        )
    if answer.marks.digest != given.marks:
        raise ChangedMeanwhileError(
            f"it changed meanwhile, and the gradebook has {in_words(answer.marks)}; Enter again "
            "puts yours in its place",
            answer,
        )


def in_words(marks: Marks) -> str:
    """Points and comment, for the one who is about to write others."""
    points = marks.auto if marks.manual is None else marks.manual
    said = "no points" if points is None else f"{cents(points):g} points"
    return f"{said} and {f'the comment “{marks.comment}”' if marks.comment else 'no comment'}"


def _comment_of(gradebook: Gradebook, grade: Any) -> Any:
    """The row of nbgrader's with the comment on the answer that a grade is for."""
    wanted = (
        select(Comment)
        .join(Comment.cell)
        .where(Comment.notebook_id == grade.notebook_id, BaseCell.name == grade.cell.name)
    )
    return gradebook.db.scalars(wanted.with_for_update(of=Comment)).one_or_none()

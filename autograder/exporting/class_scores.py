"""What a class earned, as nbgrader counts it: with marks by hand, less what being late costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nbgrader.api import Gradebook

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.gradings import gradebook_errors, is_unmade, shown
from autograder.gradebook.penalties import PenaltiesToday
from autograder.verdict.standing import cents


@dataclass(frozen=True)
class Scored:
    """A student of the gradebook."""

    id: str
    last_name: str | None = None
    first_name: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class Score:
    """What one submission is worth; `waits` where something in it is still to be marked."""

    points: float
    penalty: float
    waits: bool
    submitted: datetime | None


@dataclass(frozen=True)
class ClassScores:
    """The scores of one assignment by student, and who handed in what has no score at all."""

    name: str
    max_score: float
    scores: Mapping[str, Score]
    without_score: Sequence[str]


def class_scores(
    course: Course, names: Sequence[str], left_out: Sequence[str] = ()
) -> tuple[list[Scored], list[ClassScores]]:
    """The students, and their scores in these assignments of the gradebook, or in all.

    Raises: CourseError, when the gradebook cannot be read, or holds no such assignment or student.
    """
    if is_unmade(course.db_url):
        raise CourseError(
            f"the gradebook {shown(course.db_url)} is not there: `workbook grade` makes it"
        )
    with (
        gradebook_errors(course.db_url),
        Gradebook(course.db_url, course.course_id) as gradebook,
    ):
        known = {str(each.name): each for each in gradebook.assignments}
        for name in names:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                raise CourseError(f"the gradebook has no assignment {name!r}; it has {there}")
        people = [
            Scored(str(each.id), each.last_name, each.first_name, each.email)
            for each in gradebook.students
        ]
        for student in left_out:
            if student not in {person.id for person in people}:
                raise CourseError(
                    f"the gradebook has no student {student!r} who could be left out: "
                    "look at the name after --without"
                )
        wanted = dict.fromkeys(names) or sorted(known)
        today = PenaltiesToday(course.config)
        scores = [_of_assignment(today, known[name], left_out) for name in wanted]
        return [each for each in people if each.id not in left_out], scores


def _of_assignment(today: PenaltiesToday, assignment: Any, left_out: Sequence[str]) -> ClassScores:
    scores, without = {}, []
    for submission in sorted(assignment.submissions, key=lambda each: str(each.student_id)):
        student = str(submission.student_id)
        if student in left_out:
            continue
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        if any((each.auto_score, each.manual_score) != (None, None) for each in grades):
            scores[student] = _score(today, submission)
        elif submission.timestamp is not None or submission.needs_manual_grade:
            # An extension makes a submission, too, of somebody who handed in nothing.
            without.append(student)
    return ClassScores(
        str(assignment.name), cents(float(assignment.max_score or 0.0)), scores, without
    )


def _score(today: PenaltiesToday, submission: Any) -> Score:
    points, penalty = today.points_of(submission)
    return Score(points, penalty, bool(submission.needs_manual_grade), submission.timestamp)

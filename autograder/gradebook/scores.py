"""The scores of one submission: what was judged goes in, what a person gave stays."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from nbgrader.api import Comment, Grade, Gradebook, SubmittedNotebook
from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from autograder.gradebook.gradings import Grading
from autograder.verdict.standing import GradebookStanding


def write_comments(
    gradebook: Gradebook, notebook: SubmittedNotebook, comments: Mapping[str, str | None]
) -> None:
    """Write nbgrader's own comments; those of a person stand beside them."""
    for grade_id, comment in _by_cell(gradebook, notebook, Comment):
        comment.auto_comment = comments.get(grade_id)


def write_scores(
    gradebook: Gradebook,
    notebook: SubmittedNotebook,
    scores: Mapping[str, float | None],
    answers: Mapping[str, str] | None,
    before: Grading,
) -> frozenset[str]:
    """Write what was judged, and return what is to be marked again, as `settle_marks`.

    Where nothing could be graded, no earlier score is left standing.
    """
    waiting = set()
    for grade_id, grade in _by_cell(gradebook, notebook, Grade):
        grade.auto_score = scores.get(grade_id)
        if grade.needs_manual_grade:
            waiting.add(grade_id)
    return settle_marks(gradebook, notebook, answers, before, waiting)


def settle_marks(
    gradebook: Gradebook,
    notebook: SubmittedNotebook,
    answers: Mapping[str, str] | None,
    before: Grading,
    waiting: Set[str],
) -> frozenset[str]:
    """Say which cells wait for a person, and return those of them that are to be marked again.

    nbgrader has all that was marked marked again after every grading; here that is so where the
    answer changed. `answers` are their digests, None where nothing could be graded: then all wait.
    `waiting` are the cells that waited until now.
    """
    again = set()
    for grade_id, grade in _by_cell(gradebook, notebook, Grade):
        is_stale = grade_id in before.mark_again & waiting
        if answers is None:
            grade.needs_manual_grade = True
        elif grade.manual_score is None:
            is_stale, grade.needs_manual_grade = False, grade.auto_score is None
        else:
            is_stale = is_stale or answers.get(grade_id) != before.answers.get(grade_id)
            grade.needs_manual_grade = is_stale
        if is_stale:
            again.add(grade_id)
    return frozenset(again)


def standing_of(
    gradebook: Gradebook, notebook: SubmittedNotebook, time_problem: str | None = None
) -> GradebookStanding:
    """How a submission stands, as the gradebook has it now."""
    grades = dict(_by_cell(gradebook, notebook, Grade))
    submission = notebook.assignment
    is_timed = submission.duedate is not None
    late = float(submission.total_seconds_late)
    return GradebookStanding(
        points={name: _points(grade) for name, grade in grades.items()},
        max_score=float(sum(grade.cell.max_score for grade in grades.values())),
        by_hand=_where(grades, lambda each: each.manual_score is not None or each.extra_credit),
        unmarked=_where(grades, lambda each: each.manual_score is None and each.auto_score is None),
        mark_again=_where(
            grades, lambda each: each.manual_score is not None and each.needs_manual_grade
        ),
        submitted=submission.timestamp,
        seconds_late=None if is_timed and submission.timestamp is None else late,
        penalty=float(notebook.late_submission_penalty or 0.0),
        time_problem=time_problem,
    )


def _where(grades: Mapping[str, Any], holds: Any) -> tuple[str, ...]:
    return tuple(sorted(name for name, grade in grades.items() if holds(grade)))


def _points(grade: Any) -> float:
    """As nbgrader counts them: a person's before the judge's, and what is given beyond."""
    given = grade.auto_score if grade.manual_score is None else grade.manual_score
    return float((given or 0.0) + (grade.extra_credit or 0.0))


def _by_cell(gradebook: Gradebook, notebook: SubmittedNotebook, kind: Any) -> list[tuple[str, Any]]:
    """A notebook's grades or comments with the grade_ids of their cells, read at once."""
    wanted = select(kind).where(kind.notebook_id == notebook.id).join(kind.cell)
    found = gradebook.db.scalars(wanted.options(contains_eager(kind.cell)))
    return [(each.cell.name, each) for each in found]

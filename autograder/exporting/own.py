"""What is written without a file of another system: a table, and scores for LTI."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from autograder.errors import CourseError
from autograder.exporting.class_scores import ClassScores, Score, Scored
from autograder.gradebook.harmless import harmless

_PERSON = ("student_id", "last_name", "first_name", "email")


def table(people: Sequence[Scored], scores: Sequence[ClassScores]) -> bytes:
    """A line for each student, a column for each assignment; empty where there is no score."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*_PERSON, *(harmless(each.name) for each in scores)])
    for person in people:
        about = (person.id, person.last_name, person.first_name, person.email)
        points = (
            each.scores[person.id].points if person.id in each.scores else "" for each in scores
        )
        writer.writerow([*(harmless(each) for each in about), *points])
    return text.getvalue().encode("utf-8", "surrogatepass")


def score_objects(scores: ClassScores, now: datetime) -> bytes:
    """A line of JSON for each score, as LTI's Assignment and Grade Services take them.

    Raises: CourseError, when the assignment has no points to reach.
    """
    if scores.max_score <= 0:
        raise CourseError(f"{scores.name} has no points to reach, which LTI does not know")
    lines = [
        json.dumps(_score_object(student, score, scores.max_score, now))
        for student, score in scores.scores.items()
    ]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _score_object(student: str, score: Score, most: float, now: datetime) -> dict[str, Any]:
    said: dict[str, Any] = {
        "userId": student,
        "scoreGiven": score.points,
        "scoreMaximum": most,
        "timestamp": _time(now),
        "activityProgress": "Submitted",
        "gradingProgress": "PendingManual" if score.waits else "FullyGraded",
    }
    if score.penalty:
        said["comment"] = f"{score.penalty:g} points were taken off for being late."
    if score.submitted is not None:
        said["submission"] = {"submittedAt": _time(score.submitted.replace(tzinfo=UTC))}
    return said


def _time(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")

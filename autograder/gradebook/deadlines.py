"""More time for one student: nbgrader's extension of a due date."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from nbgrader.api import Gradebook, MissingEntry

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.gradings import gradebook_errors, is_unmade
from autograder.gradebook.one_writer import OneWriter
from autograder.verdict.standing import duration

UNITS = {"w": "weeks", "d": "days", "h": "hours", "min": "minutes"}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(w|d|h|min)")


def time_span(text: str) -> timedelta:
    """`2d`, `1d 12h`, `90min`, `1w`; `0` is no time at all.

    Raises: CourseError, for anything else.
    """
    said = text.strip()
    if said == "0":
        return timedelta()
    if not re.fullmatch(rf"({_PART.pattern}\s*)+", said):
        known = "2d, 1d 12h, 90min, 1w, or 0 for none"
        raise CourseError(f"{text!r} is no length of time: write {known}")
    return sum(
        (timedelta(**{UNITS[unit]: float(number)}) for number, unit in _PART.findall(said)),
        timedelta(),
    )


def extend(course: Course, student: str, name: str, text: str) -> str:
    """Give a student more time, in place of what was given before, and say until when.

    Raises: CourseError, when there is no such student or assignment, or no due date.
    """
    given = time_span(text)
    if is_unmade(course.db_url):
        raise CourseError(f"there is no gradebook yet: `workbook release {name}` makes one")
    with (
        gradebook_errors(course.db_url),
        OneWriter(course.db_url) as one_writer,
        one_writer.writing(),
        Gradebook(course.db_url, course.course_id) as gradebook,
    ):
        due = _due(gradebook, student, name)
        submission = gradebook.update_or_create_submission(name, student)
        submission.extension = given or None
        gradebook.db.commit()
    if not given:
        return f"{student} has no more time for {name} than others: until {due:%Y-%m-%d %H:%M} UTC."
    more = duration(given.total_seconds())
    return f"{student} has {more} more for {name}: until {due + given:%Y-%m-%d %H:%M} UTC."


def due_date(url: str, name: str) -> str:
    """Until when all have to hand in an assignment, as students read it; empty without a date."""
    with gradebook_errors(url), Gradebook(url) as gradebook:
        try:
            due = gradebook.find_assignment(name).duedate
        except MissingEntry:
            return ""
    return "" if due is None else f"{due:%Y-%m-%d %H:%M} UTC"


def _due(gradebook: Gradebook, student: str, name: str) -> datetime:
    try:
        assignment = gradebook.find_assignment(name)
    except MissingEntry:
        raise CourseError(
            f"the gradebook has no assignment {name!r}: `workbook release` enters it"
        ) from None
    try:
        gradebook.find_student(student)
    except MissingEntry:
        raise CourseError(
            f"the gradebook has no student {student!r}: add one in the formgrader, Manage Students"
        ) from None
    if assignment.duedate is None:
        raise CourseError(f"{name} has no due date: set one in the formgrader, then give more time")
    due: datetime = assignment.duedate
    return due

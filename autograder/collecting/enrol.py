"""The class in the gradebook: read from it, and brought into it. Nobody is taken out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nbgrader.api import Gradebook

from autograder.collecting.person import Person
from autograder.course.course import Course
from autograder.errors import printable
from autograder.gradebook.create import create
from autograder.gradebook.gradings import gradebook_errors, is_unmade
from autograder.gradebook.one_writer import OneWriter

FIELDS = ("first_name", "last_name", "email", "lms_user_id")


def enrolled(course: Course) -> tuple[list[Person], dict[str, datetime]]:
    """The students of the gradebook, and until when assignments are due, in UTC.

    Raises: CourseError, when the gradebook cannot be read.
    """
    if is_unmade(course.db_url):
        return [], {}
    with (
        gradebook_errors(course.db_url),
        Gradebook(course.db_url, course.course_id) as gradebook,
    ):
        people = [
            Person(
                str(each.id),
                each.first_name or "",
                each.last_name or "",
                each.email or "",
                each.lms_user_id or "",
            )
            for each in gradebook.students
        ]
        due = {str(a.name): a.duedate for a in gradebook.assignments if a.duedate is not None}
        return people, due


def enrol(course: Course, people: Sequence[Person]) -> list[str]:
    """Add students to the gradebook or bring what it has of them up to date, and say which.

    A field that the list has nothing for stays as it is.

    Raises: CourseError, when the gradebook cannot be written.
    """
    added, changed, same = [], [], 0
    with (
        gradebook_errors(course.db_url),
        OneWriter(course.db_url) as one_writer,
        one_writer.writing(),
    ):
        create(course.db_url, course.course_id, course.is_shared)
        with Gradebook(course.db_url, course.course_id) as gradebook:
            known = {str(each.id): each for each in gradebook.students}
            for person in people:
                given = {name: value for name in FIELDS if (value := getattr(person, name))}
                if person.id not in known:
                    added.append(person.id)
                    gradebook.add_student(person.id, **given)
                    continue
                before = {name: getattr(known[person.id], name) for name in given}
                new = {name: value for name, value in given.items() if before[name] != value}
                if not new:
                    same += 1
                    continue
                gradebook.update_or_create_student(person.id, **new)
                words = ", ".join(f"{n} {before[n] or ''!r} -> {new[n]!r}" for n in new)
                changed.append(f"  {printable(person.id)}: {printable(words)}")
            others = len(known.keys() - {person.id for person in people})
    said = f"{len(added)} added, {len(changed)} changed, {same} as they were"
    more = f"; {others} more in the gradebook stay" if others else ""
    return [f"{said}{more}", *(f"  {printable(each)}: added" for each in added), *changed]

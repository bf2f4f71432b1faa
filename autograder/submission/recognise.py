"""Which assignment a loose notebook is of: its file may have any name."""

from __future__ import annotations

from pathlib import Path

from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.errors import CourseError, UnreadableError
from autograder.submission.rebuild import read_submission


def recognise(course: Course, path: Path) -> Assignment:
    """Which assignment a loose notebook is, by the grade_ids of its cells.

    Raises: CourseError, when it is of none.
    """
    if not path.is_file():
        raise CourseError(f"{path} is not there" if not path.exists() else f"{path} is no file")
    try:
        ids = {cell["grade_id"] for cell in read_submission(path)}
    except UnreadableError as error:
        raise CourseError(f"{path} cannot be graded: {error}") from error
    assignments = course.assignments.values()
    shared = {assignment: len(ids & assignment.grade_ids) for assignment in assignments}
    best = max(shared, key=lambda assignment: shared[assignment])
    if not shared[best]:
        raise CourseError(
            f"{path} belongs to no assignment of this course: none of its cells has a "
            "grade_id of one"
        )
    return best

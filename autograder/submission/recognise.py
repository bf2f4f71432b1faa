"""Which assignment a notebook is of: its file may have any name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from pathlib import Path

from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.errors import CourseError, UnreadableError
from autograder.submission.cells import read_submission


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
    graded = {name: each.graded_ids for name, each in course.assignments.items()}
    name = closest(ids, graded, path.name)
    if name is None:
        raise CourseError(
            f"{path} belongs to no assignment of this course: few or none of its cells have a "
            "grade_id of one"
        )
    return course.assignments[name]


def closest(
    grade_ids: Iterable[str | None],
    notebooks: Mapping[str, Set[str]],
    file_name: str = "",
    other_marks: Iterable[str] = (),
) -> str | None:
    """The one of `notebooks` that shares most grade_ids; None where foreign ones are more.

    `notebooks` has for each the grade_ids of what is written and tested in it: that of a cell of
    imports is the same in every notebook. `other_marks` count for a notebook and against none.
    Among equals it is the one that the file is called by.
    """
    ids = {name for name in grade_ids if name}
    marks = ids.union(other_marks)
    foreign = ids.difference(*notebooks.values())
    shared = {name: len(marks & graded) for name, graded in notebooks.items()}
    best = max(shared, key=lambda name: (shared[name], file_name.startswith(name)), default=None)
    return best if best is not None and shared[best] >= max(1, len(foreign)) else None

"""Who of a class handed in nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.grading.table import Missing


def absent(
    course: Course,
    assignments: Iterable[Assignment],
    students: Collection[str],
    handed_in: Collection[tuple[str, str]],
) -> list[Missing]:
    """A result for each of the `students` who is not in `handed_in` with the assignment's name."""
    return [
        Missing(
            str(folder.relative_to(course.root) / f"{each.name}.ipynb"),
            each.name,
            0,
            each.max_score,
            student,
        )
        for each in assignments
        for student in students
        if (student, each.name) not in handed_in
        for folder in [course.folder("submitted", student, each.name)]
    ]

"""Releases assignments one by one: what is wrong with one of them stops no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.grading.grade import Key
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.progress import step
from autograder.grading.workers import ThisProcess
from autograder.ordinary.key import OrdinaryKey
from autograder.ordinary.rule import is_ordinary
from autograder.release.mistakes import prove_cells
from autograder.release.ordinary import release_ordinary
from autograder.release.release import release
from autograder.release.solution_module import write_solution_module


def release_each(course: Course, assignments: Sequence[Assignment]) -> Iterator[Path]:
    """Write and prove assignments, showing which one it is at, and yield each students' notebook.

    Raises: CourseError, after the others were released, with the reason for each that is not.
    """
    broken: dict[str, str] = {}
    for assignment in assignments:  # first, as assignments import from one another's modules
        try:
            is_plain = is_ordinary(course, assignment)
            prove_cells(assignment, is_plain=is_plain)
            if not is_plain:
                write_solution_module(course, assignment)
        except CourseError as error:
            broken[assignment.name] = str(error)
    for number, assignment in enumerate(assignments, 1):
        if assignment.name in broken:
            continue
        try:
            with step(f"releasing {assignment.name} ({number} of {len(assignments)})"):
                keys = answer_keys(course, [assignment], ThisProcess(), Seeds(fresh=True))
                written = _released(course, keys[assignment.name])
        except CourseError as error:
            broken[assignment.name] = str(error)
        else:
            yield written
    if broken:
        raise CourseError(_listed(broken, len(assignments)))


def _released(course: Course, key: Key) -> Path:
    return release_ordinary(course, key) if isinstance(key, OrdinaryKey) else release(course, key)


def _listed(broken: dict[str, str], count: int) -> str:
    if count == 1:
        return next(iter(broken.values()))
    each = [f"- {name}: {reason}" for name, reason in broken.items()]
    return "\n".join([f"{len(broken)} of {count} not released:", *each])

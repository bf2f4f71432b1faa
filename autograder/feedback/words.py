"""The words of the course's tables as they are today, for work that was graded with earlier ones.

A verdict holds the words of its grading. Who puts a hint into better words has to grade nothing
again: the page takes them from the table when it is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.reference.package import catalogue_of, package_of

Words = Mapping[str, Mapping[str, Any]]


def todays_words(root: Path, name: str) -> Words:
    """What students are told of each misconception of an assignment, by id.

    Empty where `root` is no course that has it, or its table cannot be used.
    """
    tables = (root / "solutions").glob("*.toml")
    return _words(root, name, max((file.stat().st_mtime_ns for file in tables), default=0))


@lru_cache(maxsize=32)
def _words(root: Path, name: str, changed: int) -> Words:
    try:
        course = Course(root)
        assignment = course.assignments[name]
        catalogue = catalogue_of(assignment, package_of(course, assignment))
    except (CourseError, OSError, KeyError):
        return {}
    return {id: asdict(each) for id, each in catalogue.named.items()}

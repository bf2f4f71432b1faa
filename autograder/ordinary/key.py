"""All that judging an ordinary assignment takes; there is no reference in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.course.assignment import Assignment
from autograder.sandbox.limits import Limits, limits_of
from autograder.submission.handed_in import plain_files
from autograder.submission.rebuild import Rebuilder


@dataclass(frozen=True)
class OrdinaryKey:
    """What every submission of an ordinary assignment is rebuilt from and runs with.

    It can be sent to another machine: nothing more is read there.
    """

    assignment: Assignment
    rebuilder: Rebuilder
    files: Mapping[str, bytes]
    limits: Limits
    seed: int = 0  # nothing is drawn


def ordinary_key(assignment: Assignment, config: Any) -> OrdinaryKey:
    """The key of an ordinary assignment.

    Raises: CourseError, when a limit cannot be used.
    """
    return OrdinaryKey(
        assignment,
        Rebuilder(assignment, config),
        plain_files(assignment.path.parent),
        limits_of(assignment),
    )

"""Notebooks below `submitted/` that lie where no submission is looked for: none goes unnamed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.course.assignment import Assignment
from autograder.course.course import Course, Submission, is_litter
from autograder.errors import UnreadableError
from autograder.submission.handed_in import MAX_DEPTH
from autograder.verdict.result import Graded


def strays(
    course: Course, assignments: Sequence[Assignment], students: Sequence[str] = ()
) -> tuple[list[Graded], list[str]]:
    """What should be looked at, and the paths of other notebooks that are not graded either.

    Only what may be of these assignments and students counts. Where the student has a submission
    of the same assignment, a notebook elsewhere is a copy.
    """
    handed_in = course.submissions(course.chosen([]), must_be=False)
    has = {(one.student, one.assignment.name) for one in handed_in}
    wanted = {assignment.name for assignment in assignments}
    found: list[Graded] = []
    copies: list[str] = []
    for path in _notebooks(course, handed_in):
        student = path.relative_to(course.top("submitted")).parts[0]
        if students and student not in students:
            continue
        name = _which(course, path)
        shown = str(path.relative_to(course.root))
        if name is not None and name in wanted and (student, name) not in has:
            points = course.assignments[name].max_score
            is_alone = path.parent == course.top("submitted")
            right = course.folder("submitted", "STUDENT" if is_alone else student, name)
            where = f"{right.relative_to(course.root)}/{name}.ipynb"
            reason = (
                f"this is {name}, but no submission is looked for there; move it to {where} to "
                "have it graded"
            )
            found.append(Graded(shown, name, 0, points, None if is_alone else student, reason))
        elif name is None or name in wanted:
            copies.append(shown)
    return found, copies


def _which(course: Course, path: Path) -> str | None:
    from autograder.submission.cells import read_submission  # late, as it takes long
    from autograder.submission.recognise import which

    try:
        return which(course, read_submission(path), path.name)
    except UnreadableError:
        return None


def _notebooks(course: Course, handed_in: Sequence[Submission]) -> Iterator[Path]:
    """All notebooks that no submission is read from, without what programs left."""
    top = course.top("submitted")
    counted = {one.path for one in handed_in}
    for folder, folders, names in os.walk(top):
        deep = len(Path(folder).relative_to(top).parts) >= MAX_DEPTH
        folders[:] = [] if deep else sorted(name for name in folders if not is_litter(name))
        for name in sorted(names):
            path = Path(folder) / name
            is_notebook = name.lower().endswith(".ipynb") and not is_litter(name)
            if is_notebook and path not in counted and not path.is_symlink():
                yield path

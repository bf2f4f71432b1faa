"""What is known of every submission of an assignment: its verdicts, and how it stands."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from autograder.course.course import Course
from autograder.gradebook.gradings import gradebook_errors, is_unmade, read_parts
from autograder.ordinary.outcome import was_ordinary
from autograder.verdict.present import VERDICT
from autograder.verdict.standing import cents

Verdict = Mapping[str, Any]
UNRUN = "nothing of it could be run; workbook table says why"


@dataclass(frozen=True)
class Work:
    """One student's submission; `tests` are the verdicts by test cell, in the notebook's order.

    `reason` says why it needs attention, if it does, and `path` where the graded notebook lies.
    """

    student: str
    path: str
    score: float
    reason: str | None
    tests: Mapping[str, Verdict]
    seconds_late: float = 0.0
    waits_for_marks: bool = False

    def points(self, test: str) -> float:
        """What the verdict gives for one test cell."""
        return float(self.tests[test]["score"])


@dataclass(frozen=True)
class ClassWork:
    """All that was handed in for one assignment, and who handed in nothing.

    It `is_ordinary` where what was graded was judged by nbgrader's rule.
    """

    name: str
    max_score: float
    works: Sequence[Work] = ()
    missing: Sequence[str] = field(default=())
    is_ordinary: bool = False


def of_class(course: Course, names: Sequence[str]) -> list[ClassWork]:
    """Read what was graded of these assignments, from the gradebook and the graded notebooks.

    Raises: CourseError, when the gradebook cannot be read.
    """
    if is_unmade(course.db_url):
        return [ClassWork(name, course.assignments[name].max_score) for name in names]
    with (
        gradebook_errors(course.db_url),
        Gradebook(course.db_url, course.course_id) as gradebook,
    ):
        graded = read_parts(course.db_url).keys()
        return [_of_assignment(course, gradebook, name, graded) for name in names]


def _of_assignment(
    course: Course, gradebook: Gradebook, name: str, graded: Container[tuple[str, str]]
) -> ClassWork:
    students = [str(each.id) for each in gradebook.students]
    try:
        assignment = gradebook.find_assignment(name)
    except MissingEntry:
        return ClassWork(name, course.assignments[name].max_score, (), students)
    # Extensions are in it.
    late = {str(each.student_id): each.total_seconds_late for each in assignment.submissions}
    works = []
    is_plain = False
    for row in gradebook.submission_dicts(name):
        student = str(row["student"])
        path = course.folder("autograded", student, name) / f"{name}.ipynb"
        if path.is_file():
            notebook = json.loads(path.read_text(encoding="utf-8"))
            reason, tests = verdicts(notebook)
            is_plain = is_plain or was_ordinary(notebook)
        elif (student, name) in graded:
            path = course.folder("submitted", student, name)
            reason, tests = UNRUN, {}
        else:  # more time makes a submission of nothing
            continue
        works.append(
            Work(
                student,
                str(path.relative_to(course.root)),
                cents(row["score"]),
                reason,
                tests,
                late.get(student, 0.0),
                bool(row["needs_manual_grade"]),
            )
        )
    there = {work.student for work in works}
    missing = [student for student in students if student not in there]
    return ClassWork(
        name,
        cents(assignment.max_score),
        sorted(works, key=lambda work: work.student),
        sorted(missing),
        is_plain,
    )


def verdicts(notebook: Mapping[str, Any]) -> tuple[str | None, dict[str, Verdict]]:
    """Why a graded notebook needs attention, if it does, and its verdicts by test cell."""
    reason = notebook["metadata"].get("workbook", {}).get("reason")
    cells = [cell for cell in notebook["cells"] if VERDICT in cell["metadata"]]
    return reason, {
        str(cell["metadata"]["nbgrader"]["grade_id"]): cell["metadata"][VERDICT] for cell in cells
    }

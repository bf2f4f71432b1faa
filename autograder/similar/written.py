"""Compares the submissions of one assignment, and writes the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autograder.course.course import Course
from autograder.report.handed_in_work import ClassWork, of_class
from autograder.similar.code import codes, given_away
from autograder.similar.page import page
from autograder.similar.pairs import Error, compare
from autograder.submission.rebuild import Rebuilder

# Of work that was not begun.
SAYS_NOTHING = ("raised NotImplementedError", "NotImplementedError", "did not run")


def write_similar(course: Course, name: str, earlier: Sequence[Path], most: int, to: Path) -> str:
    """Write the page, and say where it is.

    Raises: CourseError, when nothing was handed in, or a folder holds nothing of the assignment.
    """
    (assignment,) = course.chosen([name])
    rebuilder = Rebuilder(assignment, course.config)
    works = codes(course, assignment, rebuilder, earlier)
    (graded,) = of_class(course, [name])
    compared = compare(works, given_away(assignment, rebuilder), _errors(graded), most)
    about = assignment.notebook.metadata.get("workbook", {})
    to.write_text(page(compared, str(about.get("title") or name), len(works)), encoding="utf-8")
    return f"{to}: {len(compared.pairs)} of {compared.count} pairs, for staff alone"


def _errors(graded: ClassWork) -> dict[str, set[Error]]:
    return {
        work.student: {
            (test.removeprefix("test-"), str(check["name"]), str(check["message"]))
            for test, verdict in work.tests.items()
            for check in verdict["checks"]
            if not check["passed"] and not str(check["message"]).startswith(SAYS_NOTHING)
        }
        for work in graded.works
    }

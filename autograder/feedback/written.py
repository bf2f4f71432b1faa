"""Writes feedback pages where students and nbgrader look for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from autograder.assignment import CourseError
from autograder.course import Course, Submission
from autograder.feedback.exporter import page
from autograder.grade import grade
from autograder.handed_in import read_handed_in
from autograder.run import Seeds, answer_keys
from autograder.workers import ThisProcess


def pages(
    course: Course, submissions: Sequence[Submission]
) -> Iterator[tuple[Submission, Path | None]]:
    """Let nbgrader write the page of each graded submission; None for one that has no page.

    What could not be run has no page: there is nothing to show but the reason, which
    `workbook grade` gave.

    Raises: CourseError, with nbgrader's words, when it refuses.
    """
    config = course.config
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for submission in submissions:
        student, name = submission.student, submission.assignment.name
        graded = course.folder("autograded", student, name) / f"{name}.ipynb"
        if not graded.is_file():
            yield submission, None
            continue
        done = api.generate_feedback(name, student, force=True)
        written = course.folder("feedback", student, name) / f"{name}.html"
        if not done["success"] or not written.is_file():
            said = (done["error"] or done["log"] or "no reason given").strip().splitlines()[-1]
            raise CourseError(f"nbgrader cannot write the feedback of {student} on {name}: {said}")
        yield submission, written


def page_of_file(course: Course, path: Path) -> Path | None:
    """Grade a loose notebook and write its page beside it; None where nothing could be run.

    Raises: CourseError, SandboxUnavailable, OSError.
    """
    assignment = course.recognise(path)
    key = answer_keys(course, [assignment], ThisProcess(), Seeds())[assignment.name]
    graded = grade(key, read_handed_in(path, str(path)))
    if graded.notebook is None:
        return None
    target = path.with_suffix(".feedback.html")
    target.write_text(page(graded.notebook, {}), encoding="utf-8")
    return target

"""Writes feedback pages where students and nbgrader look for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from autograder.course.course import Course, Submission
from autograder.errors import CourseError
from autograder.feedback.exporter import page
from autograder.feedback.guide import guide_of
from autograder.grading.grade import grade
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess
from autograder.submission.handed_in import read_handed_in
from autograder.submission.recognise import recognise

NOT_GRADED = "nothing of it was graded"


def pages(
    course: Course, submissions: Sequence[Submission]
) -> Iterator[tuple[Submission, Path | str]]:
    """Let nbgrader write the page of each graded submission, or say why it has none.

    What could not be run has no page: there is nothing to show but the reason, which
    `workbook grade` gave. What nbgrader refuses stops no other.
    """
    config = course.config
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for submission in submissions:
        student, name = submission.student, submission.assignment.name
        graded = course.folder("autograded", student, name) / f"{name}.ipynb"
        if not graded.is_file():
            yield submission, NOT_GRADED
            continue
        done = api.generate_feedback(name, student, force=True)
        written = course.folder("feedback", student, name) / f"{name}.html"
        if done["success"] and written.is_file():
            yield submission, written
        else:
            reason = (done["error"] or done["log"] or "it gave no reason").strip().splitlines()[-1]
            yield submission, f"nbgrader cannot write it ({reason})"


def pages_of_files(course: Course, paths: Sequence[Path]) -> Iterator[tuple[str, Path | str]]:
    """Grade loose notebooks and write their pages beside them, or say why one has none.

    Raises: SandboxUnavailableError, OSError; CourseError, of a single one.
    """
    for path in paths:
        try:
            yield str(path), page_of_file(course, path)
        except CourseError as error:
            if len(paths) == 1:
                raise
            yield str(path), str(error)


def page_of_file(course: Course, path: Path) -> Path | str:
    """Grade a loose notebook and write its page beside it, or say why there is none.

    Raises: CourseError, SandboxUnavailableError, OSError.
    """
    assignment = recognise(course, path)
    key = answer_keys(course, [assignment], ThisProcess(), Seeds())[assignment.name]
    graded = grade(key, read_handed_in(path, str(path)))
    if graded.notebook is None:
        return graded.reason or NOT_GRADED
    target = path.with_suffix(".feedback.html")
    address = str(course.config.FeedbackExporter.get("guide", ""))
    guide = guide_of(course.top("release"), assignment.name, address)
    target.write_text(page(graded.notebook, {}, guide=guide), encoding="utf-8")
    return target

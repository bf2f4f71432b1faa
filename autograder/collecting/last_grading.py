"""What the last grading said of every submission, read from what it wrote; nothing is run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from autograder.course.catalogue import Misconception
from autograder.course.course import Course, Submission
from autograder.errors import UnreadableError
from autograder.gradebook.gradings import SEED, gradebook_errors, is_unmade, read_parts
from autograder.gradebook.penalties import PenaltiesToday, clock_of
from autograder.gradebook.scores import standing_of
from autograder.grading.absent import absent
from autograder.ordinary.outcome import OrdinaryCell, OrdinaryWork, was_ordinary
from autograder.report.handed_in_work import verdicts
from autograder.submission.cells import parse
from autograder.submission.handed_in import read_handed_in, read_timestamp
from autograder.submission.recognise import other_than
from autograder.submission.submitted_at import submitted_at
from autograder.verdict.result import Graded
from autograder.verdict.standing import GradebookStanding
from autograder.verdict.verdict import CellResult, Check

NOT_GRADED = "not graded yet: `workbook grade` does"
NOT_TO_ITS_END = "its last grading gave no verdict; `workbook grade` tries again and says why"


def last_grading(
    course: Course, names: Sequence[str], students: Sequence[str] = ()
) -> list[Graded]:
    """The results of the last grading of these assignments, and who handed in nothing.

    The class is `students`, with those that the gradebook has.

    Raises: CourseError, when the gradebook cannot be read.
    """
    assignments = course.chosen(names)
    handed_in = course.submissions(assignments, must_be=False)
    if is_unmade(course.db_url):
        results = [_not_graded(each, NOT_GRADED) for each in handed_in]
        return _with_missing(course, names, students, results)
    seeds = read_parts(course.db_url)
    with (
        gradebook_errors(course.db_url),
        Gradebook(course.db_url, course.course_id) as gradebook,
    ):
        whole = sorted({*students, *(str(each.id) for each in gradebook.students)})
        today = PenaltiesToday(course.config)
        results = [_result(course, gradebook, today, each, seeds) for each in handed_in]
        there = {(each.student, each.assignment) for each in results}
        # What was graded counts where submitted/ was cleared since.
        for assignment in assignments:
            for student in whole:
                gone = Submission(
                    student,
                    assignment,
                    course.folder("submitted", student, assignment.name),
                    course.folder("submitted", student, assignment.name)
                    / f"{assignment.name}.ipynb",
                    course.root,
                )
                if (student, assignment.name) not in there and _autograded(course, gone).is_file():
                    results.append(_result(course, gradebook, today, gone, seeds))
    return _with_missing(course, names, whole, results)


def _with_missing(
    course: Course, names: Sequence[str], students: Sequence[str], results: Sequence[Graded]
) -> list[Graded]:
    """Also who is missing: from those asked for, else from those that somebody handed in."""
    there = {(str(each.student), each.assignment) for each in results}
    begun = {assignment for _, assignment in there}
    chosen = [each for each in course.chosen(names) if names or each.name in begun]
    return [*results, *absent(course, chosen, students, there)]


def _not_graded(submission: Submission, why: str) -> Graded:
    assignment = submission.assignment
    return Graded(
        submission.name, assignment.name, 0, assignment.max_score, submission.student, why
    )


def _autograded(course: Course, submission: Submission) -> Any:
    name = submission.assignment.name
    return course.folder("autograded", submission.student, name) / f"{name}.ipynb"


def _result(
    course: Course,
    gradebook: Gradebook,
    today: PenaltiesToday,
    submission: Submission,
    known: Mapping[tuple[str, str], Mapping[str, str]],
) -> Graded:
    name, student = submission.assignment.name, submission.student
    try:
        notebook = gradebook.find_submission_notebook(name, name, student)
    except MissingEntry:
        return _not_graded(submission, NOT_GRADED)
    path = _autograded(course, submission)
    parts = known.get((student, name))
    if not path.is_file():
        if parts is None:  # an extension makes a submission of nothing
            return _not_graded(submission, NOT_GRADED)
        return _not_graded(submission, _problem(course, submission))
    at = submitted_at(read_timestamp(path.parent), clock_of(course.config))
    standing = standing_of(gradebook, notebook, at.problem)
    if standing.penalty or standing.seconds_late:
        standing = replace(standing, penalty=today.of(notebook))
    content = json.loads(path.read_text(encoding="utf-8"))
    reason, tests = verdicts(content)
    is_plain = was_ordinary(content)
    return (OrdinaryWork if is_plain else Graded)(
        submission.name,
        name,
        int((parts or {}).get(SEED, 0)),
        submission.assignment.max_score,
        student,
        reason or _timed(standing),
        {grade_id: _cell(data, is_plain) for grade_id, data in tests.items()},
        notes=tuple(content["metadata"].get("workbook", {}).get("notes", ())),
        standing=standing,
    )


def _problem(course: Course, submission: Submission) -> str:
    """Why nothing of a submission could be run, as a grading says it."""
    assignment = submission.assignment
    if submission.is_link:
        return NOT_TO_ITS_END
    handed_in = read_handed_in(submission.path, submission.name)
    if handed_in.problem:
        return handed_in.problem
    try:
        cells = parse(handed_in.notebook, f"{assignment.name}.ipynb")
    except UnreadableError as error:
        return str(error)
    return other_than(course, assignment, cells, submission.student) or NOT_TO_ITS_END


def _timed(standing: GradebookStanding) -> str | None:
    """As a grading says it, where nobody can tell whether work was late."""
    if standing.time_problem and standing.seconds_late is None:
        return f"nobody can say whether it is late: {standing.time_problem}"
    return None


def _cell(data: Mapping[str, Any], is_plain: bool) -> CellResult:
    named = {name: Misconception(**each) for name, each in data["misconceptions"].items()}
    return (OrdinaryCell if is_plain else CellResult)(
        data["grade_id"],
        data["max_score"],
        tuple(
            Check(
                check["name"],
                check["passed"],
                check["points"],
                check["message"],
                tuple(named[each] for each in check["because"]),
            )
            for check in data["checks"]
        ),
        tuple(data["follows_from"]),
        tuple(data["mend_first"]),
        on_right=tuple(data["on_right"]),
        notes=tuple(data["notes"]),
    )

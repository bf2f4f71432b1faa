"""A grading run: many submissions at a time, one writer, each ending in exactly one state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from autograder.assignment import Assignment, CourseError
from autograder.course import Course, Submission
from autograder.grade import Grader
from autograder.gradebook import Recorder
from autograder.result import Graded
from autograder.sandbox import SandboxUnavailable


def grade_files(
    course: Course, files: Sequence[tuple[Path, Assignment]], *, seed: int, jobs: int
) -> Iterator[Graded]:
    """Grade loose notebooks in their order, without a gradebook."""
    grader = Grader(course.solutions, seed, config=course.config)
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(
            lambda given: _safely(grader, given[1], str(given[0]), given[0], None, None), files
        )


def grade_course(
    course: Course, submissions: Sequence[Submission], *, seed: int, jobs: int, force: bool
) -> Iterator[Graded]:
    """Grade submissions into the gradebook, yielding each when it is recorded.

    What was graded before and has not changed is left as it is, unless `force`.

    Raises: CourseError, SandboxUnavailable, before anything is written where they can be foreseen.
    """
    grader = Grader(course.solutions, seed, config=course.config)
    recorder = Recorder(course)
    due = [s for s in submissions if force or not recorder.is_recorded(s)]
    assignments = list(dict.fromkeys(submission.assignment for submission in due))
    for assignment in assignments:
        grader.reference(assignment)
    for assignment in assignments:
        recorder.register(assignment)
    with ThreadPoolExecutor(jobs) as pool:
        # The kernels are processes of their own; a thread only waits for one.
        running = {pool.submit(_grade, grader, submission): submission for submission in due}
        for future in as_completed(running):
            graded = future.result()
            try:
                recorder.record(running[future], graded)
            except (CourseError, OSError):
                raise  # the gradebook or the disk: the next one would fail as well
            except Exception as error:
                graded = replace(graded, reason=f"it could not be recorded ({_said(error)})")
            yield graded


def _grade(grader: Grader, submission: Submission) -> Graded:
    if submission.is_link:
        reason = "its folder is a link to another place, not work that was handed in"
        return grader.ungraded(submission.assignment, submission.name, submission.student, reason)
    return _safely(
        grader,
        submission.assignment,
        submission.name,
        submission.path,
        submission.student,
        submission.folder,
    )


def _safely(
    grader: Grader,
    assignment: Assignment,
    name: str,
    path: Path,
    student: str | None,
    handed_in: Path | None,
) -> Graded:
    """Grade one; an error of the grader's own costs that one submission, not the batch."""
    try:
        return replace(grader.grade(assignment, path, student, handed_in), file=name)
    except (CourseError, SandboxUnavailable):
        raise
    except Exception as error:
        reason = f"the grader itself failed on it ({_said(error)}); report this"
        return grader.ungraded(assignment, name, student, reason)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]

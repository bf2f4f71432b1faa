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
        yield from pool.map(lambda given: grader.grade(given[1], given[0]), files)


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
            recorder.record(running[future], graded)
            yield graded


def _grade(grader: Grader, submission: Submission) -> Graded:
    """Grade one; an error of the grader's own costs that one submission, not the batch."""
    try:
        graded = grader.grade(
            submission.assignment, submission.path, submission.student, submission.folder
        )
        return replace(graded, file=submission.name)
    except (CourseError, SandboxUnavailable):
        raise
    except Exception as error:
        return Graded(
            file=submission.name,
            assignment=submission.assignment.name,
            seed=grader.seed,
            max_score=submission.assignment.max_score,
            student=submission.student,
            reason=f"the grader itself failed on it ({type(error).__name__}: {error}); report this",
        )

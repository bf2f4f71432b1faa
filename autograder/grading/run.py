"""A grading run: many submissions at a time, one writer, each ending in exactly one state."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.errors import CourseError, SandboxUnavailableError, WorkersKilledError
from autograder.gradebook.gradebook import Recorder
from autograder.gradebook.marked import Marked
from autograder.grading.dispatch import dispatch
from autograder.grading.due import Due
from autograder.grading.grade import own_fault, ungraded
from autograder.grading.workers import Workers, grade_and_mark
from autograder.reference.answer_key import AnswerKey, answer_key, reference_evidence
from autograder.reference.fingerprint import fingerprint
from autograder.reference.key_cache import KeyCache
from autograder.reference.package import Package, package_of
from autograder.submission.handed_in import HandedIn, read_handed_in
from autograder.verdict.result import Graded


@dataclass(frozen=True)
class Seeds:
    """Which seed a run takes: the one that is `given`, a `fresh` one, or that of the last run."""

    given: int | None = None
    fresh: bool = False


def grade_files(
    course: Course, files: Sequence[tuple[Path, Assignment]], workers: Workers, seeds: Seeds
) -> Iterator[Graded]:
    """Grade loose notebooks, without a gradebook, yielding each when it is done."""
    keys = answer_keys(course, [assignment for _, assignment in files], workers, seeds)
    shared = {name: workers.share(key) for name, key in keys.items()}

    def call(task: tuple[Path, Assignment]) -> tuple[Any, ...]:
        path, assignment = task
        return grade_and_mark, shared[assignment.name], read_handed_in(path, str(path))

    for (path, assignment), future in dispatch(files, call, workers):
        handed_in = HandedIn(str(path), None)
        yield _outcome(future, keys[assignment.name], handed_in).graded


def grade_course(
    course: Course, due: Sequence[Due], workers: Workers, seeds: Seeds
) -> Iterator[Graded]:
    """Grade submissions into the gradebook, yielding each when it is recorded.

    Raises: CourseError, SandboxUnavailableError, before anything is written where they can be
    foreseen.
    """
    keys = answer_keys(course, [each.submission.assignment for each in due], workers, seeds)
    shared = {name: workers.share(key) for name, key in keys.items()}

    def call(task: tuple[Due, HandedIn]) -> tuple[Any, ...]:
        one, handed_in = task
        return grade_and_mark, shared[one.submission.assignment.name], handed_in

    with Recorder(course) as recorder:
        tasks = ((one, one.read()) for one in due)  # read when its turn comes
        for (one, handed_in), future in dispatch(tasks, call, workers):
            marked = _outcome(future, keys[one.submission.assignment.name], handed_in)
            try:
                recorder.record(one.submission, handed_in, marked, one.mark(handed_in))
            except (CourseError, OSError):
                raise  # the gradebook or the disk: the next one would fail as well
            except Exception as error:
                reason = f"it could not be recorded ({type(error).__name__}: {error})"[:200]
                marked = Marked(replace(marked.graded, reason=reason))
            yield marked.graded


def answer_keys(
    course: Course, assignments: Sequence[Assignment], workers: Workers, seeds: Seeds
) -> dict[str, AnswerKey]:
    """The answer key of each assignment; the reference runs where none is kept for its content.

    Raises: CourseError, when a reference does not run; SandboxUnavailableError.
    """
    cache = KeyCache(course.root)
    keys: dict[str, AnswerKey] = {}
    missing: list[tuple[Assignment, Package, str, int]] = []
    for assignment in dict.fromkeys(assignments):
        package = package_of(course, assignment)
        content = fingerprint(course, assignment, package)
        kept = None if seeds.fresh else cache.find(content, seeds.given)
        if kept is None:
            seed = secrets.randbelow(2**31) if seeds.given is None else seeds.given
            assert assignment.notebook  # read here: where the reference runs, source/ is not
            missing.append((assignment, package, content, seed))
        else:
            keys[assignment.name] = answer_key(assignment, course.config, *kept, package)

    def call(task: tuple[Assignment, Package, str, int]) -> tuple[Any, ...]:
        assignment, package, _, seed = task
        return reference_evidence, assignment, package.modules, seed

    for (assignment, package, content, seed), future in dispatch(missing, call, workers):
        if isinstance(future.exception(), WorkersKilledError):
            raise CourseError(f"running the reference of {assignment.name} ended two workers")
        evidence = future.result()
        cache.keep(content, seed, evidence)
        keys[assignment.name] = answer_key(assignment, course.config, seed, evidence, package)
    return keys


def _outcome(future: Future[Any], key: AnswerKey, handed_in: HandedIn) -> Marked:
    """What a worker sent back, or why it could not.

    Raises: CourseError, SandboxUnavailableError, when the fault is not the submission's.
    """
    error = future.exception()
    if error is None:
        marked: Marked = future.result()
        return marked
    if isinstance(error, WorkersKilledError):
        reason = "grading it ended two workers; look at it by hand before you grade it again"
    elif isinstance(error, CourseError | SandboxUnavailableError) or not isinstance(
        error, Exception
    ):
        raise error
    else:
        reason = own_fault(error)
    return Marked(ungraded(key.assignment, key.seed, handed_in, reason))

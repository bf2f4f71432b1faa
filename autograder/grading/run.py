"""A grading run: many submissions at a time, one writer, each ending in exactly one state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.errors import (
    CellsChangedError,
    CourseError,
    SandboxUnavailableError,
    UnreadableError,
    WorkersKilledError,
)
from autograder.gradebook.entry import GradebookEntry
from autograder.gradebook.gradebook import Recorder
from autograder.gradebook.gradings import SEED
from autograder.grading.dispatch import dispatch
from autograder.grading.grade import Key, own_fault, ungraded
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.pending import Pending
from autograder.grading.workers import Workers, graded_entry
from autograder.submission.cells import parse
from autograder.submission.handed_in import HandedIn, read_handed_in
from autograder.submission.recognise import is_plainly, other_than
from autograder.verdict.result import Graded


@dataclass(frozen=True)
class LooseFile:
    """A notebook that lies anywhere; its verdict goes into no gradebook.

    With a `folder`, the other files in it lie beside it when it is run.
    """

    path: Path
    assignment: Assignment
    folder: Path | None = None

    @property
    def name(self) -> str:
        """What results call it."""
        return str(self.path)

    def read(self) -> HandedIn:
        """What is in it now."""
        return read_handed_in(self.path, self.name, folder=self.folder)


def grade_all(
    course: Course, work: Sequence[Pending | LooseFile], workers: Workers, seeds: Seeds
) -> Iterator[Graded]:
    """Grade submissions and loose files, yielding each when it is done, a submission recorded.

    Work on an assignment that cannot be graded is yielded with the reason, and nothing of it is
    recorded.

    Raises: CourseError, SandboxUnavailableError, before anything is written where they can be
    foreseen, and where no assignment can be graded.
    """
    faults: dict[str, str] = {}
    keys = answer_keys(course, [one.assignment for one in work], workers, seeds, faults)
    is_recorded = any(isinstance(one, Pending) for one in work)
    with Recorder(course) if is_recorded and keys else nullcontext() as recorder:
        if recorder is not None:
            faults |= _register(recorder, keys)
        if faults and not keys:
            raise CourseError("\n".join(faults.values()))
        for one in work:
            if one.assignment.name in faults:
                yield _not_begun(one, faults[one.assignment.name])
        yield from _grade_each(course, work, workers, keys, recorder)


def _register(recorder: Recorder, keys: dict[str, Key]) -> dict[str, str]:
    """Have the gradebook know the assignments; those that it cannot go out of `keys`, by reason."""
    faults: dict[str, str] = {}
    for name, key in list(keys.items()):
        try:
            recorder.register(key.assignment)
        except CellsChangedError as error:
            faults[name] = str(error)
            del keys[name]
    return faults


def _grade_each(
    course: Course,
    work: Sequence[Pending | LooseFile],
    workers: Workers,
    keys: Mapping[str, Key],
    recorder: Recorder | None,
) -> Iterator[Graded]:
    """Grade those whose assignment has an answer key."""
    shared = {name: workers.share(key) for name, key in keys.items()}

    def call(task: tuple[Pending | LooseFile, HandedIn]) -> tuple[Any, ...]:
        one, handed_in = task
        return graded_entry, shared[one.assignment.name], handed_in

    begun = (one for one in work if one.assignment.name in keys)
    tasks = ((one, read_work(course, one)) for one in begun)  # when its turn comes
    for (one, handed_in), future in dispatch(tasks, call, workers):
        entry = _outcome(future, keys[one.assignment.name], handed_in)
        if recorder is not None and isinstance(one, Pending):
            yield _recorded(recorder, one, handed_in, entry)
        else:
            yield entry.graded


def _not_begun(one: Pending | LooseFile, fault: str) -> Graded:
    student = one.submission.student if isinstance(one, Pending) else None
    try:
        points = one.assignment.max_score
    except (CourseError, KeyError):
        points = 0.0
    return Graded(one.name, one.assignment.name, 0, points, student, fault)


def read_work(course: Course, one: Pending | LooseFile) -> HandedIn:
    """What was handed in; another notebook than it should be is none of it."""
    handed_in = one.read()
    if handed_in.problem or is_plainly(one.assignment, handed_in.notebook):
        return handed_in
    with suppress(UnreadableError):  # which grading says
        cells = parse(handed_in.notebook, handed_in.name)
        student = handed_in.student or "STUDENT"
        if problem := other_than(course, one.assignment, cells, student):
            return replace(handed_in, problem=problem)
    return handed_in


def _recorded(
    recorder: Recorder, one: Pending, handed_in: HandedIn, entry: GradebookEntry
) -> Graded:
    try:
        # By the seed, what came in a check can be computed once more.
        parts = {**one.parts(handed_in), SEED: str(entry.graded.seed)}
        return recorder.record(one.submission, handed_in, entry, parts)
    except (CourseError, OSError):
        raise  # the gradebook or the disk: the next one would fail as well
    except Exception as error:
        reason = f"it could not be recorded ({type(error).__name__}: {error})"[:200]
        return replace(entry.graded, reason=reason)


def _outcome(future: Future[Any], key: Key, handed_in: HandedIn) -> GradebookEntry:
    """What a worker sent back, or why it could not.

    Raises: CourseError, SandboxUnavailableError, when the fault is not the submission's.
    """
    error = future.exception()
    if error is None:
        entry: GradebookEntry = future.result()
        return entry
    if isinstance(error, WorkersKilledError):
        reason = "grading it ended two workers; look at it by hand before you grade it again"
    elif isinstance(error, CourseError | SandboxUnavailableError) or not isinstance(
        error, Exception
    ):
        raise error
    else:
        reason = own_fault(error)
    return GradebookEntry(ungraded(key, handed_in, reason))

"""One grading as the command line asks for it: where it runs, how far it is, how it is stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.course.course import Course
from autograder.errors import InterruptedRunError
from autograder.grading.due import Due
from autograder.sandbox import check_place, kernel_server

if TYPE_CHECKING:
    from autograder.grading.workers import Workers
    from autograder.verdict.result import Graded


@dataclass(frozen=True)
class Asked:
    """What the user chose; `jobs` and `cluster` exclude each other."""

    jobs: int | None = None
    cluster: str | None = None
    seed: int | None = None
    force: bool = False


def batch(course: Course, todo: Sequence[Path] | Sequence[Due], asked: Asked) -> list[Graded]:
    """Grade loose files or submissions, show how far it is, and return the results in order.

    Raises: CourseError, SandboxUnavailableError, OSError, InterruptedRunError.
    """
    if asked.cluster is None:
        check_place(course.root)
        kernel_server()  # it imports what kernels need while this process imports the grader
    from autograder.grading.progress import progress
    from autograder.grading.run import Seeds, grade_course, grade_files
    from autograder.submission.recognise import recognise

    seeds = Seeds(asked.seed, fresh=asked.force)
    files = [one for one in todo if isinstance(one, Path)]
    due = [one for one in todo if isinstance(one, Due)]
    results: list[Graded] = []
    workers = _workers(asked, len(todo))
    try:
        if files:
            outcomes = grade_files(
                course, [(path, recognise(course, path)) for path in files], workers, seeds
            )
        else:
            outcomes = grade_course(course, due, workers, seeds)
        with progress(len(todo)) as show:
            for graded in outcomes:
                results.append(graded)
                show(graded)
    except KeyboardInterrupt:
        kept = "" if files else " and recorded; the same command goes on from there"
        said = f"Stopped: {len(results)} of {len(todo)} are graded{kept}."
        raise InterruptedRunError(said) from None
    finally:
        workers.close(at_once=len(results) < len(todo))
    order = {name: place for place, name in enumerate(_names(todo))}
    return sorted(results, key=lambda graded: order[graded.file])


def _names(todo: Sequence[Path] | Sequence[Due]) -> list[str]:
    return [str(one) if isinstance(one, Path) else one.submission.name for one in todo]


def _workers(asked: Asked, tasks: int) -> Workers:
    if asked.cluster is not None:
        from autograder.grading.cluster import ClusterWorkers

        return ClusterWorkers(asked.cluster)
    from autograder.grading.workers import LocalWorkers, ThisProcess

    # One more than the cores, because a kernel and its client take turns.
    jobs = min(asked.jobs or len(os.sched_getaffinity(0)) + 1, tasks)
    return LocalWorkers(jobs) if jobs > 1 else ThisProcess()

"""One grading as the command line asks for it: where it runs, how far it is, how it is stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.course.course import Course
from autograder.errors import CourseError, InterruptedRunError
from autograder.grading.interrupts import interrupts
from autograder.grading.pending import Pending
from autograder.sandbox import check_place, kernel_server

if TYPE_CHECKING:
    from autograder.grading.workers import Workers
    from autograder.verdict.result import Graded


@dataclass(frozen=True)
class RunOptions:
    """What the user chose; `jobs` and `cluster` exclude each other."""

    jobs: int | None = None
    cluster: str | None = None
    seed: int | None = None
    force: bool = False


def batch(
    course: Course, todo: Sequence[Path] | Sequence[Pending], options: RunOptions
) -> list[Graded]:
    """Grade loose files or submissions, show how far it is, and return the results in order.

    Raises: CourseError, SandboxUnavailableError, OSError, InterruptedRunError.
    """
    if options.cluster is None:
        check_place(course.root)
        kernel_server()  # it imports what kernels need while this process imports the grader
    from autograder.grading.keys import Seeds
    from autograder.grading.progress import progress
    from autograder.grading.run import LooseFile, grade_all
    from autograder.submission.recognise import recognise
    from autograder.verdict.result import Graded

    seeds = Seeds(options.seed, fresh=options.force)
    results: list[Graded] = []
    workers = _workers(options, len(todo))
    try:
        work: list[LooseFile | Pending] = []
        for one in todo:
            if not isinstance(one, Path):
                work.append(one)
                continue
            try:
                work.append(LooseFile(one, recognise(course, one)))
            except CourseError as error:  # of one file among others
                if len(todo) == 1:
                    raise
                results.append(Graded(str(one), "", 0, 0.0, None, str(error)))
        with interrupts() as stop_if_asked, progress(len(work)) as show:
            for graded in grade_all(course, work, workers, seeds):
                results.append(graded)
                show(graded)
                stop_if_asked()
    except KeyboardInterrupt:
        is_loose = any(isinstance(one, Path) for one in todo)
        kept = "" if is_loose else " and recorded; the same command goes on from there"
        message = f"Stopped: {len(results)} of {len(todo)} are graded{kept}."
        raise InterruptedRunError(message) from None
    finally:
        workers.close(at_once=len(results) < len(todo))
    names = [str(one) if isinstance(one, Path) else one.name for one in todo]
    order = {name: place for place, name in enumerate(names)}
    return sorted(results, key=lambda graded: order[graded.file])


def _workers(options: RunOptions, tasks: int) -> Workers:
    if options.cluster is not None:
        from autograder.grading.cluster import ClusterWorkers

        return ClusterWorkers(options.cluster)
    from autograder.grading.workers import LocalWorkers, ThisProcess

    # One more than the cores, because a kernel and its client take turns.
    jobs = min(options.jobs or len(os.sched_getaffinity(0)) + 1, tasks)
    return LocalWorkers(jobs) if jobs > 1 else ThisProcess()

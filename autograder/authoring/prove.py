"""Proves one notebook in one pass: each wrong version is run once, and answers every question."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from autograder.authoring import worker
from autograder.authoring.authored import read_authored
from autograder.authoring.findings import Findings, together
from autograder.authoring.worker import Known, ask
from autograder.authoring.written import well_written
from autograder.authoring.wrong import wrong_versions
from autograder.course.course import Course
from workbook.answering.answers import Answers

SEEDS = 5
FIRST_SEED = 100
AT_ONCE = 4  # wrong versions in one task: few, so that no process waits long for another


def prove(course: Course, name: str, seeds: int = SEEDS) -> Findings:
    """All that is to be shown of a notebook: what was counted, and a sentence for each failure.

    Raises: CourseError, when a file of the assignment is missing or cannot be used.
    """
    (assignment,) = course.chosen([name])
    authored = read_authored(course, assignment)
    written = well_written(authored)
    if written.failures:
        return written  # what does not stand in its place cannot be run
    wrong = parts(range(len(wrong_versions(authored))))
    ids = parts([each.id for each in authored.catalogue.misconceptions])
    with processes(course, name) as pool:
        examples = pool.submit(ask, "recorded")
        runs = [pool.submit(ask, "run", part) for part in wrong]
        tried = range(FIRST_SEED, FIRST_SEED + seeds)
        right = [pool.submit(ask, "right_on", seed) for seed in tried]
        right.append(pool.submit(ask, "without_seeds"))
        answers, serve = examples.result()
        known = {key: found for run in runs for key, found in run.result().items()}
        first = [each.result() for each in right]
    with processes(course, name, known, answers) as pool:
        second = [pool.submit(ask, "named", part) for part in wrong]
        second += [pool.submit(ask, "told", part) for part in ids]
        second.append(pool.submit(ask, "failing"))
        return together([written, serve, *first, *(each.result() for each in second)])


@contextmanager
def processes(
    course: Course, name: str, known: Known | None = None, answers: Answers | None = None
) -> Iterator[Executor]:
    """Processes that know one assignment, as many as there are cores.

    They are forks, as to import all of it once more takes longer than many a definition's tests.
    """
    context = multiprocessing.get_context("fork")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    given = (course.root, name, known or {}, answers)
    with ProcessPoolExecutor(cores, context, worker.start, given) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def parts(each: Sequence[Any]) -> list[Sequence[Any]]:
    """The same in pieces of a few each."""
    return [each[start : start + AT_ONCE] for start in range(0, len(each), AT_ONCE)]

"""Sends tasks to workers, few at a time, and says what became of each: none is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from typing import Any, TypeVar

from autograder.errors import WorkersKilledError
from autograder.grading.workers import Workers

Task = TypeVar("Task")


def dispatch(
    tasks: Iterable[Task], call: Callable[[Task], tuple[Any, ...]], workers: Workers
) -> Iterator[tuple[Task, Future[Any]]]:
    """Yield each task with its future, done, in the order in which they are done.

    `call` gives the function and the arguments for a task. When a worker dies, every task that
    went with it is a suspect: it is tried once more, alone, when no other is under way.
    """
    waiting = iter(tasks)
    running: dict[Future[Any], Task] = {}
    suspects: list[Task] = []
    while True:
        if not suspects:
            for task in waiting:
                running[_submitted(call(task), workers)] = task
                if len(running) >= workers.width:
                    break
        if not running:
            if not suspects:
                return
            task = suspects.pop()
            yield task, _alone(call(task), workers)
            continue
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            task = running.pop(future)
            if _died(future, workers):
                suspects.append(task)
            else:
                yield task, future


def _submitted(call: tuple[Any, ...], workers: Workers) -> Future[Any]:
    try:
        return workers.submit(*call)
    except Exception as error:
        if not workers.died(error):
            raise
        return _failed(error)


def _alone(call: tuple[Any, ...], workers: Workers) -> Future[Any]:
    future = workers.alone(*call)
    return _failed(WorkersKilledError()) if _died(future, workers) else future


def _failed(error: Exception) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(error)
    return future


def _died(future: Future[Any], workers: Workers) -> bool:
    try:
        error = future.exception()
    except CancelledError as cancelled:
        error = cancelled
    return error is not None and workers.died(error)

"""Processes of this machine that grade, over the interface of `concurrent.futures`."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from functools import lru_cache
from multiprocessing.connection import wait
from typing import Any, Protocol

from autograder.gradebook.entry import GradebookEntry, entry_of
from autograder.grading.grade import Key, grade
from autograder.sandbox import KernelServer, kernel_server
from autograder.submission.handed_in import HandedIn


class Workers(Protocol):
    """Where submissions are graded."""

    @property
    def width(self) -> int:
        """How many tasks keep all of them busy."""

    def share(self, key: Key) -> Any:
        """The answer key in the form in which tasks take it."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a function called by one of them."""

    def died(self, error: BaseException) -> bool:
        """Whether this exception of a future means that the worker died."""

    def alone(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a function called that may have ended a worker, when nothing else is under way."""

    def close(self, at_once: bool = False) -> None:
        """Let them end; `at_once` without what they are doing."""


def graded_entry(shared: Any, handed_in: HandedIn) -> GradebookEntry:
    """The task of a worker: one submission to the verdict that is recorded."""
    key = _unpacked(shared) if isinstance(shared, bytes) else shared
    return entry_of(grade(key, handed_in))


@lru_cache(maxsize=32)
def _unpacked(shared: bytes) -> Key:
    key: Key = pickle.loads(shared)
    return key


class ThisProcess:
    """One after the other, here: for a single notebook and behind nbgrader's own commands."""

    width = 1

    def share(self, key: Key) -> Key:
        """The answer key itself."""
        return key

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call the function at once."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    alone = submit

    def died(self, error: BaseException) -> bool:
        """Never: it would not be there to say so."""
        return False

    def close(self, at_once: bool = False) -> None:
        """There is nothing to end."""


class LocalWorkers:
    """`jobs` processes, forked from this one, which has imported everything."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._server = kernel_server()
        gc.freeze()  # or a collection in a process copies all that it shares with this one
        self._pool = self._started(jobs)

    @property
    def width(self) -> int:
        """One more than the processes, so that none waits while a verdict is written."""
        return self.jobs + 1

    def share(self, key: Key) -> bytes:
        """The answer key as bytes; a process unpacks it once."""
        return pickle.dumps(key)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a function called by one of the processes."""
        return self._pool.submit(function, *arguments)

    def died(self, error: BaseException) -> bool:
        """Whether a process was killed, by whomever."""
        return isinstance(error, BrokenExecutor)

    def alone(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a function called by one new process, then start the others again."""
        self.close(at_once=True)
        with self._started(1) as one:
            future = one.submit(function, *arguments)
        self._pool = self._started(self.jobs)
        return future

    def close(self, at_once: bool = False) -> None:
        """End the processes."""
        if at_once:
            for process in multiprocessing.active_children():
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=at_once)

    def _started(self, jobs: int) -> ProcessPoolExecutor:
        forking = multiprocessing.get_context("fork")
        return ProcessPoolExecutor(jobs, forking, initializer=_begin, initargs=(self._server,))


def _begin(server: KernelServer) -> None:
    """In a new worker: leave Ctrl-C to the process that forked it, and end with that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.leave()
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)

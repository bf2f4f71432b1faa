"""What stands around cells that run in this process: a time limit, variables, silence."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any


class CellTimeoutError(KeyboardInterrupt):
    """A cell did not end; it goes through what observes, as the interrupt of a kernel does."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End the block after so many seconds of this process. Raises: CellTimeoutError."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise CellTimeoutError

    # Of this process's own time, as several are at work.
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """Have a variable of the environment in the block."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what the cells print away from the author's terminal."""
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield

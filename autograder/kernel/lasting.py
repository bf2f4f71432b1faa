"""What a cell leaves running: told with its reply, so that no later cell is blamed for its end."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from autograder.kernel.request import PROCESS, TASK, THREAD

SETTLE_SECONDS = 1.0
_OWN = ("asyncio", "ipykernel", "tornado", "zmq")  # whose tasks and timers are the kernel's


class Lasting:
    """What runs beside the cells, and by which of them it was started."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._known: dict[Hashable, _Thing] | None = None

    def before(self) -> None:
        """Look before a cell is run: what runs before the first is the kernel's own."""
        self._threads = threading.enumerate()
        if self._known is None:
            self._known = {thing.key: thing for thing in _running()}

    def after(self, place: int) -> list[tuple[int, bool, str]]:
        """Let end what ends soon after the cell at a place; then of each cell what still runs.

        Given are the cell's place, whether it was surely that one, and what it is. What is new
        beside what is older may be the older one's doing, as a timer sets the next.
        """
        _settle(self._threads)
        known = self._known or {}
        older = [thing.place for thing in known.values() if thing.place is not None]
        begun = (min(older), False) if older else (place, True)
        now = (known.get(thing.key, thing.of(*begun)) for thing in _running())
        self._known = {thing.key: thing for thing in now}
        left = [thing for thing in self._known.values() if thing.place is not None]
        return sorted({(thing.place or 0, thing.is_sure, thing.kind) for thing in left})


class _Thing(NamedTuple):
    """Something that runs; `itself` keeps its key from being another's."""

    key: Hashable
    kind: str
    itself: Any = None
    place: int | None = None
    is_sure: bool = False

    def of(self, place: int, is_sure: bool) -> _Thing:
        return self._replace(place=place, is_sure=is_sure)


def _settle(older: Iterable[threading.Thread]) -> None:
    """Let a cell's threads end, and no alarm of it ring later: what they end is its own doing."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    faulthandler.cancel_dump_traceback_later()
    until = time.monotonic() + SETTLE_SECONDS
    known = set(map(id, older))
    # A thread that Python did not start cannot be waited for.
    with suppress(KeyboardInterrupt, RuntimeError, AssertionError):
        for thread in threading.enumerate():
            if id(thread) not in known:
                thread.join(max(0.0, until - time.monotonic()))


def _running() -> Iterator[_Thing]:
    """Threads in which Python runs, processes, and what the event loop is still to do."""
    threads = threading.enumerate()
    idents = {thread.ident for thread in threads}
    yield from (_Thing(("thread", id(each)), THREAD, each) for each in threads)
    others = (each for each in sys._current_frames() if each not in idents)
    yield from (_Thing(("other", each), THREAD) for each in others)
    yield from (_Thing(("process", each), PROCESS) for each in _children())
    yield from (_Thing(("task", id(each)), TASK, each) for each in _to_be_done())


def _to_be_done() -> Iterator[Any]:
    """Tasks and timers of the event loop, without the kernel's own."""
    loop = asyncio.get_running_loop()
    for task in asyncio.all_tasks(loop):
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and _is_foreign(frame.f_globals.get("__name__")):
            yield task
    for timer in getattr(loop, "_scheduled", ()):
        if not timer.cancelled() and _is_foreign(getattr(timer._callback, "__module__", None)):
            yield timer


def _is_foreign(module: object) -> bool:
    return str(module).split(".")[0] not in _OWN


def _children() -> Iterator[int]:
    """The processes that were started here and run, also by those that ended since."""
    try:
        # One call where there is none, as with honest work.
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return
    for children in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            yield from (each for each in map(int, children.read_text().split()) if _runs(each))


def _runs(process: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False

"""Ctrl-C stops a run, also where it comes while Python cleans up behind an object."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts() -> Iterator[Callable[[], None]]:
    """A question to ask now and then: it raises the interrupt that came and went by unnoticed.

    In a finaliser or a callback of a weak reference Python prints an exception and goes on.
    Raises: KeyboardInterrupt, when it is asked.
    """
    came: list[int] = []

    def interrupted(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    def ask() -> None:
        if came:
            raise KeyboardInterrupt

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield ask  # somebody else has a say in it, or a shell has it ignored
        return
    signal.signal(signal.SIGINT, interrupted)
    try:
        yield ask
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)

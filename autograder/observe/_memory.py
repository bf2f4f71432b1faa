"""Memory as the operating system counts it, whoever in the process asked for it.

Little of it for a while: what needs more fails, as it would on a full machine. And the most that
was taken: by torch, NumPy or C, in whichever thread, whatever the call was named.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np

# What the C library holds free it gives out again before it asks for more: blocks of these sizes
# are taken until it has to ask, but no more than so many.
_FILLING_BYTES = (2**20, 2**16)
_MOST_FILLED = 2_000
_TRIAL_BYTES = 2**23
# glibc gives blocks of this size and more back as soon as they are freed: smaller ones that are
# kept in between would scatter the larger ones over much more room than they take.
_MAPPED_BYTES, _USUAL_BYTES = 2**16, 2**20
_M_MMAP_THRESHOLD = -3  # <malloc.h>


@contextmanager
def memory_at_most(more_bytes: int) -> Iterator[None]:
    """Let the block take at most so much memory more than is in use; beyond, torch raises.

    Memory that Python and torch hold in reserve counts as in use, so a limit below some tens of
    MiB says little.
    """
    import resource  # not on every platform, and only grading needs it

    gc.collect()  # what would be given back inside the block made room in it
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more_bytes
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class memory_taken:
    """`bytes` is the most that the process took inside the block, beyond what it had before.

    Address space is counted, which a process cannot take back from its peak. `bytes` stays 0 where
    taking memory is not seen to raise that, as on other platforms and with other C libraries.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._held: list[object] = []

    def __enter__(self) -> memory_taken:
        self._from: int | None = None
        if sys.platform != "linux":
            return self
        gc.collect()
        _map_blocks_of(_MAPPED_BYTES)
        self._fill()
        self._reach_peak()
        before = _peak()
        np.empty(_TRIAL_BYTES, np.uint8)
        if _TRIAL_BYTES <= _peak() - before < _TRIAL_BYTES + 2**20:
            self._reach_peak()
            self._from = _peak()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._from is not None:
            self.bytes = _peak() - self._from
        self._held.clear()
        _map_blocks_of(_USUAL_BYTES)

    def _fill(self) -> None:
        """Hold what lies free in the process, so that taking that much is seen as well."""
        for size in _FILLING_BYTES:
            before = _size()
            for _ in range(_MOST_FILLED):
                self._held.append(np.empty(size, np.uint8))
                if _size() >= before + size:
                    break

    def _reach_peak(self) -> None:
        """Hold so much that is never touched that whatever is taken from here on is a new peak."""
        if (missing := _peak() - _size()) > 0:
            self._held.append(mmap.mmap(-1, missing, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 0))


def least_memory(run: Callable[[], object], enough_bytes: int, tries: int = 3) -> int:
    """The bytes that `run` takes; run again where it is more than enough, as far as it says.

    What libraries set up at a first call, and keep, is not held against it.
    """
    least = sys.maxsize
    for _ in range(tries):
        with memory_taken() as taken:
            run()
        least = min(least, taken.bytes)
        if least <= enough_bytes:
            break
    return least


def _map_blocks_of(size_bytes: int) -> None:
    """See mallopt(3); other C libraries are left as they are."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, size_bytes)


def _peak() -> int:
    return _status("VmPeak")


def _size() -> int:
    return _status("VmSize")


def _status(name: str) -> int:
    """A number of bytes of proc_pid_status(5), 0 where it is not there."""
    try:
        text = Path("/proc/self/status").read_bytes()
    except OSError:
        return 0
    at = text.find(name.encode() + b":")
    return int(text[at:].split(maxsplit=2)[1]) * 1024 if at >= 0 else 0

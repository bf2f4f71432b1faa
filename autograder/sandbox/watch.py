"""What a kernel and all that it started use, seen from outside: proc(5).

Counted together, since each process has limits of its own, and a student may start many.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

PAGE = os.sysconf("SC_PAGE_SIZE")


def own_memory() -> int:
    """Bytes of memory of this process, 0 where that is not to be known."""
    return _resident(os.getpid())


class Watch:
    """A kernel by its process number here, 0 where that is not known: then it uses nothing."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._waited = 0.0

    def waited(self) -> float:
        """Seconds that the kernel could have run, but others did."""
        with suppress(OSError, ValueError, IndexError):
            self._waited = int(_read(self._process, "schedstat").split()[1]) / 1e9
        return self._waited  # when it ended, what was known last

    def memory(self, enough: int) -> int:
        """Bytes of all processes; what they share counts once, where it matters.

        Asked for exactly only above `enough`: that takes long.
        """
        processes = list(self._family(self._process)) if self._process else []
        most = sum(map(_resident, processes))
        return most if most <= enough else sum(map(_proportional, processes))

    def _family(self, process: int) -> Iterator[int]:
        todo, seen = [process], set[int]()
        while todo:
            process = todo.pop()
            if process in seen:
                continue
            seen.add(process)
            yield process
            with suppress(OSError, ValueError):
                for thread in os.listdir(f"/proc/{process}/task"):
                    todo += map(int, _read(process, f"task/{thread}/children").split())


def _read(process: int, name: str) -> str:
    with open(f"/proc/{process}/{name}", "rb", buffering=0) as file:  # asked for at every cell
        return file.read().decode()


def _resident(process: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(_read(process, "statm").split()[1]) * PAGE
    return 0


def _proportional(process: int) -> int:
    try:
        for line in _read(process, "smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:  # not ours to see, or gone
        pass
    return _resident(process)

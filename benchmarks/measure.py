"""Runs a command and measures its wall time and its memory."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OWN_INTERVAL, TREE_INTERVAL = 0.05, 2.0  # seconds between two looks; each costs the run some
LOG = "command.log"


class CommandFailed(Exception):
    """A measured command ended with another status than 0; the message says why."""


@dataclass(frozen=True)
class Measured:
    """One run: wall time, peak memory of the process itself, of it and its descendants together.

    Memory is in MiB. `tree` is the largest sum seen every two seconds, None for a shorter run.
    """

    seconds: float
    peak: float
    tree: float | None


def run(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Measured:
    """Run `command` in `cwd`; its output goes to a file beside the folder.

    Raises: CommandFailed, when it does not end with status 0.
    """
    with (cwd.parent / LOG).open("w+b") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        watcher = _Watcher(process.pid)
        watcher.start()
        try:
            status = process.wait()
            seconds = time.perf_counter() - start
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            watcher.end()
        if status:
            log.seek(0)
            said = log.read().decode("utf-8", "replace")[-2000:]
            raise CommandFailed(f"{' '.join(command)} ended with status {status}:\n{said}")
    return Measured(seconds, watcher.peak, watcher.tree)


class _Watcher(threading.Thread):
    """Looks at a process while it runs.

    The kernel's own `ru_maxrss` would not do: as `wait4` gives it, it is the largest of the
    process and all the descendants it has waited for, and it starts at the size of the parent
    that forked it. `VmHWM` is the high-water mark of this process alone since it was started; as
    it never falls, and a Python process takes longer to end than one interval, the last look
    shows the peak.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0
        self.tree: float | None = None
        self._pid = pid
        self._ended = threading.Event()

    def run(self) -> None:
        due = time.monotonic() + TREE_INTERVAL
        while not self._ended.wait(OWN_INTERVAL):
            # The first looks may still see the parent's memory, before the command is executed.
            self.peak = _field(f"/proc/{self._pid}/status", "VmHWM:") or self.peak
            if time.monotonic() >= due:
                self.tree = max(self.tree or 0.0, _tree_memory(self._pid))
                due = time.monotonic() + TREE_INTERVAL

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        self.join()


def _tree_memory(root: int) -> float:
    """MiB of a process and its descendants, a page that several share counted once."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            children.setdefault(_parent(int(entry)), []).append(int(entry))
    total, left = 0.0, [root]
    while left:
        pid = left.pop()
        left += children.get(pid, [])
        # Another user's process may show its size but not what it shares.
        proportional = _field(f"/proc/{pid}/smaps_rollup", "Pss:")
        total += proportional or _field(f"/proc/{pid}/status", "VmRSS:")
    return total


def _parent(pid: int) -> int:
    try:
        # The command's name stands in brackets and may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return -1


def _field(path: str, name: str) -> float:
    """MiB that a line of a file below /proc gives in kB, 0 where the process has ended."""
    try:
        with open(path) as lines:
            return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0)
    except OSError:
        return 0.0

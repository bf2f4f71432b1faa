"""How long a process has been at it: what it waited for a busy machine does not count."""

from __future__ import annotations

from time import monotonic

import psutil

# Below this share of a processor, a process that is found asleep is one that waits for nothing
# that the machine owes it.
ASLEEP = 0.2


class OwnTime:
    """The time of a process in seconds: of work, and of sleep, as each look finds it.

    To be looked at every second or so. Work of several threads at once counts once.
    """

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._seconds = 0.0
        self._looked, self._worked = monotonic(), self._work() or 0.0

    @property
    def seconds(self) -> float:
        """From the first look until now."""
        now, worked = monotonic(), self._work()
        passed = now - self._looked
        if worked is None:
            self._seconds += passed
        else:
            did = min(worked - self._worked, passed)
            self._seconds += passed if did < ASLEEP * passed and self._is_asleep() else did
            self._worked = worked
        self._looked = now
        return self._seconds

    def _work(self) -> float | None:
        try:
            times = psutil.Process(self._pid).cpu_times()
        except psutil.Error:
            return None
        return float(times.user + times.system)

    def _is_asleep(self) -> bool:
        try:
            return bool(psutil.Process(self._pid).status() != psutil.STATUS_RUNNING)
        except psutil.Error:
            return True

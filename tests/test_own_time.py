"""A process's own time: neither a busy machine nor several threads make it longer."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from workbook import own_time
from workbook.own_time import OwnTime


class Machine:
    """A clock and one process on it, in place of the system's."""

    def __init__(self) -> None:
        self.now, self.user, self.state, self.is_there = 0.0, 0.0, psutil.STATUS_RUNNING, True

    def process(self, pid: int) -> SimpleNamespace:
        if not self.is_there:
            raise psutil.NoSuchProcess(pid)
        return SimpleNamespace(
            cpu_times=lambda: SimpleNamespace(user=self.user, system=0.0),
            status=lambda: self.state,
        )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(own_time, "monotonic", lambda: made.now)
    monkeypatch.setattr(own_time.psutil, "Process", made.process)
    return made


@pytest.mark.parametrize(
    ("worked", "state", "counted"),
    [
        (1.0, psutil.STATUS_RUNNING, 1.0),
        (0.05, psutil.STATUS_RUNNING, 0.05),  # nineteen others want the processor
        (1.9, psutil.STATUS_RUNNING, 1.0),  # two threads
        (0.0, psutil.STATUS_SLEEPING, 1.0),
        (0.02, psutil.STATUS_SLEEPING, 1.0),  # a loop of short sleeps
        (0.6, psutil.STATUS_SLEEPING, 0.6),  # caught between two pieces of work
    ],
)
def test_work_and_sleep_count_and_waiting_for_the_machine_does_not(
    machine: Machine, worked: float, state: str, counted: float
) -> None:
    """Looked at each second, for ten seconds."""
    spent = OwnTime(1)
    machine.state = state
    for _ in range(10):
        machine.now += 1.0
        machine.user += worked
        seconds = spent.seconds

    assert seconds == pytest.approx(10 * counted)


def test_a_process_that_is_gone_is_waited_for_no_longer_than_one_that_sleeps(
    machine: Machine,
) -> None:
    """Else what waits for it would wait for ever."""
    spent = OwnTime(1)
    machine.is_there = False
    machine.now += 7.0

    assert spent.seconds == 7.0

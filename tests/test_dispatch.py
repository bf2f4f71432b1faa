"""Tasks whose workers die: no other task is lost, and none is tried without end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autograder.errors import WorkersKilledError
from autograder.grading.dispatch import dispatch
from autograder.grading.workers import LocalWorkers, Workers
from autograder.sandbox import kernel_server, replace

TASKS = 9
DEADLY = (2, 5)


def square_or_die(number: int, attempts: str) -> int:
    """The square of a number; one of those that are deadly ends the process, and leaves a note."""
    if number in DEADLY:
        with open(attempts, "a") as notes:
            notes.write(f"{number}\n")
        os._exit(1)
    return number * number


def check_deaths(workers: Workers, attempts: Path) -> None:
    """Every task has one outcome; the deadly ones were tried twice."""

    def call(number: int) -> tuple[Any, ...]:
        return square_or_die, number, str(attempts)

    outcomes = [
        (number, future.exception() or future.result())
        for number, future in dispatch(range(1, TASKS), call, workers)
    ]

    assert sorted(number for number, _ in outcomes) == list(range(1, TASKS))
    for number, outcome in outcomes:
        if number in DEADLY:
            assert isinstance(outcome, WorkersKilledError)
        else:
            assert outcome == number * number
    assert sorted(attempts.read_text().split()) == ["2", "2", "5", "5"]


def test_processes_of_this_machine_are_replaced(tmp_path: Path) -> None:
    """A task that ends its process twice is given up, alone; the others are done."""
    workers = LocalWorkers(2)
    try:
        check_deaths(workers, tmp_path / "attempts")
    finally:
        workers.close()


def _folder_of_another_server() -> str:
    return str(replace(kernel_server()).folder)


def test_a_fork_server_that_a_worker_started_ends_with_it() -> None:
    """Where the common one is gone, a worker takes one of its own, and leaves no folder."""
    workers = LocalWorkers(1)
    folder = Path(workers.submit(_folder_of_another_server).result())
    was_there = folder.is_dir()
    workers.close()

    assert was_there
    assert not folder.exists()


def test_an_exception_is_an_outcome(tmp_path: Path) -> None:
    """It belongs to its task and ends nothing."""
    workers = LocalWorkers(2)
    try:
        given = ["1", "x", "3"]
        found = {
            text: future.exception() or future.result()
            for text, future in dispatch(given, lambda text: (int, text), workers)
        }
    finally:
        workers.close()

    assert (found["1"], found["3"]) == (1, 3)
    assert isinstance(found["x"], ValueError)

"""Judges mutants, each in a process of its own: some never end, some take all memory."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from select import select
from typing import Any

import torch

from tests import harness
from tests.mutation.made import Made

SECONDS = 60
MEMORY = 12 * 2**30
NEVER_ENDED = frozenset({"(it did not end)"})


def judged(mutants: Sequence[Made]) -> list[frozenset[str]]:
    """For each mutant, the observations of its own test cell that catch it."""
    for assignment in {made.assignment for made in mutants}:
        harness.reference(assignment, 1)  # once, before the forks
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(lambda made: _apart(lambda: _catching(made)), mutants))


def _catching(made: Made) -> frozenset[str]:
    definitions: dict[str, Any] = {"__name__": "mutant"}
    test = f"test-{made.definition}"
    exec(compile(made.source, "<mutant>", "exec"), definitions)
    result = harness.verdicts(made.assignment, definitions, only=test)[test]
    return frozenset(check.name for check in result.checks if not check.passed)


def _apart(call: Callable[[], frozenset[str]]) -> frozenset[str]:
    """What a call returns in a fork; a fork that dies or does not end is caught by all."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            warnings.simplefilter("ignore")
            torch.set_num_threads(1)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            os.write(writing, pickle.dumps(call()))
        finally:
            os._exit(0)
    os.close(writing)
    ready, _, _ = select([reading], [], [], SECONDS)
    answer = os.read(reading, 2**20) if ready else b""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    return pickle.loads(answer) if answer else NEVER_ENDED

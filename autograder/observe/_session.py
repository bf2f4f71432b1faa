"""Switches of the whole process, as Python, NumPy and torch start with them while a check runs.

A student may have turned any of them in a cell: that is theirs, and comes back after the check.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class _Switch:
    read: Callable[[], Any]
    turn: Callable[[Any], Any]
    usual: Any


def _no_debugger(*_: Any, **__: Any) -> None:
    """What `breakpoint()` calls where nobody is there to debug."""


_CPU = torch.device("cpu")
_SWITCHES = (
    _Switch(torch.is_grad_enabled, torch.set_grad_enabled, True),
    _Switch(torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    _Switch(
        torch.get_default_device,
        # Of the usual one, torch would look at every call.
        lambda device: torch.set_default_device(None if device == _CPU else device),
        _CPU,
    ),
    _Switch(torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms, False),
    _Switch(torch.is_anomaly_enabled, torch.set_anomaly_enabled, False),
    _Switch(
        lambda: torch.is_autocast_enabled("cpu"),
        lambda on: torch.set_autocast_enabled("cpu", on),
        False,
    ),
    _Switch(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
    _Switch(torch.get_num_threads, torch.set_num_threads, 1),
    _Switch(
        np.geterr,
        lambda how: np.seterr(**how),
        {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"},
    ),
    _Switch(
        lambda: sys.breakpointhook,
        lambda hook: setattr(sys, "breakpointhook", hook),
        _no_debugger,
    ),
)


@contextmanager
def usual_session() -> Iterator[None]:
    """Run the block with every switch as it is in a new process; then they are as they were.

    What the block itself turns is put back, too.
    """
    warned = warnings.catch_warnings()
    inference = torch.inference_mode(False) if torch.is_inference_mode_enabled() else None
    if inference is not None:
        inference.__enter__()
    before = [(switch, switch.read()) for switch in _SWITCHES]
    for switch, value in before:
        if value != switch.usual:
            switch.turn(switch.usual)
    warned.__enter__()
    if any(action == "error" for action, *_ in warnings.filters):
        warnings.simplefilter("default")
    try:
        yield
    finally:
        warned.__exit__(None, None, None)
        for switch, value in reversed(before):
            if switch.read() != value:
                switch.turn(value)
        if inference is not None:
            inference.__exit__(None, None, None)


@contextmanager
def own_randomness() -> Iterator[None]:
    """Give back what random numbers come next, whatever the block drew or seeded."""
    states = torch.default_generator.get_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        torch.default_generator.set_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])

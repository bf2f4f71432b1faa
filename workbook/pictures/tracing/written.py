"""The functions that a student has written so far, called without harm to the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.verdict.compare import difference
from autograder.verdict.evidence import Array
from workbook.stub import stub

LONGEST_MESSAGE = 160
LIBRARIES = ("torch", "numpy", "scipy")  # whose functions of the same names are imported at times


@dataclass(frozen=True)
class CallResult:
    """What a call gave: a value, or why there is none (`absent`, `to do` or `raised`)."""

    value: Any = None
    missing: str | None = None
    said: str = ""


class StudentFunctions:
    """The student's functions, by name, out of the variables of a notebook."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables

    def has(self, name: str) -> bool:
        """Whether there is such a function or class, and it is not a library's."""
        found = self._variables.get(name)
        module = str(getattr(found, "__module__", "")).partition(".")[0]
        return isinstance(found, FunctionType | type) and module not in LIBRARIES

    def call(self, name: str, *arguments: Any) -> CallResult:
        """Call a function on copies of the arguments; an exception becomes a message."""
        if not self.has(name):
            return CallResult(missing="absent")
        return self.run(self._variables[name], *arguments)

    def layer(self, name: str, width: int, heads: int) -> CallResult:
        """A module of this class whose four projections change nothing."""
        made = self.call(name, width, heads)
        if made.missing:
            return made

        def without_projections() -> Any:
            with torch.no_grad():
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    projection = getattr(made.value, part)
                    projection.weight.copy_(torch.eye(width))
                    if projection.bias is not None:
                        projection.bias.zero_()
            return made.value

        return self.run(without_projections)

    def run(self, function: Any, *arguments: Any) -> CallResult:
        """Call any function in the same way."""
        copies = [
            each.clone()
            if isinstance(each, Tensor)
            else each.copy()
            if isinstance(each, np.ndarray)
            else each
            for each in arguments
        ]
        try:
            # A new layer draws its weights; the notebook's next random number stays what it was.
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                return CallResult(function(*copies))
        except Exception as error:
            if stub(error):
                return CallResult(missing="to do")
            words = " ".join(str(error).split())
            if len(words) > LONGEST_MESSAGE:
                words = words[: LONGEST_MESSAGE - 1] + "…"
            return CallResult(
                missing="raised", said=f"{type(error).__name__}{f': {words}' if words else ''}"
            )


def tensor(value: Any) -> Tensor | None:
    """The value as a tensor that torch's own numbers can be compared with, if it is one."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return torch.from_numpy(np.ascontiguousarray(value))
    if isinstance(value, Tensor) and value.device.type == "cpu" and value.layout == torch.strided:
        return value.detach()
    return None


def wrong(expected: Tensor, found: Any) -> str | None:
    """What is wrong with a result, in words; None when it agrees."""
    if found is None:
        return "it returned None, as a function does that ends without a return"
    got = tensor(found)
    if got is None:
        return f"it returned a {type(found).__name__}, not a tensor of numbers"
    if got.shape == expected.shape and got.dtype != expected.dtype:
        return f"its dtype is {_name(got.dtype)}, and should be {_name(expected.dtype)}"
    if got.shape != expected.shape:
        got = torch.zeros(got.shape, dtype=expected.dtype)
    return difference(
        {"kind": "tensor", "key": "it", "device": "cpu"},
        {"it": Array(expected.numpy(), _name(expected.dtype))},
        {"kind": "tensor", "key": "it", "device": "cpu"},
        {"it": Array(got.numpy(), _name(expected.dtype))},
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")

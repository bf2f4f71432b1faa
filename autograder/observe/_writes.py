"""What a check itself writes into tensors is put back, so that the next one finds no trace of it.

A check may write into a result, to see whether it is the caller's own. Where it is not, but a
table that is kept, what comes after would be computed with that table.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

_ASSIGNING = ("__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__")


class Writes:
    """The tensors that code of one namespace writes into, as they were before."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace
        self._before: list[tuple[torch.Tensor, torch.Tensor]] = []

    def keep(self, name: str, given: tuple[Any, ...], caller: Mapping[str, Any]) -> None:
        """Copy what a torch function of this name is about to change, if the caller is meant."""
        if caller is not self._namespace:
            return
        in_place = name.endswith("_") and not name.endswith("__")
        if (in_place or name in _ASSIGNING) and given and type(given[0]) is torch.Tensor:
            # It may hold more than there is room for.
            with suppress(RuntimeError, MemoryError), _disable_current_modes(), torch.no_grad():
                kept = _without_repeats(given[0])
                self._before.append((kept, kept.clone()))

    def undo(self) -> None:
        """Put everything back."""
        for tensor, before in reversed(self._before):
            with suppress(RuntimeError), torch.no_grad():
                tensor.copy_(before)
        self._before.clear()


def _without_repeats(tensor: torch.Tensor) -> torch.Tensor:
    """A view in which each number stands once, also where an expanded one repeats them."""
    for dimension, step in enumerate(tensor.stride()):
        if step == 0 and tensor.shape[dimension] > 1:
            tensor = tensor.narrow(dimension, 0, 1)
    return tensor

"""What a check itself writes into objects is put back, so that the next one finds no trace of it.

A check may write into a result, to see whether it is the caller's own. Where it is not, but a
table that is kept, what comes after would be computed with that table.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import MemberDescriptorType, ModuleType
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes

_ASSIGNING = ("__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__")
_OF_MODULES = ("_parameters", "_buffers", "_modules")  # where torch's layers have attributes
_MISSING = object()


class Writes:
    """What code of one namespace writes into, as it was before; of `unkept` nothing is kept."""

    def __init__(self, namespace: Mapping[str, Any], unkept: object = None) -> None:
        self.namespace = namespace
        self._unkept = unkept
        self._undo: list[Callable[[], object]] = []

    def __enter__(self) -> Writes:
        global _current
        _current = self
        return self

    def __exit__(self, *_: object) -> None:
        """Put everything back."""
        global _current
        _current = None
        for undo in reversed(self._undo):
            with suppress(Exception), torch.no_grad():
                undo()
        self._undo.clear()

    def keep_tensor(self, name: str, given: tuple[Any, ...]) -> None:
        """Copy what a torch function of this name is about to change."""
        in_place = name.endswith("_") and not name.endswith("__")
        if (in_place or name in _ASSIGNING) and given and type(given[0]) is torch.Tensor:
            self.keep(given[0], None)

    def keep(self, target: Any, attribute: str | None) -> None:
        """Copy what is in an object, or its one attribute: none of what stands further in."""
        if target is self._unkept:
            return
        with suppress(Exception):  # among these, there may be no room
            undo = _contents(target) if attribute is None else _attribute(target, attribute)
            if undo is not None:
                self._undo.append(undo)


_current: Writes | None = None


def keep(target: Any, attribute: str | None = None) -> Any:
    """Return the target, into which, or into whose attribute, the running check is to write."""
    if _current is not None:
        _current.keep(target, attribute)
    return target


KEEPING = {"__keep__": keep}  # what marked code finds among its global names


def _slice(target: Any, before: Any) -> None:
    target[:] = before


def _array(target: Any, before: Any) -> None:
    target[...] = before


def _fill(target: Any, before: Any) -> None:
    target.clear()
    (target.extend if type(target) is deque else target.update)(before)


# By their own classes: a student's may do anything when they are copied.
_FILL: dict[type, Callable[[Any, Any], None]] = {
    **dict.fromkeys((list, bytearray), _slice),
    **dict.fromkeys((dict, OrderedDict, defaultdict, set, deque), _fill),
    np.ndarray: _array,
}


def _contents(target: Any) -> Callable[[], object] | None:
    """What gives a tensor, an array or a container of Python's own its contents back, or None."""
    if type(target) is torch.Tensor:
        with _disable_current_modes(), torch.no_grad():
            numbers = _without_repeats(target)
            return partial(numbers.copy_, numbers.clone())
    fill = _FILL.get(type(target))
    return None if fill is None else partial(fill, target, target.copy())


def _attribute(target: Any, name: str) -> Callable[[], object] | None:
    """What gives an object its attribute back, or takes it away, without code of its class."""
    kind = type(target)
    if issubclass(kind, type):
        before = type.__getattribute__(target, "__dict__").get(name, _MISSING)
        if before is _MISSING:
            return lambda: type.__delattr__(target, name)
        return lambda: type.__setattr__(target, name, before)
    slot = type.__getattribute__(kind, "__dict__").get(name)
    if type(slot) is MemberDescriptorType:
        try:
            held = slot.__get__(target)
        except AttributeError:
            return lambda: slot.__delete__(target)
        return lambda: slot.__set__(target, held)
    own = vars(target) if kind is ModuleType else object.__getattribute__(target, "__dict__")
    inner = [own.get(each) for each in _OF_MODULES] if issubclass(kind, torch.nn.Module) else []
    return partial(_set, name, [(d, d.get(name, _MISSING)) for d in (own, *inner) if d is not None])


def _set(name: str, found: Sequence[tuple[dict[str, Any], Any]]) -> None:
    for attributes, value in found:
        if value is _MISSING:
            attributes.pop(name, None)
        else:
            attributes[name] = value


def _without_repeats(tensor: torch.Tensor) -> torch.Tensor:
    """A view in which each number stands once, also where an expanded one repeats them."""
    for dimension, step in enumerate(tensor.stride()):
        if step == 0 and tensor.shape[dimension] > 1:
            tensor = tensor.narrow(dimension, 0, 1)
    return tensor

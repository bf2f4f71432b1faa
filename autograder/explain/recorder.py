"""Put in front of a test cell, it keeps what the definition is called with; never imported.

Its names are such as no cell would give.
"""

import inspect as _given_inspect
from typing import Any as _given_Any

import torch as _given_torch

_given_calls: list[dict[str, _given_Any]] = []
_given_now: list[bool] = []
_given_most = 12  # calls of one check
_given_plain = (_given_torch.Tensor, list, tuple, dict, set, str, bytes, int, float)


def _given_kept(value: _given_Any, depth: int = 0) -> _given_Any:
    """The value as it is now: a call may change it in place."""
    if isinstance(value, _given_torch.Tensor):
        return value.detach().clone()
    if isinstance(value, list | tuple) and depth < 4:
        return [_given_kept(each, depth + 1) for each in value]
    if isinstance(value, dict) and depth < 4:
        return {key: _given_kept(each, depth + 1) for key, each in value.items()}
    return value


def _given_named(called: _given_Any, given: _given_Any, named: _given_Any) -> dict[str, _given_Any]:
    """The arguments by the names of the parameters."""
    of = called.forward if isinstance(called, _given_torch.nn.Module) else called
    try:
        return dict(_given_inspect.signature(of).bind(*given, **named).arguments)
    except (TypeError, ValueError):
        return {**{str(place): each for place, each in enumerate(given)}, **named}


def _given_is_its(called: _given_Any) -> bool:
    """Whether it is the definition's, and not a method that every layer or tensor has."""
    owner = getattr(called, "__self__", None)
    if owner is None or isinstance(called, type):
        return True
    of_every_layer = getattr(_given_torch.nn.Module, getattr(called, "__name__", ""), None)
    return (
        not isinstance(owner, _given_plain)
        and getattr(called, "__func__", None) is not of_every_layer
    )


def _given_to(text: str, called: _given_Any) -> _given_Any:
    """The same to call, and its calls are kept."""

    def call(*given: _given_Any, **named: _given_Any) -> _given_Any:
        if _given_now and len(_given_calls) < _given_most and _given_is_its(called):
            arguments = _given_kept(_given_named(called, given, named))
            _given_calls.append({"called": text, "arguments": arguments})
        return called(*given, **named)

    return call

"""Operators that are noted wherever they run: in any thread, inside operators of a student's own.

What watches a block by torch's modes sees the thread of the block, and no further than an operator
that is registered with torch. These kernels stand in torch's dispatcher itself. What torch has in
Python is noted where it is called from: functions of many operators, and operators of functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import FunctionType
from typing import Any

import torch
from torch._ops import HigherOrderOperator
from torch.nn import functional

_AFTER = torch._C._dispatch_keyset_full_after(torch._C.DispatchKey.BackendSelect)
_ABOVE = ("AutogradCPU", "CPU")
_libraries: list[torch.library.Library] = []
_known: set[str] = set()
_is_noting = False
_listening: set[str] | None = None


def listen(names: set[str] | None) -> None:
    """From now on, put the names of noted operators that run into `names`, or nowhere."""
    global _listening
    _listening = names


def note_everywhere(parts: Collection[str]) -> None:
    """Note each of torch's own operators and functions whose name holds one of `parts`.

    Letter case and underscores do not count.
    """
    global _is_noting
    _is_noting = True
    new = {_bare(part) for part in parts} - _known
    if not new:
        return

    def is_new(name: str) -> bool:
        bare = _bare(name)
        return any(part in bare for part in new) and not any(part in bare for part in _known)

    libraries: dict[str, torch.library.Library] = {}
    for full in torch._C._dispatch_get_all_op_names():
        space, _, name = full.partition("::")
        if not is_new(name):
            continue
        base, _, overload = name.partition(".")
        operator = getattr(getattr(getattr(torch.ops, space), base), overload or "default")
        if space not in libraries:
            libraries[space] = torch.library.Library(space, "IMPL")
        library = libraries[space]
        if _has(full, "CompositeImplicitAutograd") and not any(_has(full, key) for key in _ABOVE):
            # Such a one is taken apart there, and what comes below never sees it.
            for key in _ABOVE:
                library.impl(name, _taken_apart(full, operator), key)
        else:
            library.impl(name, _passed_on(full, operator), "BackendSelect", with_keyset=True)
    _libraries.extend(libraries.values())  # they undo what they did when they go
    for name, function in list(vars(functional).items()):
        if isinstance(function, FunctionType) and is_new(name):
            setattr(functional, name, _called(name, function))
    if not _known:
        noted = _of_functions(HigherOrderOperator.__call__)
        HigherOrderOperator.__call__ = noted  # type: ignore[method-assign]
    _known.update(new)


def is_noting() -> bool:
    """Whether all that has to be noted in this process is noted here."""
    return _is_noting


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def _has(operator: str, key: str) -> bool:
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(operator, key))


def _note(name: str) -> None:
    if _listening is not None:
        _listening.add(name)


def _called(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*given: Any, **named: Any) -> Any:
        _note(name)
        return function(*given, **named)

    return noted


def _of_functions(call: Callable[..., Any]) -> Callable[..., Any]:
    def noted(operator: Any, *given: Any, **named: Any) -> Any:
        _note(operator.name())
        return call(operator, *given, **named)

    return noted


def _taken_apart(name: str, operator: Any) -> Callable[..., Any]:
    def noted(*given: Any, **named: Any) -> Any:
        _note(name)
        return operator.decompose(*given, **named)

    return noted


def _passed_on(name: str, operator: Any) -> Callable[..., Any]:
    def noted(keys: Any, *given: Any, **named: Any) -> Any:
        _note(name)
        return operator.redispatch(keys & _AFTER, *given, **named)

    return noted

"""Parameters of a module by the names that were asked for, also where they have other names.

Names are looked at by a check of their own. The others set the parameters by the order in which
the student made them, so that a slip in a name is not priced as if the numbers were wrong. Which
random numbers a parameter gets earns nothing: what comes out is compared as ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from torch import nn

_asked: dict[str, Sequence[str]] = {}


@contextmanager
def nothing_asked() -> Iterator[None]:
    """Inside, only what is asked for there counts; afterwards what did before."""
    before = dict(_asked)
    _asked.clear()
    try:
        yield
    finally:
        _asked.clear()
        _asked.update(before)


MATRIX = "weight"  # what the name of a matrix ends with where a module has matrices and vectors


def asked_for(**names: Sequence[str]) -> None:
    """Say which parameters the modules of a class are to have, in order, by the class's name."""
    _asked.update(names)


def parameters_of(module: nn.Module) -> list[nn.Parameter]:
    """The parameters in the order of the names asked for."""
    own = dict(module.named_parameters())
    renamed = {asked[0]: name for name, asked in asked_names(module).items() if len(asked) == 1}
    names = [renamed.get(name, name) for name in _asked.get(type(module).__name__, ())]
    found = [own[name] for name in names if name in own]
    return found if len(found) == len(own) else list(own.values())


def asked_names(module: nn.Module) -> dict[str, Sequence[str]]:
    """For each parameter under another name, those that it stands for: several where it is made of
    several, one below the other."""
    found: dict[str, Sequence[str]] = {}
    for prefix, part in module.named_modules():
        asked = _asked.get(type(part).__name__, ())
        every = dict(part.named_parameters()) if asked else {}
        own = {name: each for name, each in every.items() if name not in asked}
        inside = f"{prefix}." if prefix else ""
        for name, wanted in _matched(own, [each for each in asked if each not in every]).items():
            found[inside + name] = [inside + each for each in wanted]
    return found


def _matched(own: Mapping[str, nn.Parameter], asked: Sequence[str]) -> dict[str, Sequence[str]]:
    if len(own) == len(asked) and len({each.ndim for each in own.values()}) == 1:
        return {name: [wanted] for name, wanted in zip(own, asked, strict=True)}
    found: dict[str, Sequence[str]] = {}
    for is_matrix in (True, False):
        kind = {name: each for name, each in own.items() if (each.ndim > 1) == is_matrix}
        found |= _in_order(kind, [name for name in asked if name.endswith(MATRIX) == is_matrix])
    return found


def _in_order(own: Mapping[str, nn.Parameter], asked: Sequence[str]) -> dict[str, Sequence[str]]:
    """Each in turn, or as many at a time as its rows say; nothing where they do not say it."""
    if len(own) == len(asked):
        return {name: [wanted] for name, wanted in zip(own, asked, strict=True)}
    rows = [each.shape[0] if each.ndim else 0 for each in own.values()]
    unit = sum(rows) // len(asked) if asked else 0
    if not unit or any(each % unit for each in rows) or sum(rows) != unit * len(asked):
        return {}
    left = list(asked)
    return {
        name: [left.pop(0) for _ in range(n // unit)] for name, n in zip(own, rows, strict=True)
    }

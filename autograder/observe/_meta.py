"""What an operator makes of tensors on `meta`, which have sizes and no values.

torch's own way there imports its compiler, which takes more than a second of a first `check`. So
where the sizes are small the operator runs on zeros of the same sizes instead. What depends on
values still fails, as these are not the student's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map

SMALL = 4096  # elements; a product of two such is not large either
_OF_VALUES = {
    torch.Tag.data_dependent_output,
    torch.Tag.dynamic_output_shape,
    torch.Tag.nondeterministic_seeded,
}


def run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The result of an operator, on `meta` if its tensors are there."""
    if _counts(func, args, kwargs):
        return _sizes(func(*args, **{**kwargs, "device": torch.device("cpu")}))
    if not _is_plain(func, args, kwargs):
        return func(*args, **kwargs)
    given, named = tree_map(_zeros, (args, kwargs))
    try:
        made = func(*given, **named)
    except Exception:  # zeros are no matrix to invert
        return func(*args, **kwargs)
    return tree_map(_sizes, made)


def _counts(func: Any, args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether it is a short `arange`, which makes a tensor there without having one."""
    few = all(isinstance(each, int) and abs(each) <= SMALL for each in args)
    device = kwargs.get("device")
    return func._schema.name == "aten::arange" and few and device == torch.device("meta")


def _is_plain(func: Any, args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether it makes new tensors of small ones, by rules that ask for no value."""
    schema = func._schema
    tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    return (
        any(each.device.type == "meta" for each in tensors)
        and all(each.device.type == "meta" or not each.ndim for each in tensors)
        and all(each.layout == torch.strided and _extent(each) <= SMALL for each in tensors)
        and kwargs.get("device") is None
        and not schema.is_mutable
        and all(str(each.type) == "Tensor" and each.alias_info is None for each in schema.returns)
        and _OF_VALUES.isdisjoint(func.tags)
    )


def _extent(tensor: torch.Tensor) -> int:
    """How many elements its memory would have."""
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return 1 + sum((size - 1) * step for size, step in steps) if tensor.numel() else 0


def _zeros(value: Any) -> Any:
    if not isinstance(value, torch.Tensor) or value.device.type != "meta":
        return value
    with _disable_current_modes():
        memory = torch.zeros(_extent(value), dtype=value.dtype)
        return memory.as_strided(value.shape, value.stride())


def _sizes(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    with _disable_current_modes():
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")

"""What was observed, as a person reads it: few numbers in full, many by their shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from autograder.verdict.evidence import Array, Record

MOST_NUMBERS = 24
DIGITS = 4


def in_words(record: Record) -> dict[str, str]:
    """The values of an observation by name; a single one, or an exception, is called `result`."""
    if record.raised is not None and not record.values:
        return {"result": f"raises {record.raised[0] if record.raised else 'an exception'}"}
    return {name: _value(node, record.arrays) for name, node in record.values.items()}


def _value(node: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    kind = node.get("kind")
    if node.get("rule") == "at_most":
        return f"{node['value']} (at most {node['limit']})"
    if kind in ("tensor", "array"):
        return _array(arrays[node["key"]])
    if kind in ("tuple", "list"):
        inside = ", ".join(_value(item, arrays) for item in node["items"])
        return f"({inside})" if kind == "tuple" else f"[{inside}]"
    if kind == "dict":
        return "{" + ", ".join(f"{k}: {_value(v, arrays)}" for k, v in node["items"].items()) + "}"
    if kind == "float":
        return _number(float(node["value"]))
    if kind == "NoneType":
        return "None"
    return str(node["value"]) if "value" in node else str(node.get("type", kind))


def _array(array: Array) -> str:
    """Numbers with their dtype where it is not the usual one."""
    numbers = array.numbers
    usual = array.dtype in ("float32", "float64", "int64", "bool")
    dtype = "" if usual else f" ({array.dtype})"
    if numbers.size > MOST_NUMBERS or 0 in numbers.shape:
        return f"shape {tuple(numbers.shape)}{dtype}"
    return f"{_nested(numbers)}{dtype}"


def _nested(numbers: NDArray[Any]) -> str:
    if numbers.ndim:
        return f"[{', '.join(_nested(part) for part in numbers)}]"
    return _number(numbers.item())


def _number(value: float | bool) -> str:
    if isinstance(value, bool | int):
        return str(value)
    return f"{value + 0.0:.{DIGITS}g}"  # a negative zero reads as zero

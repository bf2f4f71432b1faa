"""One recorded value against another: None where they agree, else what is wrong in the numbers.

Messages describe the submission only; they never hold the reference's numbers.
"""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.verdict.describe import in_words
from autograder.verdict.evidence import Array

# The error that honest reorderings of the arithmetic make, relative to the size of the result.
TOLERANCE = {"float64": 1e-10, "float32": 1e-5, "float16": 2e-2, "bfloat16": 4e-2}

# What `observe` says of a value that it does not record, and types that a student may return.
_OF_OBSERVE = re.compile(r"very large int|(tensor|array) of (torch\.)?\w{1,20}( on \w{1,20})?")
OF_LIBRARIES = {"Tensor", "Parameter", "ndarray", "Size", "function", "generator", "Linear"}
_PLAIN = re.compile(r"[a-z]\w{1,20}|\[[\d, ]{1,60}\]")  # a kind, a device or a shape

Node = Mapping[str, Any]
Arrays = Mapping[str, Array]


def in_tuples(node: Any) -> Any:
    """A node, or several by name, with a tuple in the place of each list; itself without one."""
    return _in_tuples(node) if _holds_list(node) else node


def _holds_list(node: Any) -> bool:
    if isinstance(node, Mapping):
        return node.get("kind") == "list" or any(map(_holds_list, node.values()))
    return isinstance(node, list) and any(map(_holds_list, node))


def _in_tuples(node: Any) -> Any:
    if isinstance(node, list):
        return [_in_tuples(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    plain = {name: _in_tuples(each) for name, each in node.items()}
    return {**plain, "kind": "tuple"} if plain.get("kind") == "list" else plain


def difference(
    expected: Node, expected_arrays: Arrays, found: Node, found_arrays: Arrays
) -> str | None:
    """Compare two nodes of evidence by the rule that the expected one carries."""
    kind = expected["kind"]
    if expected.get("rule") == "at_most":
        return _at_most(expected["limit"], found)
    if kind == "tensor" and found.get("kind") == "NoneType":
        return "is missing: there is None in its place"
    if found.get("kind") != kind:
        return f"is {_called(found)}, which is not what was asked for"
    if kind in ("tensor", "array"):
        if found.get("device") != expected.get("device"):
            return f"is on {_plainly(found.get('device'))}, not on the device of the inputs"
        return _array_difference(
            expected_arrays[expected["key"]], found_arrays[found["key"]], _tolerance(expected)
        )
    if kind in ("tuple", "list"):
        return _sequence_difference(expected, expected_arrays, found, found_arrays)
    if kind == "dict":
        return _dict_difference(expected, expected_arrays, found, found_arrays)
    if kind == "float":
        return _number_difference(float(expected["value"]), float(found["value"]), expected)
    if kind in ("other", "too large"):
        return None if dict(found) == dict(expected) else f"is {_called(found)}"
    if found["value"] != expected["value"] or type(found["value"]) is not type(expected["value"]):
        # A text can be anything, a line of the hidden tests too.
        is_text = isinstance(found["value"], str)
        return f"{'the text' if is_text else _shown(found['value'])} is not right"
    return None


def _tolerance(expected: Node) -> float | None:
    if expected.get("rule") == "exactly":
        return 0.0
    return float(expected["tolerance"]) if expected.get("rule") == "close" else None


def _called(node: Node) -> str:
    kind = node.get("kind")
    if kind == "NoneType":
        return "None"
    if kind == "other":
        return f"an object of {_type(str(node.get('type')))}"
    if kind == "too large":
        return f"too large to be looked at, with shape {_plainly(node.get('shape'))}"
    return f"of type {_plainly(kind)}"


def _type(name: str) -> str:
    """A type that student code has not named itself."""
    known = name in OF_LIBRARIES or isinstance(getattr(builtins, name, None), type)
    return f"type {name}" if known or _OF_OBSERVE.fullmatch(name) else "another type"


def _plainly(name: object) -> str:
    """A type, device or shape, if it is one; student code can put hidden lines in its place."""
    return str(name) if _PLAIN.fullmatch(str(name)) else "(unnamed)"


def _shown(value: object) -> str:
    text = ascii(value) if not str(value).isprintable() else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _at_most(limit: float, found: Node) -> str | None:
    value = found.get("value")
    if found.get("kind") not in ("int", "float") or not float(value or 0) >= 0:
        return f"is {_called(found)}, not a size"
    if float(value or 0) <= limit:
        return None
    return f"{_shown(value)} is more than the exercise allows"


def _number_difference(expected: float, found: float, rule: Node) -> str | None:
    tolerance = _tolerance(rule)
    tolerance = TOLERANCE["float64"] if tolerance is None else tolerance
    if expected == found or (math.isnan(expected) and math.isnan(found)):
        return None
    if math.isfinite(expected) and abs(found - expected) <= tolerance * (abs(expected) or 1.0):
        return None
    return f"{found:.6g} is not right"


def _sequence_difference(
    expected: Node, expected_arrays: Arrays, found: Node, found_arrays: Arrays
) -> str | None:
    wanted, given, rule = expected["items"], found["items"], _inherited(expected)
    alike = 0
    for one, other in zip(wanted, given, strict=False):
        wrong = difference({**rule, **one}, expected_arrays, other, found_arrays)
        if wrong and len(given) == len(wanted):
            return f"entry {alike}: {wrong}"
        if wrong:
            break
        alike += 1
    if len(given) == len(wanted):
        return None
    right = "all of them" if alike == len(given) else f"the first {alike}"
    return f"has {len(given)} entries, which is not the number asked for" + (
        f"; {right} are right" if alike else ""
    )


def _dict_difference(
    expected: Node, expected_arrays: Arrays, found: Node, found_arrays: Arrays
) -> str | None:
    if set(found["items"]) != set(expected["items"]):
        missing = len(set(expected["items"]) - set(found["items"]))
        more = len(set(found["items"]) - set(expected["items"]))
        said = [f"{missing} of those asked for are missing"] if missing else []
        said += [f"{more} of them were not asked for"] if more else []
        return f"has {len(found['items'])} keys, and {' and '.join(said)}"
    rule = _inherited(expected)
    for key, one in expected["items"].items():
        other = found["items"][key]
        wrong = difference({**rule, **one}, expected_arrays, other, found_arrays)
        if wrong:
            return f"entry {_shown(key)!r}: {wrong}"
    return None


def _inherited(expected: Node) -> dict[str, Any]:
    return {key: expected[key] for key in ("rule", "tolerance", "limit") if key in expected}


def _array_difference(expected: Array, found: Array, tolerance: float | None) -> str | None:
    if found.numbers.shape != expected.numbers.shape:
        shape = tuple(found.numbers.shape)
        if shape[-2:] == tuple(expected.numbers.shape[-2:][::-1]) and len(shape) > 1:
            return f"the last two sizes of shape {shape} are exchanged"
        return f"shape {shape} is wrong"
    if found.dtype != expected.dtype:
        return f"dtype {found.dtype} is wrong"
    if tolerance is None:
        tolerance = TOLERANCE.get(expected.dtype, 0.0)
    differs = _differs(expected, found.numbers, tolerance)
    if not differs.any():
        return None
    return in_words(found.numbers, expected.numbers, differs)


def _differs(array: Array, found: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    expected = array.numbers
    if expected.dtype.kind in "biu" or tolerance == 0.0:
        same = expected == found
        if expected.dtype.kind == "f":
            same |= np.isnan(expected) & np.isnan(found)
        return np.asarray(~same)
    wide, other = expected.astype(np.float64), found.astype(np.float64)
    size = array.size or array.largest or 1.0
    with np.errstate(invalid="ignore"):
        near = np.abs(wide - other) <= tolerance * size
    exactly = (wide == other) | (np.isnan(wide) & np.isnan(other))
    return np.asarray(~np.where(np.isfinite(wide), near, exactly))

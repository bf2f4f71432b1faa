"""An exception in words: its type, the student's own line, and what stood there.

Student code can put anything into a record. Shown are types that are known, lines that stand in
the student's own text, and shapes: no word of a hidden test, and no text of an exception.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Container, Mapping, Sequence

from autograder.reading.wanted import shown
from autograder.verdict.evidence import Record

MOST_KINDS = 4
_KINDS = ("int", "float", "bool", "complex", "str", "tuple", "list", "dict", "set", "NoneType")
_ARRAY = re.compile(
    r"((?:b?float|u?int|complex)\d{1,3}|bool) (\((?:\d{1,6}(?:, ?|,?(?=\)))){0,8}\))"
)


def type_of(raised: Sequence[str]) -> str:
    """The built-in type of an exception; student code can give a class any other name."""
    known = [name for name in raised if isinstance(getattr(builtins, name, None), type)]
    return known[0] if known else "an exception"


def place(found: Record, lines: Container[str]) -> str:
    """The innermost of these lines that an exception went through, and what it was given there.

    Empty where it went through none.
    """
    for text, kinds in found.at:
        if text and text in lines:
            return f" in your line `{shown(text)}`{_given(found.given) or _stood(text, kinds)}"
    return ""


def _given(kinds: Sequence[str]) -> str:
    words = [word for kind in kinds[:MOST_KINDS] if (word := _kind(kind))]
    return f", where an operation was given {' and '.join(words)}" if words else ""


def _stood(line: str, kinds: Mapping[str, str]) -> str:
    words = [
        f"{name} is {word}"
        for name, kind in kinds.items()
        if (word := _kind(kind)) and re.search(rf"(?<![.\w]){re.escape(name)}\b", line)
    ]
    return f", where {' and '.join(words[:MOST_KINDS])}" if words else ""


def _kind(kind: str) -> str:
    """A type or a shape as a person says it; empty where it is neither."""
    if match := _ARRAY.fullmatch(kind):
        return f"{match[1]} of shape {match[2]}"
    if kind == "NoneType":
        return "None"
    return f"of type {kind}" if kind in _KINDS else ""

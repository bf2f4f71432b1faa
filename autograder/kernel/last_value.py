"""What the last expression of a test cell gives, past the display that a student's code can use.

Under nbgrader it is read from what a cell shows, and a function can show what it likes.
"""

from __future__ import annotations

import ast
import numbers
from collections.abc import MutableMapping, Sequence
from typing import Any

from IPython.core.displayhook import DisplayHook

_NAME = "__last_value__"


def is_shown(cell: str) -> bool:
    """Whether IPython shows what a cell's last expression gives; a semicolon says no."""
    try:
        return not DisplayHook.semicolon_at_end_of_expression(cell)
    except Exception:  # nothing that Python can split into words, such as a magic
        return True


def with_value_kept(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements of a cell, where the value of the last one is kept instead of shown."""
    *others, last = statements
    if not isinstance(last, ast.Expr):
        return [*statements]
    kept = ast.Assign([ast.Name(_NAME, ast.Store())], last.value)
    return [*others, ast.fix_missing_locations(ast.copy_location(kept, last))]


def taken(names: MutableMapping[str, Any]) -> dict[str, str] | None:
    """What was kept, as a `number` or by its `type`; None where nothing was or it is None."""
    value = names.pop(_NAME, None)
    if value is None:
        return None
    try:
        if getattr(value, "shape", None) == ():  # a number of NumPy or torch, or an array of one
            value = value.item()
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            return {"number": repr(float(value))}
    except Exception:  # whatever an object of the student's does when it is asked
        return {"type": "a number that cannot be read"}
    return {"type": type(value).__name__[:60]}

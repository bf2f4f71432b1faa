"""A test cell in two: what students see of it, and what they do not see, compiled for the kernel.

The kernel is the last to need the hidden part's text, and parsing it would be done anew for each
submission.
"""

from __future__ import annotations

import base64
import marshal
from functools import lru_cache

from autograder.course.assignment import HIDDEN
from autograder.kernel.marks import compiled

NAME = "<hidden>"  # what tracebacks call it: a file of which no line is to be had


@lru_cache(maxsize=256)
def apart(source: str) -> tuple[str, str]:
    """The cell as students see it, line for line, and the rest as the kernel is told of it.

    Where what is hidden is no code by itself, all is left as one.
    """
    shown, hidden, end = "", "", 0
    for part in HIDDEN.finditer(source):
        before = source[end : part.start()]
        lines = part.group().count("\n")
        shown += before + "#\n" * lines + ("" if part.group().endswith("\n") else "#")
        hidden += "\n" * before.count("\n") + part.group()
        end = part.end()
    if not hidden:
        return source, ""
    try:
        code = marshal.dumps(compiled(hidden, NAME))
    except SyntaxError:
        return source, ""
    return shown + source[end:], base64.b64encode(code).decode()

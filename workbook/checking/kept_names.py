"""In the kernel of a checked notebook, graded names are what their cells defined, as in grading."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from IPython.core.getipython import get_ipython

from autograder.kernel.kept import Kept

_kept = Kept()
_open = ExitStack()


def before(request: Mapping[str, Any]) -> None:
    """Put back, before a cell of the book is run, what its request says."""
    shell = get_ipython()
    if shell is not None:
        _open.enter_context(_kept.around(request, shell.user_ns))


def after() -> None:
    """Keep what the cell has defined."""
    _open.close()


def call(of: str, *arguments: object) -> str:
    """The line that a kernel runs to call one of these; it binds no name there."""
    written = ", ".join(map(repr, arguments))
    return f"__import__({__name__!r}, fromlist=[{of!r}]).{of}({written})"

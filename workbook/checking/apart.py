"""In the kernel of a self-check: what a student changed in the session does not reach the book.

As in grading, its cells have Python's own names, and its tests the switches that Python, NumPy and
torch start with, while a student's function keeps what the student defined.
"""

from __future__ import annotations

import builtins
import os
import types
import warnings
from collections.abc import Collection
from contextlib import ExitStack, suppress
from typing import Any

from IPython.core.getipython import get_ipython

from autograder.observe._session import usual_session

# What every session has of its own is left: IPython puts some of these names there itself.
_PYTHONS = frozenset(name for name in vars(builtins) if not name.startswith("_")) - {
    *("copyright", "credits", "display", "exit", "get_ipython", "license", "open", "quit")
}


class _Apart:
    """The names of a shell, put aside while a cell of the book runs.

    `tests` are the texts of those that are tests, `books` of all.
    """

    def __init__(self, shell: Any, tests: Collection[str], books: Collection[str]) -> None:
        self._shell = shell
        self._tests = tests
        self._books = books
        self._kept: tuple[Any, dict[str, Any], dict[str, Any]] | None = None
        self._session = ExitStack()

    def before(self, info: Any) -> None:
        """Give a cell of the book Python's own names, and a test the usual switches."""
        if info.raw_cell in self._tests:
            self._session.enter_context(usual_session())
        shell = self._shell
        if info.raw_cell not in self._books or _PYTHONS.isdisjoint(shell.user_ns):
            return
        given = {name: value for name, value in shell.user_ns.items() if name not in _PYTHONS}
        module = types.ModuleType(shell.user_module.__name__)
        vars(module).update(given)
        self._kept = (shell.user_module, shell.user_ns, given)
        shell.user_module, shell.user_ns = module, vars(module)

    def after(self, _: Any) -> None:
        """Give the student's names back, with those that the cell made."""
        if self._shell.exit_now:  # else it ends a tenth of a second later, in another cell
            os._exit(0)
        self._session.close()
        if self._kept is None:
            return
        shell, made = self._shell, self._shell.user_ns
        shell.user_module, shell.user_ns, given = self._kept
        self._kept = None
        for name, value in made.items():
            if name not in given or given[name] is not value:
                shell.user_ns[name] = value


def keep_apart(tests: Collection[str], books: Collection[str]) -> None:
    """Have the cells with these texts run apart in the kernel that this is called in."""
    shell = get_ipython()
    assert shell is not None
    _draw_nothing(shell)
    apart = _Apart(shell, tests, books)
    shell.events.register("pre_run_cell", apart.before)
    shell.events.register("post_run_cell", apart.after)


def _draw_nothing(shell: Any) -> None:
    """Show figures by their text alone: to draw them takes a fifth of the time, for no verdict."""
    with warnings.catch_warnings(), suppress(ImportError):
        # traitlets warns of how this class says that the set was changed.
        warnings.simplefilter("ignore")
        from matplotlib_inline.config import InlineBackend

        InlineBackend.instance(parent=shell).figure_formats = set()

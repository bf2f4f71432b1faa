"""The shell of a kernel: IPython's, for cells that are Python, some of it unseen by students."""

from __future__ import annotations

import ast
import builtins
import functools
import re
import types
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQInteractiveShell
from traitlets import Type

from autograder.kernel.kept import Kept
from autograder.kernel.last_value import with_value_kept
from autograder.kernel.streams import Publisher
from autograder.observe._session import usual_session
from autograder.observe._writes import KEEPING

PYTHONS = frozenset({*vars(builtins), "__builtins__"}) - {"__name__"}
# Pasted from a session: Python, but not meant as such.
_PROMPT = re.compile(r"^\s*In ?\[", re.M)


class Shell(ZMQInteractiveShell):
    """A shell that looks for its own syntax only in what is not Python already.

    `hidden` is the code of the running cell that no student sees, `kept` is what the solution cells
    define. `keeps_last` says of the running cell that the value of its last expression is kept
    instead of shown.
    """

    display_pub_class = Type(Publisher)
    hidden: types.CodeType | None = None
    keeps_last = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.kept = Kept()
        super().__init__(*arguments, **options)

    @functools.lru_cache(maxsize=4)  # noqa: B019  (the shell lives as long as the process)
    def transform_cell(self, raw_cell: str) -> str:
        """The cell as Python; ipykernel asks for it twice."""
        if not _PROMPT.search(raw_cell):
            with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                ast.parse(raw_cell)
                return raw_cell if raw_cell.endswith("\n") else f"{raw_cell}\n"
        return str(super().transform_cell(raw_cell))

    async def run_ast_nodes(
        self,
        nodelist: list[ast.stmt],
        cell_name: str,
        interactivity: str = "last_expr",
        compiler: Any = compile,
        result: Any = None,
    ) -> bool:
        """Run the statements of a cell; what is hidden first, and apart from the student's names.

        It sees what they see, but for names that stand for something of Python's own, and what it
        names itself does not come in the way of theirs.
        """
        if self.hidden is not None:
            self.kept.put_back(self.user_ns)  # whatever ran since
            names = {name: value for name, value in self.user_ns.items() if name not in PYTHONS}
            try:
                with usual_session():
                    exec(self.hidden, {**names, **KEEPING})
            except BaseException as error:
                result.error_in_exec = error
                self.showtraceback(running_compiled_code=True)
                return True
        if self.keeps_last and nodelist:
            nodelist = with_value_kept(nodelist)
        return bool(
            await super().run_ast_nodes(nodelist, cell_name, interactivity, compiler, result)
        )

    def begin_afresh(self) -> None:
        """Forget what cells bound, and turn back what they switched."""
        self.kept = Kept()
        self.reset(new_session=False)
        self._usual = usual_session()
        self._usual.__enter__()  # for good

    @contextmanager
    def as_written(self) -> Iterator[None]:
        """Run a cell without what a student's code has IPython change in its statements."""
        theirs, self.ast_transformers = self.ast_transformers, []
        try:
            yield
        finally:
            self.ast_transformers = theirs

    def ask_exit(self) -> None:
        """`exit()` and `quit()` end their cell, as `sys.exit()` does, not the kernel a while after.

        Raises: SystemExit.
        """
        raise SystemExit

    def should_run_async(self, raw_cell: str, **options: Any) -> bool:
        """Whether a cell waits for something outside of a function."""
        might = "await" in raw_cell or "async" in raw_cell
        return might and bool(super().should_run_async(raw_cell, **options))


class Compiler(XCachingCompiler):
    """A compiler that names a cell by its number; the other name takes a hash of its text."""

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        """What tracebacks call the cell."""
        return f"<cell {number}>"

"""ipykernel as it is, without what only an interactive session needs."""

from __future__ import annotations

import ast
import base64
import builtins
import functools
import logging
import marshal
import os
import re
import signal
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import ipykernel.ipkernel
import zmq
from ipykernel.compiler import XCachingCompiler
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQInteractiveShell
from traitlets import DottedObjectName, Type
from traitlets.config import Config

from autograder.kernel.kept import Kept
from autograder.kernel.last_value import is_shown, taken, with_value_kept
from autograder.kernel.lasting import Lasting
from autograder.kernel.request import (
    GRADED_NAMES,
    HIDDEN_CODE,
    LAST_VALUE,
    PLACE,
    PLAIN_TEST,
    STILL_RUNNING,
)
from autograder.kernel.streams import Publisher
from autograder.observe._session import usual_session
from autograder.observe._writes import KEEPING

PYTHONS = frozenset({*vars(builtins), "__builtins__"}) - {"__name__"}
LARGE_MESSAGE = 2**31  # bytes; none is
# Pasted from a session: Python, but not meant as such.
_PROMPT = re.compile(r"^\s*In ?\[", re.M)


class _WithoutModules(types.ModuleType):
    """`sys` without what is imported."""

    modules: Mapping[str, types.ModuleType] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


# For its debugger, a kernel looks at every module, which copies a page of the fork server's
# memory for each.
ipykernel.ipkernel.sys = _WithoutModules("sys")  # type: ignore[attr-defined]


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


class Kernel(IPythonKernel):
    """A kernel without pauses."""

    compiler_class = Type(Compiler)
    shell_class = Type(Shell)
    _execute_sleep = 0.0

    def __init__(self, **options: Any) -> None:
        self._lasting = Lasting()
        super().__init__(**options)

    def _publish_status(self, status: str, *where: Any, **more: Any) -> None:
        """Send that a cell ended: of the other statuses the client wants none.

        What is sent while the client subscribes can hide from the loop that it did: only the next
        message would show it, and the client waits for the answer before it sends any.
        """
        if status == "idle":
            super()._publish_status(status, *where, **more)

    def _publish_execute_input(self, *_: Any) -> None:
        """Keep the cell's text, which the client has sent."""

    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: Any = None,
        allow_stdin: bool = False,
        *,
        cell_meta: Any = None,
        cell_id: Any = None,
    ) -> Any:
        """Run a cell of which the client knows what is hidden, and what its names stand for."""
        assert isinstance(self.shell, Shell)
        about = cell_meta or {}
        hidden = about.get(HIDDEN_CODE)
        self.shell.hidden = marshal.loads(base64.b64decode(hidden)) if hidden else None
        is_plain_test = bool(about.get(PLAIN_TEST))
        self.shell.keeps_last = is_plain_test and is_shown(code)
        self._lasting.before()
        taken(self.shell.user_ns)  # what a cell of the student's left under that name
        with (
            self.shell.kept.around(about.get(GRADED_NAMES, {}), self.shell.user_ns),
            self.shell.as_written() if is_plain_test else nullcontext(),
        ):
            reply = await super().do_execute(
                code, silent, store_history, user_expressions, allow_stdin, cell_meta=cell_meta
            )
        if is_plain_test:
            reply[LAST_VALUE] = taken(self.shell.user_ns)
        reply[STILL_RUNNING] = self._lasting.after(about.get(PLACE, 0))
        return reply

    def _send_interrupt_children(self) -> None:
        """Interrupt the kernel; the group of the first process would be everybody but itself."""
        os.kill(os.getpid(), signal.SIGINT)


class KernelApp(IPKernelApp):
    """An application without command line, configuration files, history and extensions."""

    kernel_class = Type(Kernel)
    outstream_class = DottedObjectName("autograder.kernel.streams.Stream")
    listening: Mapping[int, int] = {}  # by their ports, the numbers of sockets that listen already
    ignore_cwd = True
    capture_fd_output = False  # what a process prints past Python is not the output of a cell

    def __init__(self, **options: Any) -> None:
        config = Config({"HistoryManager": {"enabled": False}})
        config.InteractiveShell.xmode = "Plain"  # the others read and parse every file on the way
        config.InteractiveShell.colors = "nocolor"
        # A large message that is not copied has zmq start a thread, which would be the cell's.
        config.Session.copy_threshold = LARGE_MESSAGE
        super().__init__(
            config=config, default_extensions=[], log_level=logging.CRITICAL, **options
        )

    def parse_command_line(self, argv: Any = None) -> None:
        """There is none."""

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """There is none that may count."""

    def _configure_logging(self) -> None:
        """Leave the loggers as they are: nobody reads a log, and there are hundreds of them."""

    def _bind_socket(self, s: zmq.Socket[Any], port: int) -> Any:
        if port in self.listening:
            s.setsockopt(zmq.USE_FD, self.listening[port])
        return super()._bind_socket(s, port)

    def init_heartbeat(self) -> None:
        """Nobody listens to it: the connection says when a kernel ends."""

    def init_code(self) -> None:
        """There is none to be run first, and what is imported need not be remembered."""
        assert self.shell is not None
        self.shell.user_ns_hidden.update(self.shell.user_ns)

    def init_pdb(self) -> None:
        """Nobody is there to debug."""

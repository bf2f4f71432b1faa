"""ipykernel as it is, without what only an interactive session needs."""

from __future__ import annotations

import base64
import logging
import marshal
import os
import signal
import sys
import types
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import ipykernel.ipkernel
import zmq
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets import DottedObjectName, Type
from traitlets.config import Config

from autograder.kernel.last_value import is_shown, taken
from autograder.kernel.lasting import Lasting
from autograder.kernel.request import (
    AFRESH,
    GRADED_NAMES,
    HIDDEN_CODE,
    LAST_VALUE,
    PLACE,
    PLAIN_TEST,
    STILL_RUNNING,
)
from autograder.kernel.shell import Compiler, Shell

LARGE_MESSAGE = 2**31  # bytes; none is


class _WithoutModules(types.ModuleType):
    """`sys` without what is imported."""

    modules: Mapping[str, types.ModuleType] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


# For its debugger, a kernel looks at every module, which copies a page of the fork server's
# memory for each.
ipykernel.ipkernel.sys = _WithoutModules("sys")  # type: ignore[attr-defined]


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
        if about.get(AFRESH):
            self.shell.begin_afresh()
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

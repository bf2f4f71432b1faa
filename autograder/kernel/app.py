"""ipykernel as it is, without what only an interactive session needs: 0.1 s less a submission."""

from __future__ import annotations

import functools
from typing import Any

import ipykernel.debugger
import ipykernel.ipkernel
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQDisplayPublisher, ZMQInteractiveShell

from traitlets import Type
from traitlets.config import Config

from autograder.observe._observation import MIME

# Its debugger looks at every module, which copies a page of the fork server's memory for each.
ipykernel.debugger._is_debugpy_available = False
ipykernel.ipkernel.hasattr = lambda thing, name: name != "__file__" and hasattr(thing, name)


class Publisher(ZMQDisplayPublisher):  # type: ignore[misc]
    """Sends evidence at once; what was printed before it need not arrive before it."""

    def publish(self, data: dict[str, Any], metadata: Any = None, **options: Any) -> None:
        """Publish output, or evidence."""
        if MIME not in data:
            super().publish(data, metadata, **options)
            return
        content = {"data": data, "metadata": {}, "transient": {}}
        self.session.send(
            self.pub_socket, "display_data", content, parent=self.parent_header, ident=self.topic
        )


class Shell(ZMQInteractiveShell):  # type: ignore[misc]
    """A shell that takes a cell apart once: ipykernel asks for it twice."""

    display_pub_class = Type(Publisher)

    @functools.lru_cache(maxsize=4)  # noqa: B019  (the shell lives as long as the process)
    def transform_cell(self, raw_cell: str) -> str:
        """The cell as Python, without IPython's own syntax."""
        return str(super().transform_cell(raw_cell))


class Kernel(IPythonKernel):  # type: ignore[misc]
    """A kernel without pauses."""

    shell_class = Type(Shell)
    _execute_sleep = 0.0


class KernelApp(IPKernelApp):  # type: ignore[misc]
    """An application without command line, configuration files, history and extensions."""

    kernel_class = Type(Kernel)
    ignore_cwd = True
    default_extensions = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(config=Config({"HistoryManager": {"enabled": False}}), **options)

    def parse_command_line(self, argv: Any = None) -> None:
        """There is none."""

    def load_config_file(self, suppress_errors: Any = None) -> None:
        """There is none that may count."""

    def init_pdb(self) -> None:
        """Nobody is there to debug."""

"""Runs a rebuilt notebook in a sandboxed kernel and gathers the evidence of its test cells.

A student's exception, endless loop or dead kernel is an outcome, never an error of the grader.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from autograder.course.assignment import (
    DEMO,
    error_type,
    grade_id_of,
    hidden_lines,
    is_solution,
    is_test,
)
from autograder.errors import KernelServerError, OutOfTimeError, SandboxUnavailableError
from autograder.kernel.app import HIDDEN_LINES
from autograder.sandbox import Limits, kernel_server, replace
from autograder.sandbox.provisioner import SandboxKernelManager, SandboxProvisioner
from autograder.verdict.evidence import MIME

START_SECONDS = 120
STOP_SECONDS = 5  # for the last cell to be interrupted, and for what it sent to be read
FULL_OUTPUTS = 16  # all outputs together: as much as so many cells may write
# No widgets, no changes of earlier outputs: only what a cell shows of itself.
PASSED_ON = ("status", "stream", "display_data", "execute_result", "error", "clear_output")

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())
_log.propagate = False


@dataclass
class Execution:
    """What came out of one run: evidence by test cell, and what went wrong.

    `slow` are the cells that hit the time limit, `stopped` the solution cells that ended with an
    exception (by its type), `problem` is what ended the run as a whole.
    """

    notebook: NotebookNode
    evidence: dict[str, list[bytes]] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    stopped: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    seconds: float = 0.0


class _Client(NotebookClient):
    """A notebook client that takes evidence out of the outputs as it arrives, and limits them."""

    def __init__(self, run: Execution, limits: Limits, manager: SandboxKernelManager) -> None:
        super().__init__(
            run.notebook,
            km=manager,
            allow_errors=True,
            startup_timeout=START_SECONDS,
            interrupt_on_timeout=True,
            error_on_timeout={"ename": "CellTimeoutError", "evalue": "", "traceback": []},
            raise_on_iopub_timeout=True,
            store_widget_state=False,
            record_timing=False,
            skip_cells_with_tag=DEMO,
            shutdown_kernel="immediate",
        )
        self.log = _log
        self.timeout_func = self._seconds_left  # type: ignore[assignment]  # floats work
        self._run = run
        self._limits = limits
        self._deadline = float("inf")
        self._written = 0
        self._kept = 0
        self._evidence_bytes = 0
        self.current: str | None = None

    def _seconds_left(self, _: NotebookNode) -> float:
        return max(0.1, min(self._limits.cell_seconds, self._deadline - monotonic()))

    async def run(self) -> None:
        """Start the kernel, run every cell, stop the kernel whatever happens."""
        await self.async_start_new_kernel()
        await self._connect()
        try:
            self._deadline = monotonic() + self._limits.notebook_seconds
            self.reset_execution_trackers()
            # nbclient sees a cell's limit only while no reply arrives; a kernel may send many.
            async with asyncio.timeout(self._limits.notebook_seconds + STOP_SECONDS) as deadline:
                for index, cell in enumerate(self.nb.cells):
                    await self.async_execute_cell(cell, index)
        except DeadKernelError as error:
            if deadline.expired():  # which nbclient takes for the kernel's end
                raise OutOfTimeError from error
            raise
        finally:
            await self._async_cleanup_kernel()

    async def _connect(self) -> None:
        """Wait for the kernel's welcome, or for its end if that comes first."""
        assert isinstance(self.km, SandboxKernelManager)
        assert self.km.provisioner is not None
        welcome = asyncio.ensure_future(self.async_start_new_kernel_client())
        end = asyncio.ensure_future(self.km.provisioner.wait())
        await asyncio.wait({welcome, end}, return_when=asyncio.FIRST_COMPLETED)
        if not welcome.done():
            welcome.cancel()
            await self._async_cleanup_kernel()
            raise RuntimeError("it ended at once")
        end.cancel()
        await welcome

    async def async_execute_cell(
        self, cell: NotebookNode, cell_index: int, *arguments: Any, **options: Any
    ) -> NotebookNode:
        self.current = grade_id_of(cell) or "a cell of the student's own"
        self._written = 0
        assert self.kc is not None
        self.kc.session.metadata = {HIDDEN_LINES: hidden_lines(cell)} if is_test(cell) else {}
        self._cell_deadline = monotonic() + self._seconds_left(cell)
        if monotonic() > self._deadline:
            raise OutOfTimeError
        done = await super().async_execute_cell(cell, cell_index, *arguments, **options)
        if monotonic() >= self._cell_deadline:
            self._run.slow.add(self.current)
        elif is_solution(cell) and (error := error_type(cell)):
            self._run.stopped[self.current] = error
        return done

    async def _async_poll_kernel_alive(self) -> None:
        """End the wait for a cell as soon as the kernel's end is known, not once a second."""
        assert isinstance(self.km, SandboxKernelManager)
        assert self.km.provisioner is not None
        await self.km.provisioner.wait()
        while self.kc is not None and await self.kc.iopub_channel.msg_ready():
            await asyncio.sleep(0)  # what it sent before is still its own
        assert self.task_poll_for_reply is not None
        self.task_poll_for_reply.cancel()

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        if msg["msg_type"] == "display_data" and MIME in msg["content"]["data"]:
            self._take(msg["content"]["data"][MIME], cell)
            return None
        if msg["msg_type"] not in PASSED_ON:
            return None
        if msg["msg_type"] != "status":
            size = len(str(msg["content"]))
            self._written += size
            if self._written > self._limits.output_bytes:
                return None
            self._kept += size
            if self._kept > FULL_OUTPUTS * self._limits.output_bytes:
                return None
            # It names a display, and a later one of that name is put in the place of each that
            # there is: a thousand small ones would become a thousand large ones.
            msg["content"].pop("transient", None)
            if "metadata" in msg["content"]:
                # nbconvert writes them into pages: sizes as attributes, "isolated" as a frame.
                msg["content"]["metadata"] = {}
        if "execution_count" in msg["content"]:
            # A kernel may claim any number; the client counts by itself.
            msg["content"]["execution_count"] = self.code_cells_executed
        return super().process_message(msg, cell, cell_index)

    def _take(self, record: object, cell: NotebookNode) -> None:
        self._evidence_bytes += len(str(record))
        if not is_test(cell) or self._evidence_bytes > self._limits.evidence_bytes:
            return
        try:
            decoded = base64.b64decode(str(record), validate=True)
        except (binascii.Error, ValueError):
            decoded = b""  # malformed; the judge says so
        self._run.evidence.setdefault(self.current or "", []).append(decoded)


async def _within(run: Awaitable[None], seconds: float) -> None:
    await asyncio.wait_for(run, seconds)


def execute(
    notebook: NotebookNode,
    *,
    seed: int,
    limits: Limits | None = None,
    handed_in: Mapping[str, bytes] | None = None,
    packages: Mapping[str, bytes] | None = None,
) -> Execution:
    """Run `notebook`, whose outputs are replaced, in a kernel of its own.

    `handed_in` are the files beside the notebook; `packages` can be imported (the reference run
    gets `solutions`, a submission nothing). Both by their paths.

    Raises: SandboxUnavailableError, where kernels cannot be isolated; KernelServerError, when the
    fork server ended twice.
    """
    files = {f"handed-in/{name}": content for name, content in (handed_in or {}).items()}
    files |= {f"packages/{name}": content for name, content in (packages or {}).items()}
    server = kernel_server()
    try:
        return _execute(notebook, seed, limits or Limits(), files)
    except KernelServerError:
        replace(server)
        return _execute(notebook, seed, limits or Limits(), files)


def _execute(
    notebook: NotebookNode, seed: int, limits: Limits, files: dict[str, bytes]
) -> Execution:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    run = Execution(notebook)
    manager = SandboxKernelManager(limits=limits, seed=seed, files=files)
    client = _Client(run, limits, manager)
    started = monotonic()
    longest = START_SECONDS + limits.notebook_seconds + limits.cell_seconds
    try:
        # In a thread, because the formgrader's button grades inside a running event loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _within(client.run(), longest)).result()
    except CellTimeoutError:
        run.problem = f"it ran out of time and did not stop in {client.current}"
    except (OutOfTimeError, TimeoutError):
        run.problem = (
            f"it ran out of time ({limits.notebook_seconds:g} s) in {client.current or 'starting'}"
        )
    except DeadKernelError:
        run.problem = f"the kernel died while running {client.current}"
    except (SandboxUnavailableError, KernelServerError):
        raise
    except Exception as error:
        _log.debug("unreadable kernel", exc_info=True)
        run.problem = (
            f"its kernel did not start ({error})"
            if client.current is None
            else "the kernel sent something that cannot be read while running "
            f"{client.current} ({type(error).__name__})"
        )
    provisioner = manager.provisioner
    if run.problem and isinstance(provisioner, SandboxProvisioner) and provisioner.server_gone:
        raise KernelServerError("the fork server ended, and its kernels with it")
    run.seconds = monotonic() - started
    return run

"""Speaks with a sandboxed kernel: runs cell after cell, takes the evidence out of the outputs."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from autograder.course.assignment import DEMO, error_type, is_solution, is_test
from autograder.errors import OutOfTimeError
from autograder.kernel.request import AFRESH, GRADED_NAMES, HIDDEN_CODE, PLACE, PLAIN_TEST
from autograder.sandbox import Limits
from autograder.sandbox.endings import StillRunning, called, still_running
from autograder.sandbox.execution import Execution
from autograder.sandbox.hidden import apart
from autograder.sandbox.intake import Intake
from autograder.sandbox.limits import MOST_WAITING
from autograder.sandbox.packets import coming_in
from autograder.sandbox.provisioner import SandboxKernelManager, SandboxProvisioner
from autograder.sandbox.watch import Watch, own_memory
from autograder.verdict.evidence import MIME

START_SECONDS = 120
STOP_SECONDS = 5  # for the last cell to be interrupted, and for what it sent to be read
GLANCE_SECONDS, LOOK_TURNS = 0.02, 12  # for what comes in here; for what the kernel uses
MOST_HERE = 160 * 2**20
NBGRADERS_DEMO = "skip-execution"  # a tag of the instructor's cells that nbgrader does not run

LOG = logging.getLogger(__name__)
LOG.addHandler(logging.NullHandler())
LOG.propagate = False


class Client(NotebookClient):
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
            skip_cells_with_tag=NBGRADERS_DEMO if run.is_plain else DEMO,
            shutdown_kernel="immediate",
            on_cell_executed=self._take_reply,
        )
        self.log = LOG
        self.timeout_func = self._seconds_left  # type: ignore[assignment]  # floats work
        self._run = run
        self._limits = limits
        self._deadline = float("inf")
        self._watch = Watch(0)
        self._started = monotonic()
        self.overrun: str | None = None
        self._intake = Intake(limits)
        self.current: str | None = None
        self.place = 0
        self.running: Sequence[StillRunning] = ()
        self._is_afresh = False

    def _seconds_left(self, _: NotebookNode) -> float:
        return max(0.1, min(self._limits.cell_seconds, self._deadline - self._own_time()))

    def _own_time(self) -> float:
        """The clock, without what the kernel waited while others had the machine."""
        longest = (MOST_WAITING - 1) * self._limits.notebook_seconds
        return monotonic() - min(self._watch.waited(), longest)

    async def start(self) -> None:
        """Start the kernel and wait until it can be spoken to."""
        await self.async_start_new_kernel()
        await self._connect()

    @property
    def is_sound(self) -> bool:
        """Whether nothing was ended early, and nothing runs on."""
        return not (self._run.slow or self._run.ended or self.running or self.overrun)

    def take_up(self, run: Execution, limits: Limits, afresh: bool = False) -> None:
        """Have these be the cells that are run next, in the kernel that there is."""
        self.nb, self._run, self._limits = run.notebook, run, limits
        self._intake, self._is_afresh = Intake(limits), afresh

    async def run_cells(self) -> None:
        """Run every cell."""
        assert isinstance(self.km, SandboxKernelManager)
        assert isinstance(self.km.provisioner, SandboxProvisioner)
        self._watch = Watch(self.km.provisioner.process)
        started = self._own_time()
        self._deadline = started + self._limits.notebook_seconds - self._run.used
        self.reset_execution_trackers()
        records = self.km.provisioner.records
        assert records is not None
        watching: asyncio.Task[None] | None = None
        try:
            # nbclient sees a cell's limit only while no reply arrives; a kernel may send many.
            async with asyncio.timeout(self._limits.notebook_seconds + STOP_SECONDS) as deadline:
                watching = asyncio.create_task(self._keep_watch(self.km.provisioner, deadline))
                with coming_in(records, self._take_record) as self._take_waiting:
                    for index, cell in enumerate(self.nb.cells):
                        await self.async_execute_cell(cell, index)
        except DeadKernelError as error:
            if deadline.expired():  # which nbclient takes for the kernel's end
                raise OutOfTimeError from error
            raise
        finally:
            self._run.used += self._own_time() - started
            if watching is not None:
                watching.cancel()

    async def end(self) -> None:
        """Stop the kernel, whatever it does."""
        await self._async_cleanup_kernel()

    async def _keep_watch(self, kernel: SandboxProvisioner, deadline: asyncio.Timeout) -> None:
        """End the kernel when it takes too much memory, here or of the machine's."""
        before = own_memory()
        for turn in itertools.count():
            await asyncio.sleep(GLANCE_SECONDS)
            if own_memory() - before > MOST_HERE:
                self.overrun = "it sent more than the grader takes in"
            elif turn % LOOK_TURNS == 0:
                if self._watch.memory(self._limits.memory_bytes) > self._limits.memory_bytes:
                    most = f"{self._limits.memory_bytes / 2**30:g} GiB"
                    self.overrun = f"its processes together took more than {most} of memory"
                left = self._deadline + STOP_SECONDS - self._own_time()
                if not deadline.expired():
                    deadline.reschedule(asyncio.get_running_loop().time() + left)
            if self.overrun:
                await kernel.kill()
                return

    async def _async_handle_timeout(
        self, timeout: int, cell: NotebookNode | None = None
    ) -> dict[str, Any] | None:
        """Let a cell go on for as long as it only waited, then interrupt it."""
        while (owed := self._cell_deadline - self._own_time()) > 0:
            assert self.kc is not None
            if await self.kc.shell_channel.socket.poll(int(1_000 * min(owed, 0.5))):
                return None
            await self._async_check_alive()
        return await super()._async_handle_timeout(timeout, cell)

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
        """Run one cell, but for those that ended a kernel before."""
        if cell.cell_type != "code" or cell_index in self._run.ended:
            return cell
        self.place = cell_index
        self.current = called(cell)
        if is_open := cell_index not in self._run.done:
            # Of a kernel before this one, which this cell or one below ended.
            self._run.evidence.pop(self.current, None)
            self._run.stopped.pop(self.current, None)
            self._run.replies.pop(cell_index, None)
        self._intake.begin_cell()
        assert self.kc is not None
        is_apart, source = is_test(cell) and not self._run.is_plain, cell.source
        shown, hidden = apart(source) if is_apart else (source, "")
        self.kc.session.metadata = {
            GRADED_NAMES: self._run.requests.get(cell_index, {}),
            HIDDEN_CODE: hidden,
            PLAIN_TEST: is_test(cell) and self._run.is_plain,
            PLACE: cell_index,
            AFRESH: self._is_afresh,
        }
        self._is_afresh = False
        self._cell_deadline = self._own_time() + self._seconds_left(cell)
        if self._own_time() > self._deadline:
            raise OutOfTimeError
        cell.source = shown
        try:
            done = await super().async_execute_cell(cell, cell_index, *arguments, **options)
        finally:
            cell.source = source
            self._take_waiting()
        if is_open and self._own_time() >= self._cell_deadline:
            self._run.slow.add(self.current)
        elif is_solution(cell) and (error := error_type(cell)):
            self._run.stopped[self.current] = error
        elif is_test(cell):
            self._run.done.add(cell_index)
        return done

    def _take_reply(
        self, cell: NotebookNode, cell_index: int, execute_reply: Mapping[str, Any]
    ) -> None:
        """Take what is said of a plain test, as outputs can be anybody's, and what still runs."""
        content = execute_reply["content"]
        if self._run.is_plain and is_test(cell):
            self._run.replies.setdefault(cell_index, content)
        self.running = still_running(content, cell_index)

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
        """Take what a cell sent, as far as it is evidence or may be shown."""
        if msg["msg_type"] == "display_data" and MIME in msg["content"]["data"]:
            self._take_record(msg["content"]["data"][MIME])
            return None
        if not self._intake.is_shown(msg):
            return None
        if "execution_count" in msg["content"]:
            # A kernel may claim any number; the client counts by itself.
            msg["content"]["execution_count"] = self.code_cells_executed
        return super().process_message(msg, cell, cell_index)

    def _take_record(self, encoded: object) -> None:
        record, place = self._intake.record(encoded), self.place
        if record is not None and is_test(self.nb.cells[place]) and place not in self._run.done:
            self._run.evidence.setdefault(self.current or "", []).append(record)

"""The sandbox as a kernel provisioner, the extension point of `jupyter_client`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import struct
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Dict, Instance, Integer

from autograder.errors import KernelServerError, SandboxUnavailableError
from autograder.kernel.request import Needs
from autograder.sandbox.channels import SandboxKernelClient
from autograder.sandbox.limits import Limits
from autograder.sandbox.started_server import KernelServer, kernel_server, request
from autograder.submission.handed_in import write_files

ANSWER_BYTES = 64 * 1024
CREDENTIALS = struct.Struct("iII")  # struct ucred; see unix(7)


class SandboxProvisioner(KernelProvisionerBase):
    """Asks the fork server for a sealed kernel; sockets in a folder of its own connect the two.

    `files` by their paths are put into that folder: what was handed in below `handed-in/`, what can
    be imported below `packages/`. `needs` are what the fork server makes ready.
    """

    limits = Instance(Limits, args=())
    seed = Integer(0)
    files = Dict()
    needs = Instance(Needs, args=())

    _server: KernelServer
    _folder: Path | None = None
    _connection: socket.socket | None = None
    _ended: asyncio.Task[int] | None = None
    server_gone = False
    process = 0  # the kernel's number here, once it is ready
    records: socket.socket | None = None  # where its evidence comes in, a packet for each record

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started and not cleaned up."""
        return self._ended is not None

    async def poll(self) -> int | None:
        """None while the kernel runs, else its exit status."""
        if self._ended is None:
            return 0
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int | None:
        """Wait for the kernel's end."""
        if self._ended is None:
            return 0
        return await asyncio.shield(self._ended)

    async def send_signal(self, signum: int) -> None:
        """Kill the kernel; an interrupt goes to it as a message."""
        if signum not in (signal.SIGKILL, signal.SIGTERM):
            raise ValueError(f"a kernel in the sandbox cannot be sent signal {signum}")
        if self._connection is not None:
            # The server kills the kernel whose connection says anything, and answers when it and
            # all that it started are gone.
            with suppress(OSError):  # it ended already
                self._connection.send(b"end")
        await self.wait()

    async def kill(self, restart: bool = False) -> None:
        """End the kernel at once."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel at once; it has nothing to save."""
        await self.send_signal(signal.SIGKILL)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Make the kernel's folder: its sockets, what was handed in, packages."""
        self._server = kernel_server()
        self._folder = Path(tempfile.mkdtemp(dir=self._server.kernels))
        manager = self.parent
        assert manager is not None  # jupyter_client makes a provisioner for a manager
        manager.transport = "ipc"
        manager.connection_file = str(self._folder / "client.json")
        # Named before the kernel runs; a file of that name is what the client connects to.
        manager.ip = str(self._folder / "socket")
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        inside = json.loads(Path(manager.connection_file).read_text())
        inside["ip"] = f"{self._server.level.seen(self._folder)}/socket"
        (self._folder / "connection.json").write_text(json.dumps(inside))
        write_files(self.files, self._folder)
        return await super().pre_launch(cmd=["a fork"], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Have a kernel forked and wait until it says that it is ready."""
        try:
            await self._launch()
        except BaseException:
            await self.cleanup()  # which jupyter_client leaves to a kernel that started
            raise
        self._ended = asyncio.create_task(self._await_end())
        return self.connection_info

    async def _launch(self) -> None:
        assert self._folder is not None
        level = self._server.level
        uid = level.uid()
        if uid is not None:
            self._folder.chmod(0o755)
            for path in (self._folder, *self._folder.rglob("*")):
                os.chown(path, uid, uid)
        limits = {name: int(value) for name, value in asdict(self.limits).items()}
        packet = request(
            self._folder.name,
            uid,
            limits,
            {**level.environment(self._folder), "WORKBOOK_SEED": str(self.seed)},
            self.needs,
        )
        try:
            self._connection = self._server.connect()
            # The kernel's answer tells who it is: the number that its process has here.
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self.records, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.records.setblocking(False)
            with its:
                socket.send_fds(self._connection, [packet], [its.fileno()])
        except OSError as error:
            raise KernelServerError("the fork server is gone") from error
        answer = await self._answer()
        if "exit" in answer:
            most = f"{self.limits.memory_bytes / 2**30:g} GiB"
            raise KernelServerError(
                f"a kernel ended while it started ({answer['exit']}); is {most} of memory too "
                "little for it?"
            )
        if "ready" not in answer:
            raise SandboxUnavailableError(
                f"a kernel could not be started: {answer.get('error', answer)}"
            )

    async def _answer(self) -> dict[str, Any]:
        connection = self._connection
        assert connection is not None
        loop, came = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(connection, came.set)
        try:
            await came.wait()
            room = socket.CMSG_SPACE(CREDENTIALS.size)
            packet, said, *_ = connection.recvmsg(ANSWER_BYTES, room)
            for _, kind, about in said:
                if kind == socket.SCM_CREDENTIALS and not self.process:
                    self.process = CREDENTIALS.unpack(about)[0]
        except OSError:
            packet = b""
        finally:
            loop.remove_reader(connection)
        if not packet:
            raise KernelServerError("the fork server is gone")
        answer: dict[str, Any] = json.loads(packet)
        return answer

    async def _await_end(self) -> int:
        try:
            return int((await self._answer()).get("exit", 1))
        except KernelServerError:
            self.server_gone = True
            return -signal.SIGKILL  # its kernels end with it

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the kernel's folder."""
        if self._ended is not None:
            self._ended.cancel()
            with suppress(asyncio.CancelledError):
                await self._ended
            self._ended = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self.records is not None:
            self.records.close()
            self.records = None
        if self._folder is not None and not restart:
            _remove(self._folder)


def _remove(folder: Path) -> None:
    """Remove a kernel's folder, from whose parts it may have taken every permission."""
    with suppress(OSError):
        folder.chmod(0o700)
        for parent, inside, _ in os.walk(folder):
            for name in inside:
                if not os.path.islink(path := os.path.join(parent, name)):
                    os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


class SandboxKernelManager(AsyncKernelManager):
    """A kernel manager whose kernels all start in the sandbox, whatever a notebook asks for."""

    client_factory = SandboxKernelClient

    async def _async_interrupt_kernel(self) -> None:
        """Interrupt a cell; not the kernel that is about to be killed.

        jupyter_client would wait for that message to be read, 0.1 s.
        """
        if not self.shutting_down:
            await super()._async_interrupt_kernel()

    limits = Instance(Limits, args=())
    seed = Integer(0)
    files = Dict()
    needs = Instance(Needs, args=())

    @property
    def kernel_spec(self) -> KernelSpec:
        """The one kernel there is."""
        return KernelSpec(
            argv=["a fork"],
            display_name="Python in a sandbox",
            language="python",
            interrupt_mode="message",
            metadata={
                "kernel_provisioner": {
                    "provisioner_name": "workbook-sandbox",
                    "config": {
                        "limits": self.limits,
                        "seed": self.seed,
                        "files": self.files,
                        "needs": self.needs,
                    },
                }
            },
        )

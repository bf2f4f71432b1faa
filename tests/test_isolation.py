"""Submissions that run at the same time, or one after the other, and look for each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from autograder.sandbox.provisioner import SandboxKernelManager

Ask = Callable[[str], Awaitable[str]]
NAME = "planted-by-a-neighbour"

# Leaves something in every place that two processes of one machine can share.
PLANT = f"""
import os, socket, subprocess
for folder in ("/tmp", os.path.expanduser("~"), "/dev/shm"):
    open(os.path.join(folder, {NAME!r}), "w").write("secret")
os.mkdir("/tmp/deeper")
listening = []
for family, address in (
    (socket.AF_UNIX, "\\0{NAME}"),
    (socket.AF_UNIX, "/tmp/deeper/{NAME}"),
    (socket.AF_INET, ("127.0.0.1", 47123)),
):
    one = socket.socket(family)
    one.bind(address)
    one.listen()
    listening.append(one)
sleeper = subprocess.Popen(["sleep", "98765"])
terminal = os.openpty()
import ctypes
libc = ctypes.CDLL(None)
shared = libc.shmget(47123, 4096, 0o1666)  # IPC_CREAT
"""

# What of it can be seen; the planting kernel itself has to see all of it.
LOOK = f"""
import ctypes, errno, os, socket
found = []
for top, folders, files in os.walk("/"):
    if top.startswith("/proc"):
        folders.clear()
        continue
    found += [os.path.join(top, name) for name in files if name == {NAME!r}]
for family, address in (
    (socket.AF_UNIX, "\\0{NAME}"),
    (socket.AF_UNIX, "/tmp/deeper/{NAME}"),
    (socket.AF_INET, ("127.0.0.1", 47123)),
):
    with socket.socket(family) as one:
        try:
            one.connect(address)
            found.append(str(address))
        except OSError:
            pass
for process in filter(str.isdigit, os.listdir("/proc")):
    if b"98765" in open(f"/proc/{{process}}/cmdline", "rb").read():
        found.append("process")
if ctypes.CDLL(None).shmget(47123, 4096, 0o666) >= 0:
    found.append("shared memory")
found += [f"terminal {{name}}" for name in os.listdir("/dev/pts") if name.isdigit()]
print(len(found), found)
"""


@asynccontextmanager
async def kernel() -> AsyncIterator[Ask]:
    """A sealed kernel; what is asked of it is code, the answer is what that prints."""
    manager = SandboxKernelManager()
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)

    async def ask(code: str) -> str:
        said: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            said.append(content.get("text", "") or content.get("ename", ""))

        await client.execute_interactive(code, timeout=60, output_hook=hear, allow_stdin=False)
        return "".join(said).strip()

    try:
        yield ask
    finally:
        await manager.shutdown_kernel(now=True)
        client.stop_channels()


def test_neighbours_do_not_see_each_other() -> None:
    """Files, sockets, shared memory, terminals and processes of one are not there for the other."""

    async def both() -> None:
        async with kernel() as one, kernel() as other:
            assert await one(PLANT) == ""
            assert (await one(LOOK)).startswith("10 ")
            assert await other(LOOK) == "0 []"

    asyncio.run(both())


def test_nothing_of_an_earlier_submission_is_left() -> None:
    """A kernel that starts after another one has ended finds nothing."""

    async def in_turn() -> None:
        async with kernel() as one:
            assert await one(PLANT) == ""
        async with kernel() as later:
            assert await later(LOOK) == "0 []"

    asyncio.run(in_turn())


def test_a_kernel_sees_its_own_processes_alone() -> None:
    """It is the first process of its namespace; the fork server and neighbours have no number."""

    async def look() -> str:
        async with kernel(), kernel() as ask:
            return await ask(
                "import os\n"
                "print(os.getpid(), [p for p in os.listdir('/proc') if p.isdigit()], "
                "os.path.exists('/kernels'), sorted(os.listdir('/kernel')))"
            )

    seen = asyncio.run(look())

    assert seen.startswith("1 ['1'] False ['client.json', 'connection.json', 'socket-")


def test_a_signal_to_everybody_reaches_no_neighbour() -> None:
    """Neither by its group nor by all processes; the fork server lives on as well."""
    kill = """
import os
for everybody in (0, -1):
    try:
        os.kill(everybody, 9)
    except OSError:
        pass
"""

    async def both() -> list[str]:
        async with kernel() as one, kernel() as other:
            await one(kill)
            async with kernel() as later:
                return [await ask("print('alive')") for ask in (other, later)]

    assert asyncio.run(both()) == ["alive", "alive"]


SYSTEM_CALLS = {
    "a user namespace": "libc.unshare(0x10000000)",
    "a mount namespace": "libc.unshare(0x00020000)",
    "a mount": "libc.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, None)",
    "taking a mount away": "libc.umount2(b'/tmp', 2)",
    "another root": "libc.chroot(b'/tmp')",
    "tracing": "libc.ptrace(16, 1, None, None)",
    "the memory of another process": "libc.process_vm_readv(1, None, 0, None, 0, 0)",
    "a kernel socket": "libc.socket(38, 5, 0)",  # AF_ALG
    "a socket to the host": "libc.socket(40, 1, 0)",  # AF_VSOCK
    "an other host name": "libc.sethostname(b'x', 1)",
    "a device": "libc.mknod(b'/tmp/disk', 0o60600, 0x800)",
}


@pytest.mark.parametrize("what", SYSTEM_CALLS)
def test_what_attacks_begin_with_is_refused(what: str) -> None:
    """Namespaces, mounts, tracing, kernel sockets: none is permitted, and the kernel goes on."""
    code = f"""
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
result = {SYSTEM_CALLS[what]}
print(result, errno.errorcode.get(ctypes.get_errno()))
"""

    async def attempt() -> str:
        async with kernel() as ask:
            return await ask(code)

    assert asyncio.run(attempt()) in ("-1 EPERM", "-1 EACCES")


@pytest.mark.parametrize(
    "tried",
    [
        "open('/kernel/flood', 'w')",
        "__import__('socket').socket(1).bind('/kernel/flood')",
        "__import__('os').mkdir('/kernel/flood')",
        "__import__('os').chmod('/kernel', 0o777)",
    ],
)
def test_the_folder_of_the_sockets_takes_nothing(tried: str) -> None:
    """It lies on the machine's disk, which a submission cannot fill."""

    async def attempt() -> str:
        async with kernel() as ask:
            return await ask(tried)

    assert asyncio.run(attempt()) in ("PermissionError", "OSError")

"""The fork server from outside: started once, asked for kernels, ended with the one who did."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from multiprocessing.util import Finalize
from pathlib import Path

from autograder.errors import KernelServerError, SandboxUnavailableError
from autograder.kernel.request import Needs
from autograder.sandbox.bubblewrap import Bubblewrap
from autograder.sandbox.level import Isolation

PREFIX = "workbook-kernels-"
START_SECONDS = 60.0
END_SECONDS = 30.0
# Of the 107 bytes that the name of a socket may have, what a kernel's own part leaves.
MAX_NAME = 40
NOTHING = Needs()


class KernelServer:
    """A fork server at a level of isolation, bubblewrap's by default, and its kernels' folder.

    `holds` says what the level holds on this machine, where that is not all.

    Starting it returns as soon as it has sealed a first process; it goes on to import what kernels
    need, and requests wait for that.

    Raises: SandboxUnavailableError, with what to do about it, when it cannot be started;
    KernelServerError, when it was killed.
    """

    def __init__(self, level: Isolation | None = None) -> None:
        self.level: Isolation = level or Bubblewrap()
        self.holds = ""
        _remove_abandoned()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_temporary()))
        self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.kernels = self.folder / "kernels"
        self.kernels.mkdir()
        self._address = str(self.folder / "requests")
        self.owner = os.getpid()
        uid = self.level.uid()
        if uid is not None:
            self.folder.chmod(0o711)
            self.kernels.chmod(0o711)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(self._address)
            os.chmod(self._address, 0o600)
            listening.listen(128)
            try:
                self._process = subprocess.Popen(
                    self.level.command(listening.fileno(), self.kernels, uid),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={
                        "PATH": os.environ.get("PATH", os.defpath),
                        **self.level.variables(self.kernels),
                    },
                    cwd="/",
                    pass_fds=(listening.fileno(),),
                )
            except BaseException:
                self._remove()
                raise
        self._await_sealed()
        # Not by atexit, which a process that multiprocessing started does not look at.
        Finalize(None, self.close, exitpriority=0)

    def _await_sealed(self) -> None:
        """Wait until the server has sealed a process, which it says in its first line."""
        process = self._process
        assert process.stdout is not None
        assert process.stderr is not None
        deadline = threading.Timer(START_SECONDS, process.kill)
        deadline.start()
        answer = process.stdout.readline().decode().strip()
        deadline.cancel()
        if answer == "sealed" or answer.startswith("sealed "):
            self.holds = answer.removeprefix("sealed").strip()
            # Closed: what a server prints later is nobody's to read.
            process.stdout.close()
            process.stderr.close()
            return
        answer = answer or (process.stderr.read().decode().strip().splitlines() or [""])[-1]
        self.close()
        if not answer:
            raise KernelServerError("the fork server was killed while it started")
        raise SandboxUnavailableError(
            f"a sandbox cannot be made here ({answer}); student code does not run without it. "
            f"{self.level.remedy}",
            answer,
        )

    def connect(self) -> socket.socket:
        """A connection that asks for one kernel.

        Raises: OSError, when the server is gone.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            connection.connect(self._address)
        except BaseException:
            connection.close()
            raise
        return connection

    def leave(self) -> None:
        """In a forked process: let the server end with its owner alone."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        os.close(self._lock)

    def close(self) -> None:
        """End the server and its kernels and remove its folder."""
        if self.owner != os.getpid() or self._process.returncode is not None:
            return
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        if self.level.ends_itself:  # as its standard input ended
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        self._process.kill()
        self._process.wait()
        self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def request(
    folder: str,
    uid: int | None,
    limits: dict[str, int],
    environment: dict[str, str],
    needs: Needs = NOTHING,
) -> bytes:
    """The packet that asks for a kernel with `folder` below the server's `kernels`."""
    wanted = {"folder": folder, "uid": uid, "limits": limits, "environment": environment}
    return json.dumps({**wanted, "needs": needs._asdict()}).encode()


def _temporary() -> Path:
    """The folder for temporary files, or /tmp where a socket's name in it would be too long."""
    configured = Path(tempfile.gettempdir())
    return configured if len(str(configured)) <= MAX_NAME else Path("/tmp")


def _remove_abandoned() -> None:
    """Remove the folders of servers whose owners were killed."""
    for folder in _temporary().glob(PREFIX + "*"):
        try:
            if time.time() - folder.stat().st_mtime < START_SECONDS:
                continue  # perhaps not locked yet
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # another user's, or being made or removed at this moment
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            pass  # in use
        finally:
            os.close(lock)


_current: KernelServer | None = None
_changing = threading.Lock()
_level: Isolation | None = None


def use_level(level: Isolation) -> None:
    """Have the fork servers of this process that are started from now on isolate at this level."""
    global _level
    _level = level


def kernel_server() -> KernelServer:
    """The fork server of this process, started at the first call.

    A forked process uses the one of the process that forked it.
    """
    global _current
    with _changing:
        if _current is None:
            _current = _started()
        return _current


def replace(gone: KernelServer) -> KernelServer:
    """Another fork server for one that is gone; the first that asks starts it."""
    global _current
    with _changing:
        if _current is gone:
            gone.close()
            _current = _started()
        assert _current is not None
        return _current


def _started() -> KernelServer:
    try:
        return KernelServer(_level)
    except KernelServerError:
        return KernelServer(_level)

"""The fork server: imports everything once, then forks a sealed kernel for each request.

It never runs a line of a student's. A request is one packet on a connection of its own, which
stands for the kernel: the server answers when the kernel is ready and when it ended, and kills
the kernel when the other side is gone. With it comes the socket that the kernel sends evidence
to. The server ends itself when its standard input ends.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from autograder.kernel import linux
from autograder.kernel.confine import Calls
from autograder.kernel.namespaces import Namespaces
from autograder.kernel.own_user import SeparateUser
from autograder.kernel.request import Needs
from autograder.kernel.start import import_all, listening, make_ready, serve

REQUEST_BYTES = 64 * 1024
SELDOM = 10_000  # new objects until Python looks for cycles among them: a check makes thousands
CLOSE_ON_EXEC = socket.MSG_CMSG_CLOEXEC
SEALED = "sealed "  # begins the first line where a kernel can be closed off


class Level(Protocol):
    """How kernels are closed off, of which there are two: `Namespaces` and `SeparateUser`."""

    kernels: str

    def filter(self) -> Calls:
        """The filter of system calls that every kernel loads."""

    def fork(self) -> int:
        """Fork a process that can be sealed."""

    def seal(self, folder: str, uid: int | None, limits: dict[str, int], calls: Calls) -> str:
        """Close this process off; where it sees its folder from now on."""

    def problem(self) -> str:
        """What does not hold in a process that was sealed; empty where all does."""

    def holds(self) -> str:
        """What holds there, where that depends on the machine."""

    def kill(self, process: int, uid: int | None) -> None:
        """End a kernel and all that it started."""

    def clear(self, folder: str, uid: int | None) -> None:
        """See to what a kernel that ended has left."""


def main() -> None:
    """Take the listening socket's number, the level, a user to try it as; serve until stdin ends.

    A fourth argument says where the level `own-user` finds what it needs.
    """
    linux.die_with_parent()
    listening, called, uid = int(sys.argv[1]), sys.argv[2], int(sys.argv[3] or 0) or None
    level: Level = SeparateUser(**json.loads(sys.argv[4])) if called == "own-user" else Namespaces()
    if called == "mount-proc":
        # bubblewrap covers parts of it for root, and then no other may be mounted
        linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    calls = level.filter()
    answer = _tried(level, calls, uid)
    print(answer, flush=True)
    if not answer.startswith(SEALED):
        return
    import_all()
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page that it looks at
    gc.set_threshold(SELDOM, *gc.get_threshold()[1:])
    Server(socket.socket(fileno=listening), calls, level).run()


def _tried(level: Level, calls: Calls, uid: int | None) -> str:
    """`sealed` and what holds then, where a fork can be sealed here; else why it cannot."""
    folder = f"{level.kernels}/probe"
    os.mkdir(folder)
    limits = {"memory_bytes": 2**32, "processes": 8, "file_bytes": 2**20, "scratch_bytes": 2**20}
    reading, writing = os.pipe()
    try:
        process = level.fork()
    except OSError as error:
        return str(error)
    if process == 0:
        try:
            level.seal(folder, uid, limits, calls)
            answer = level.problem() or f"{SEALED}{level.holds()}"
        except Exception as error:
            answer = str(error) or type(error).__name__
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(process, 0)
    level.clear(folder, uid)
    os.rmdir(folder)
    return answer or "the process that tried it ended"


class Running(NamedTuple):
    """A kernel: the connection that stands for it, its folder and its user."""

    connection: socket.socket
    folder: str
    uid: int | None


class Server:
    """Accepts requests on `listening`, one kernel for each connection."""

    def __init__(self, listening: socket.socket, calls: Calls, level: Level) -> None:
        self._listening = listening
        self._calls = calls
        self._level = level
        self._running: dict[int, Running] = {}  # by the kernel's process number
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve until standard input ends."""
        ended, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for file in (self._listening, sys.stdin, ended):
            self._selector.register(file, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    self._end_all()
                    return
                if key.fileobj is self._listening:
                    self._answer(self._listening.accept()[0])
                elif key.fileobj == ended:
                    os.read(ended, 4096)
                else:
                    self._hang_up(key.data)
            self._reap()

    def _answer(self, connection: socket.socket) -> None:
        """Fork a kernel for the request on `connection`."""
        connection.settimeout(5)
        came: list[int] = []
        try:
            packet, came, *_ = socket.recv_fds(connection, REQUEST_BYTES, 1, CLOSE_ON_EXEC)
            (records,) = came
            request = json.loads(packet)
            make_ready(Needs(**request["needs"]))
            folder = f"{self._level.kernels}/{request['folder']}"
            process = self._level.fork()
        except (OSError, ValueError) as error:
            _say(connection, {"error": str(error)})
            connection.close()
            _close(came)
            return
        if process == 0:
            self._be_kernel(connection, folder, request, records)
        _close(came)
        self._running[process] = Running(connection, folder, request["uid"])
        self._selector.register(connection, selectors.EVENT_READ, process)

    def _be_kernel(
        self, connection: socket.socket, folder: str, request: dict[str, Any], records: int
    ) -> None:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            _close_all_but(connection.fileno(), records)
            sockets = listening(folder, request["uid"])
            seen = self._level.seal(folder, request["uid"], request["limits"], self._calls)
            serve(connection, request["environment"], sockets, seen, records)
        except BaseException:
            _say(connection, {"error": traceback.format_exc(limit=-3)})
        finally:
            os._exit(1)

    def _hang_up(self, process: int) -> None:
        """The other side wants the kernel ended, or is gone: either way it is killed."""
        connection, _, uid = self._running[process]
        self._selector.unregister(connection)
        self._level.kill(process, uid)
        with suppress(OSError):
            if connection.recv(REQUEST_BYTES):
                return  # who asked for the end hears of it
        connection.close()

    def _reap(self) -> None:
        """Tell whose kernel ended."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            if process in self._running:
                connection, folder, uid = self._running.pop(process)
                if connection.fileno() >= 0 and connection in self._selector.get_map():
                    self._selector.unregister(connection)
                self._level.clear(folder, uid)
                _say(connection, {"exit": os.waitstatus_to_exitcode(status)})
                connection.close()

    def _end_all(self) -> None:
        """End the kernels that are left: at the weaker level they would outlive the server."""
        for process, running in self._running.items():
            with suppress(ProcessLookupError):
                self._level.kill(process, running.uid)
            self._level.clear(running.folder, running.uid)


def _close(files: Iterable[int]) -> None:
    for file in files:
        os.close(file)


def _close_all_but(*kept: int) -> None:
    """Close every file but the standard ones and these."""
    first = 3
    for file in sorted(kept):
        os.closerange(first, file)
        first = file + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def _say(connection: socket.socket, what: dict[str, Any]) -> None:
    with suppress(OSError):  # the other side is gone
        connection.sendall(json.dumps(what).encode())


if __name__ == "__main__":
    main()

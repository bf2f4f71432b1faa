"""The fork server: imports everything once, then forks a sealed kernel for each request.

It never runs a line of a student's. A request is one packet on a connection of its own, which
stands for the kernel: the server answers when the kernel is ready and when it ended, and kills
the kernel when the other side is gone. It ends itself when its standard input ends.
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
from contextlib import suppress
from typing import Any

from autograder.kernel import linux
from autograder.kernel.confine import Calls
from autograder.kernel.seal import KERNELS, seal
from autograder.kernel.start import import_all, listening, note_everywhere, serve

REQUEST_BYTES = 64 * 1024


def main() -> None:
    """Take the listening socket's number and whether to mount /proc; serve until stdin ends."""
    linux.die_with_parent()
    listening, mounts_proc = int(sys.argv[1]), sys.argv[2] == "mount-proc"
    if mounts_proc:  # bubblewrap covers parts of it for root, and then no other may be mounted
        linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    calls = Calls()
    if problem := _sealing_problem(calls, int(sys.argv[3]) if sys.argv[3] else None):
        print(problem, flush=True)
        return
    print("sealed", flush=True)
    import_all()
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page that it looks at
    Server(socket.socket(fileno=listening), calls).run()


def _sealing_problem(calls: Calls, uid: int | None) -> str:
    """Why a fork cannot be sealed here, tried once; empty where it can."""
    folder = f"{KERNELS}/probe"
    os.mkdir(folder)
    limits = {"memory_bytes": 2**32, "processes": 8, "file_bytes": 2**20, "scratch_bytes": 2**20}
    reading, writing = os.pipe()
    try:
        process = _fork_first()
    except OSError as error:
        return str(error)
    if process == 0:
        answer = "sealed"
        try:
            seal(folder, uid, limits, calls)
        except Exception as error:
            answer = str(error) or type(error).__name__
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(process, 0)
    os.rmdir(folder)
    return "" if answer == "sealed" else answer or "the process that tried it ended"


def _fork_first() -> int:
    """Fork a process that is the first of a namespace of processes."""
    linux.unshare(linux.CLONE_NEWPID)
    try:
        process = os.fork()
    except OSError:
        linux.return_to_pid_namespace()
        raise
    if process != 0:
        linux.return_to_pid_namespace()
    return process


class Server:
    """Accepts requests on `listening`, one kernel for each connection."""

    def __init__(self, listening: socket.socket, calls: Calls) -> None:
        self._listening = listening
        self._calls = calls
        self._connections: dict[int, socket.socket] = {}  # by the kernel's process number
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
        try:
            request = json.loads(connection.recv(REQUEST_BYTES))
            note_everywhere(request["noted"])  # once, for all that are forked after it
            process = _fork_first()
        except (OSError, ValueError) as error:
            _say(connection, {"error": str(error)})
            connection.close()
            return
        if process == 0:
            self._be_kernel(connection, request)
        self._connections[process] = connection
        self._selector.register(connection, selectors.EVENT_READ, process)

    def _be_kernel(self, connection: socket.socket, request: dict[str, Any]) -> None:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            own = connection.fileno()
            os.closerange(3, own)
            os.closerange(own + 1, os.sysconf("SC_OPEN_MAX"))
            folder = f"{KERNELS}/{request['folder']}"
            sockets = listening(folder, request["uid"])
            seal(folder, request["uid"], request["limits"], self._calls)
            serve(connection, request["environment"], sockets)
        except BaseException:
            _say(connection, {"error": traceback.format_exc(limit=-3)})
        finally:
            os._exit(1)

    def _hang_up(self, process: int) -> None:
        """The other side wants the kernel ended, or is gone: either way it is killed."""
        connection = self._connections[process]
        self._selector.unregister(connection)
        os.kill(process, signal.SIGKILL)
        with suppress(OSError):
            if connection.recv(REQUEST_BYTES):
                return  # who asked for the end hears of it
        self._connections.pop(process).close()

    def _reap(self) -> None:
        """Tell whose kernel ended."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            connection = self._connections.pop(process, None)
            if connection is not None:
                if connection in self._selector.get_map():
                    self._selector.unregister(connection)
                _say(connection, {"exit": os.waitstatus_to_exitcode(status)})
                connection.close()


def _say(connection: socket.socket, what: dict[str, Any]) -> None:
    with suppress(OSError):  # the other side is gone
        connection.sendall(json.dumps(what).encode())


if __name__ == "__main__":
    main()

"""The weaker level, for containers that allow no namespaces: a user of its own for each kernel.

The system's permissions keep that user from the course, the results and the grader; limits,
no-new-privileges, Landlock and seccomp come on top where the machine has them. It takes root, and a
container that holds one submission and is thrown away afterwards. What it does not hold is in
docs/limits.md.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from autograder.kernel import linux
from autograder.kernel.confine import Calls, confine_files
from autograder.kernel.seal import limit_resources

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/proc", "/sys/devices")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
GONE_SECONDS = 10.0  # for processes that were killed to be gone


class SeparateUser:
    """Forks kernels that become another user.

    `kernels` is the folder of theirs, `readable` are folders of Python's; that user must not read
    what is `out_of_reach`, nor write into what is `closed`.
    """

    def __init__(
        self,
        kernels: str,
        readable: Sequence[str],
        out_of_reach: Sequence[str],
        closed: Sequence[str],
    ) -> None:
        self.kernels = kernels
        self._readable = readable
        self._out_of_reach = out_of_reach
        self._closed = closed
        linux.take_orphans()  # so that what a kernel leaves behind is reaped

    def filter(self) -> Calls:
        """What system calls its kernels may make: none that leads into the machine's network."""
        return Calls(shares_machine=True)

    def fork(self) -> int:
        """Fork a process."""
        return os.fork()

    def seal(self, folder: str, uid: int | None, limits: dict[str, int], calls: Calls) -> str:
        """Become the user `uid`, who can write in a home of its own alone; its folder as it is."""
        if uid is None:
            raise PermissionError("only root can give a kernel a user of its own")
        os.umask(0o022)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        os.setsid()  # a signal to its group reaches nobody else
        home = f"{folder}/home"
        for made in (home, f"{home}/tmp"):
            os.mkdir(made, 0o700)
            os.chown(made, uid, uid)
        _take_back(folder, uid)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        linux.stay_readable()
        linux.die_with_parent()
        os.chdir(home)
        limit_resources(limits)
        linux.drop_privileges()
        reading = [*SYSTEM, "/dev", *self._readable, folder]
        there = tuple(each for each in reading if os.path.exists(each))
        devices = tuple(each for each in DEVICES if os.path.exists(each))
        confine_files((home,), there, devices, shares_machine=True)
        calls.confine()
        return folder

    def problem(self) -> str:
        """What a process that was sealed can do and must not, tried; empty where all holds."""
        for path in self._out_of_reach:
            if _can_read(path):
                return f"{path} could be read by student code"
        for folder in self._closed:
            if _can_write(folder):
                return f"student code could write into {folder}"
        for folder in self._readable:
            if not _can_read(folder):
                return f"{folder} cannot be read by another user, so Python does not start"
        with suppress(PermissionError):
            os.kill(os.getppid(), 0)
            return "student code could end the grader"
        return ""

    def holds(self) -> str:
        """What holds besides the user's permissions, in words, and what does not."""
        try:
            socket.socket(socket.AF_INET).close()
            network = "the network is open to student code"
        except OSError:
            network = "no network, by a seccomp filter"
        landlock = "Landlock" if linux.landlock_version() else "no Landlock"
        return f"a user of its own, {network}, {landlock}"

    def kill(self, process: int, uid: int | None) -> None:
        """End a kernel and all that it started."""
        os.kill(process, signal.SIGKILL)
        _kill_all_of(uid or 0)

    def clear(self, folder: str, uid: int | None) -> None:
        """End what a kernel that ended has started, and remove what it wrote."""
        _kill_all_of(uid or 0)
        # Not by recursion: a student may have made folders that are too deep for it.
        subprocess.run(["rm", "-rf", "--", f"{folder}/home"], check=False, capture_output=True)


def _take_back(folder: str, gid: int) -> None:
    """Leave a kernel's folder to its group, to be read; its user keeps the home in it."""
    os.chown(folder, 0, gid)
    os.chmod(folder, 0o750)
    for parent, folders, files in os.walk(folder):
        if parent == folder:
            folders.remove("home")
        for name in (*folders, *files):
            os.chown(f"{parent}/{name}", 0, 0, follow_symlinks=False)


def _can_read(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def _can_write(folder: str) -> bool:
    path = f"{folder}/workbook-probe-{os.getpid()}"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except OSError:
        return False
    os.unlink(path)
    return True


def _kill_all_of(uid: int) -> None:
    """End all processes of a user, at once, and wait until they are gone."""
    if not uid:
        return  # it would be root's
    killer = os.fork()
    if killer == 0:
        try:
            # By its effective user it may kill them all; by its other two none of them kills it.
            os.setresuid(uid + 1, uid, uid + 1)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(killer, 0)
    deadline = time.monotonic() + GONE_SECONDS
    while _has_processes(uid) and time.monotonic() < deadline:
        time.sleep(0.005)


def _has_processes(uid: int) -> bool:
    """Whether a process of a user is there that is not about to be reaped."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError, IndexError, ValueError):
            status = Path(f"/proc/{name}/status").read_text()
            own = int(status.split("\nUid:")[1].split()[0])
            state = status.split("\nState:")[1].split()[0]
            if own == uid and state not in "ZX":
                return True
    return False

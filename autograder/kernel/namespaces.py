"""The usual level: every fork is the first process of namespaces of its own, see `seal`."""

from __future__ import annotations

import os
import signal

from autograder.kernel import linux
from autograder.kernel.confine import Calls
from autograder.kernel.seal import KERNEL, KERNELS, seal


class Namespaces:
    """Forks kernels into namespaces; with its first process ends all that one started."""

    kernels = KERNELS

    def filter(self) -> Calls:
        """What system calls its kernels may make; the network is one of their own."""
        return Calls()

    def fork(self) -> int:
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

    def seal(self, folder: str, uid: int | None, limits: dict[str, int], calls: Calls) -> str:
        """Close this process off; where it sees its folder from now on."""
        seal(folder, uid, limits, calls)
        return KERNEL

    def problem(self) -> str:
        """Nothing: what cannot be made raises when it is made."""
        return ""

    def holds(self) -> str:
        """Nothing to say: all of it."""
        return ""

    def kill(self, process: int, uid: int | None) -> None:
        """End a kernel and all that it started."""
        os.kill(process, signal.SIGKILL)

    def clear(self, folder: str, uid: int | None) -> None:
        """Nothing: what a kernel started and wrote went with its namespaces."""

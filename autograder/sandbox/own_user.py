"""The weaker level from outside: a fork server without namespaces, whose kernels are other users.

Never taken by itself: `use_level` has to be told, which the autograder for Gradescope does where
bubblewrap cannot work. See `autograder.kernel.own_user` for what it holds.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import autograder
from autograder.errors import SandboxUnavailableError
from autograder.sandbox.bubblewrap import environment, free_uid, python_folders

PACKAGES = "packages"
# What every user may write on a usual system.
SHARED_FOLDERS = (
    *("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue"),
    *("/run", "/run/lock", "/run/shm", "/var/lock", "/var/crash"),
)
FEW_USERS = range(20_000, 60_000, 2)  # where a container has no more than the usual numbers


class OwnUser:
    """Kernels without namespaces, each a user of its own.

    Whether `out_of_reach` cannot be read, and `closed` not be written, is tried first.

    Raises: SandboxUnavailableError, where only the one user is to be had.
    """

    remedy = (
        "The container has to run it as root, with the capabilities CHOWN, DAC_OVERRIDE, KILL, "
        "SETGID and SETUID"
    )
    ends_itself = True

    def __init__(
        self, out_of_reach: Sequence[Path], closed: Sequence[str] = SHARED_FOLDERS
    ) -> None:
        if os.geteuid() != 0:
            raise SandboxUnavailableError(
                "student code can be given a user of its own by root alone"
            )
        self._out_of_reach = out_of_reach
        self._closed = closed

    def uid(self) -> int:
        """A user number that nobody has, and whose neighbour nobody has either."""
        number = free_uid() & ~1
        if _is_mapped(number):
            return number
        taken = {each.pw_uid & ~1 for each in pwd.getpwall()}
        free = [each for each in FEW_USERS if each not in taken and _is_mapped(each)]
        if not free:
            raise SandboxUnavailableError(
                "this container has no user number to spare for student code"
            )
        return secrets.choice(free)

    def command(self, listening: int, kernels: Path, uid: int | None) -> list[str]:
        """Python itself, as it is here, with no more of this package than bubblewrap shows."""
        package, copied = Path(autograder.__file__).parent, _packages(kernels)
        (copied / "autograder").mkdir(parents=True)
        shutil.copy(package / "__init__.py", copied / "autograder")
        for part in ("observe", "kernel"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package / part, copied / "autograder" / part, ignore=ignored)
        about = {
            "kernels": str(kernels),
            "readable": [*map(str, python_folders()), str(copied)],
            "out_of_reach": [str(path) for path in self._out_of_reach if path.exists()],
            "closed": list(self._closed),
        }
        start = [sys.executable, "-P", "-m", "autograder.kernel.fork_server", str(listening)]
        return [*start, "own-user", str(uid), json.dumps(about)]

    def variables(self, kernels: Path) -> dict[str, str]:
        """Those of a kernel, as nothing else sets them."""
        places = {"HOME": "/", "TMPDIR": str(kernels.parent), "PYTHONPATH": str(_packages(kernels))}
        return {**environment(), **places}

    def environment(self, folder: Path) -> dict[str, str]:
        """Those of every kernel, with a home of its own."""
        home = f"{folder}/home"
        places = {
            "HOME": home,
            "TMPDIR": f"{home}/tmp",
            "PYTHONPATH": str(_packages(folder.parent)),
        }
        return {**environment(), **places}

    def seen(self, folder: Path) -> str:
        """Where it is."""
        return str(folder)


def close_shared_folders() -> None:
    """Take from all but root the right to write where every user may on a usual system.

    For a container that is thrown away afterwards, and for no other machine.
    """
    for folder in map(Path, SHARED_FOLDERS):
        with suppress(OSError):  # not there, or not to be changed: whether it holds is tried
            folder.chmod(0o755)


def _packages(kernels: Path) -> Path:
    return kernels.parent / PACKAGES


def _is_mapped(number: int) -> bool:
    """Whether a user number and the one after it are to be had here. See user_namespaces(7)."""
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    ranges = [list(map(int, line.split())) for line in lines]
    return any(first <= number and number + 2 <= first + count for first, _, count in ranges)

"""The bubblewrap command line: the outer sandbox, in which secrets are not there.

Seen from inside: a read-only Python environment, the packages `observe` and `kernel`, the folder
of the kernels. No network, no other process, no course, no home. Only the fork server lives here;
each kernel that it forks seals itself once more.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from pathlib import Path

import autograder
from autograder.errors import SandboxUnavailableError
from autograder.kernel.seal import HOME, KERNEL, KERNELS, NEW_ROOT

PACKAGES = "/opt/workbook"
# What a fork server needs inside the sandbox to seal its kernels; they keep none of it.
CAPABILITIES = (
    "CAP_SYS_ADMIN",
    "CAP_NET_ADMIN",
    "CAP_SETUID",
    "CAP_SETGID",
    "CAP_KILL",
    "CAP_DAC_OVERRIDE",
    "CAP_SETFCAP",  # whoever maps a user namespace's root needs it; see user_namespaces(7)
)
SYSTEM_FOLDERS = ("/usr", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")
SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
# Above every account of a machine; a sandbox that root starts gets one of these as its own.
FIRST_FREE_UID = 1_879_048_192


class Bubblewrap:
    """The usual level: namespaces in which secrets are not there."""

    remedy = (
        "Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, or "
        "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)"
    )
    ends_itself = False

    def uid(self) -> int | None:
        """A user number for what root starts."""
        return free_uid() if os.geteuid() == 0 else None

    def command(self, listening: int, kernels: Path, uid: int | None) -> list[str]:
        """The command that starts the fork server in the outer sandbox."""
        return command(listening, kernels, uid)

    def variables(self, kernels: Path) -> dict[str, str]:
        """None: bubblewrap sets those that are seen inside."""
        return {}

    def environment(self, folder: Path) -> dict[str, str]:
        """The same for every kernel."""
        return environment()

    def seen(self, folder: Path) -> str:
        """The same for every kernel."""
        return KERNEL


def free_uid() -> int:
    """A user number for a sandbox started by root, so that limits by user count for it alone."""
    return FIRST_FREE_UID + int.from_bytes(os.urandom(3), "big")


def environment() -> dict[str, str]:
    """All the environment variables that a kernel sees, but for its seed."""
    return {
        "HOME": HOME,
        "USER": "student",
        "LANG": "C.UTF-8",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": PACKAGES,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def command(listening: int, kernels: Path, uid: int | None) -> list[str]:
    """The command that starts the fork server in the outer sandbox.

    `listening` is the number of the socket that it inherits, `kernels` the folder in which each
    kernel gets one of its own; `uid` is a user to try the sealing as, given exactly when root
    starts the sandbox.

    Raises: SandboxUnavailableError, when bubblewrap is not installed.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxUnavailableError(
            "bubblewrap is not installed, and student code does not run without it: "
            "sudo apt-get install bubblewrap"
        )
    package = Path(autograder.__file__).parent
    visible = {str(path): str(path) for path in python_folders()}
    for part in ("__init__.py", "observe", "kernel"):
        visible[str(package / part)] = f"{PACKAGES}/autograder/{part}"

    # The fork server is the first process: with it end all that it forked.
    arguments = [bwrap, "--new-session", "--as-pid-1", "--clearenv"]
    arguments += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try"]
    if uid is None:
        # As root of its user namespace; for another user bubblewrap would make a second one, which
        # has no power over the other namespaces.
        arguments += ["--unshare-user", "--uid", "0", "--gid", "0", "--proc", "/proc"]
    else:
        # Root needs no user namespace, and there bubblewrap would cover parts of /proc, after
        # which none can be mounted: the fork server mounts its own.
        arguments += ["--dir", "/proc"]
    arguments += ["--cap-drop", "ALL"]
    for capability in CAPABILITIES:
        arguments += ["--cap-add", capability]
    arguments += ["--dev", "/dev", "--tmpfs", "/tmp", "--dir", NEW_ROOT, *_parents(HOME)]
    arguments += ["--perms", "0755", "--dir", HOME]
    for link in SYSTEM_LINKS:
        if os.path.islink(link):
            arguments += ["--symlink", os.readlink(link), link]
        elif os.path.isdir(link):
            arguments += ["--ro-bind", link, link]
    for folder in SYSTEM_FOLDERS:
        arguments += [*_parents(folder), "--ro-bind-try", folder, folder]
    for source, target in visible.items():
        arguments += [*_parents(target), "--ro-bind", source, target]
    arguments += ["--bind", str(kernels), KERNELS]
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
    for name, value in environment().items():
        arguments += ["--setenv", name, value]
    arguments += ["--", sys.executable, "-m", "autograder.kernel.fork_server", str(listening)]
    return [*arguments, "keep-proc" if uid is None else "mount-proc", str(uid or "")]


def _parents(target: str) -> list[str]:
    """Folders above `target`; bubblewrap would make them readable by its own user alone."""
    above = [parent for parent in reversed(Path(target).parents) if str(parent) != "/"]
    return [part for parent in above for part in ("--perms", "0755", "--dir", str(parent))]


@functools.cache
def python_folders() -> tuple[Path, ...]:
    """The folders that this Python and its packages are in, without those under /usr.

    A source checkout that is installed in place is left out: it holds the solutions.
    """
    roots = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent}
    roots |= {
        Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")
    }
    kept: list[Path] = []
    for root in sorted(roots):
        inside = (Path("/usr"), *kept)
        if root.is_dir() and not any(root.is_relative_to(folder) for folder in inside):
            kept.append(root)
    return tuple(kept)


def check_place(course: Path) -> None:
    """Refuse a course in a folder that student code can read.

    Raises: SandboxUnavailableError, with what to do about it.
    """
    for folder in (Path("/usr"), *python_folders()):
        if course.resolve().is_relative_to(folder):
            raise SandboxUnavailableError(
                f"the course lies in {folder}, which student code can read; move the course "
                "out of it"
            )

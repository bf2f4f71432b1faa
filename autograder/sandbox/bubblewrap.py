"""The bubblewrap command line: a root of its own in which secrets are not there.

Seen from inside: a read-only Python environment, the observing package, what the student handed
in, scratch space in memory. No network, no other process, no course, no home.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import autograder
from autograder.sandbox.limits import Limits

HOME = "/home/student"
PACKAGES = "/opt/workbook"
HANDED_IN = "/run/handed-in"
SYSTEM_FOLDERS = ("/usr", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")
SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
# Above every account of a machine; a sandbox that root starts gets one of these as its own.
FIRST_FREE_UID = 1_879_048_192


class SandboxUnavailable(RuntimeError):
    """This machine cannot isolate submissions; the message says what to do."""


def free_uid() -> int:
    """A user number for a sandbox started by root, so that limits by user count for it alone."""
    return FIRST_FREE_UID + int.from_bytes(os.urandom(3), "big")


def environment(seed: int) -> dict[str, str]:
    """All the environment variables that the kernel sees."""
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
        "WORKBOOK_SEED": str(seed),
    }


def command(
    inner: Iterable[str],
    *,
    limits: Limits,
    seed: int,
    shared: Path,
    handed_in: Path | None = None,
    packages: Mapping[str, Path] | None = None,
    uid: int | None = None,
) -> list[str]:
    """The command that runs `inner` in a sandbox.

    `shared` is the one folder both sides can write to (for the sockets); `handed_in` becomes the
    working folder's content; `packages` are importable folders by name; `uid` is a user to become,
    given exactly when root starts the sandbox.

    Raises: SandboxUnavailable, when bubblewrap is not installed.
    """
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxUnavailable(
            "bubblewrap is not installed, and student code does not run without it: "
            "sudo apt-get install bubblewrap"
        )
    visible = {str(path): str(path) for path in python_folders()}
    package = Path(autograder.__file__).parent
    visible[str(package / "__init__.py")] = f"{PACKAGES}/autograder/__init__.py"
    visible[str(package / "observe")] = f"{PACKAGES}/autograder/observe"
    for name, path in (packages or {}).items():
        visible[str(path)] = f"{PACKAGES}/{name}"
    if handed_in is not None:
        visible[str(handed_in)] = HANDED_IN

    arguments = [bwrap, "--die-with-parent", "--new-session", "--clearenv"]
    arguments += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try"]
    arguments += [] if uid is not None else ["--unshare-user", "--disable-userns"]
    arguments += ["--hostname", "workbook", "--proc", "/proc", "--dev", "/dev"]
    for folder, size in ((HOME, limits.scratch_bytes), ("/tmp", limits.scratch_bytes)):
        arguments += [*_parents(folder)]
        arguments += ["--size", str(size), "--perms", "1777", "--tmpfs", folder]
    arguments += ["--size", str(limits.scratch_bytes), "--perms", "1777", "--tmpfs", "/dev/shm"]
    for link in SYSTEM_LINKS:
        if os.path.islink(link):
            arguments += ["--symlink", os.readlink(link), link]
        elif os.path.isdir(link):
            arguments += ["--ro-bind", link, link]
    for folder in SYSTEM_FOLDERS:
        arguments += [*_parents(folder), "--ro-bind-try", folder, folder]
    for source, target in visible.items():
        arguments += [*_parents(target), "--ro-bind", source, target]
    arguments += [*_parents(str(shared)), "--bind", str(shared), str(shared)]
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME]
    for name, value in environment(seed).items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--", *(_become(uid) if uid is not None else []), *inner]


def _become(uid: int) -> list[str]:
    """Root escapes limits on processes: leave root for a user that owns nothing."""
    return [
        "setpriv",
        f"--reuid={uid}",
        f"--regid={uid}",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--no-new-privs",
        "--",
    ]


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


def check_sandbox(course: Path | None = None) -> None:
    """Run one command in a sandbox, for a course in the folder `course`.

    Raises: SandboxUnavailable, with what to do about it.
    """
    for folder in (Path("/usr"), *python_folders()):
        if course is not None and course.resolve().is_relative_to(folder):
            raise SandboxUnavailable(
                f"the course lies in {folder}, which student code can read; move the course "
                "out of it"
            )
    import tempfile

    with tempfile.TemporaryDirectory(prefix="workbook-") as shared:
        uid = free_uid() if os.geteuid() == 0 else None
        argv = command(
            [sys.executable, "-c", "print('ready')"],
            limits=Limits(),
            seed=0,
            shared=Path(shared),
            uid=uid,
        )
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    if done.stdout.strip() != "ready":
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SandboxUnavailable(
            f"bubblewrap cannot make a sandbox here ({said}); student code does not run without "
            "it. Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
            "or kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu), or run as root"
        )

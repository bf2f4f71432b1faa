"""A container as Gradescope starts one, laid out by bubblewrap: `/autograder`, root, `/usr`.

The kinds are what a virtual machine allows (`OPEN`), what Docker allows by default (`DOCKER`, and
`OLD_DOCKER` under a kernel without Landlock, `NO_FILTER` without libseccomp besides), and one whose
root may not even become another user (`CLOSED`). No network is used: the Python with all libraries
is this machine's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.sandbox.bubblewrap import SYSTEM_LINKS

OPEN, DOCKER, OLD_DOCKER, NO_FILTER, CLOSED = "open", "docker", "old", "no filter", "closed"
# Docker's documentation, "Runtime privilege and Linux capabilities": those kept by default.
KEPT_BY_DOCKER = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)
# Of its default seccomp profile, the calls that want CAP_SYS_ADMIN and that a sandbox would make.
REFUSED_BY_DOCKER = ("mount", "pivot_root", "setns", "umount2", "unshare")
NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
PYTHON_FOLDER = Path("/opt/autograder")
SECONDS = 240

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("bwrap") is None,
    reason="only root can lay out a container in which root has several users",
)


@dataclass(frozen=True)
class Container:
    """What is in one: the folder that is `/autograder`, and a Python that has all libraries."""

    autograder: Path
    python: Path

    def unpack(self, bundle: Path) -> None:
        """Unpack a zip as Gradescope does, permissions and all."""
        source = self.autograder / "source"
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(source)
            for info in archive.infolist():
                (source / info.filename).chmod(info.external_attr >> 16 & 0o777)
        shutil.copy(source / "run_autograder", self.autograder)

    def submit(self, files: dict[str, bytes]) -> None:
        """Put what a student uploads where Gradescope puts it, and no results."""
        for name in ("submission", "results"):
            shutil.rmtree(self.autograder / name, ignore_errors=True)
            (self.autograder / name).mkdir()
        for name, content in files.items():
            (self.autograder / "submission" / name).write_bytes(content)
        (self.autograder / "submission_metadata.json").write_text('{"users": [{"name": "Ada"}]}')

    def run(
        self, kind: str, command: Sequence[str], *more: str, seconds: int = SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root in a container of this kind; `more` is for bubblewrap."""
        with tempfile.TemporaryFile() as rules:
            rules.write(_seccomp(kind))
            rules.seek(0)
            filtered = ["--seccomp", str(rules.fileno())] if kind != OPEN else []
            return subprocess.run(
                [*self._layout(kind), *_capabilities(kind), *filtered, *more, "--", *command],
                pass_fds=[rules.fileno()],
                capture_output=True,
                text=True,
                timeout=seconds,
            )

    def _layout(self, kind: str) -> list[str]:
        words = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-net"]
        words += ["--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin"]
        words += ["--setenv", "WORKBOOK_PYTHON", f"{PYTHON_FOLDER}/bin/python"]
        words += ["--proc", "/proc", "--dev", "/dev", "--ro-bind", "/usr", "/usr"]
        words += ["--ro-bind", "/etc", "/etc", "--perms", "0755", "--dir", "/root"]
        for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run/lock"):
            words += [*_parents(Path(folder)), "--perms", "1777", "--tmpfs", folder]
        for link in SYSTEM_LINKS:
            if os.path.islink(link):
                words += ["--symlink", os.readlink(link), link]
            elif os.path.isdir(link):
                words += ["--ro-bind", link, link]
        for folder in _libraries():
            words += [*_parents(folder), "--ro-bind", str(folder), str(folder)]
        if kind == NO_FILTER:
            missing = str(self.python / "missing.py")
            words += ["--ro-bind", missing, f"{sysconfig.get_paths()['purelib']}/pyseccomp.py"]
        words += [*_parents(PYTHON_FOLDER), "--bind", str(self.python), str(PYTHON_FOLDER)]
        words += ["--bind", str(self.autograder), "/autograder", "--chdir", "/autograder"]
        return words


def make_container(folder: Path) -> Container:
    """An empty one: its Python has the libraries that are installed here, and nothing of ours."""
    venv.create(folder / "python", symlinks=True)
    (packages,) = (folder / "python" / "lib").glob("python*/site-packages")
    # As plain folders: this course, which is installed as a link, is not found through them.
    (packages / "libraries.pth").write_text("\n".join(_site_packages()))
    (folder / "python" / "missing.py").write_text("raise ImportError\n")
    (folder / "autograder").mkdir()
    return Container(folder / "autograder", folder / "python")


def _site_packages() -> list[str]:
    return sorted({sysconfig.get_paths()[name] for name in ("purelib", "platlib")})


def _libraries() -> list[Path]:
    folders = {Path(sys.base_prefix), *map(Path, _site_packages())}
    return [folder for folder in sorted(folders) if not folder.is_relative_to("/usr")]


def _parents(path: Path) -> list[str]:
    above = [str(each) for each in reversed(path.parents) if str(each) != "/"]
    return [word for each in above for word in ("--perms", "0755", "--dir", each)]


def _capabilities(kind: str) -> list[str]:
    if kind == OPEN:
        return ["--cap-add", "ALL"]
    kept = () if kind == CLOSED else KEPT_BY_DOCKER
    return ["--cap-drop", "ALL", *(w for name in kept for w in ("--cap-add", f"CAP_{name}"))]


def _seccomp(kind: str) -> bytes:
    """The filter that a container's processes live under, as the system takes it."""
    import errno

    import pyseccomp

    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in REFUSED_BY_DOCKER:
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
    for flag in NAMESPACES:
        wanted = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag)
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", wanted)
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    if kind in (OLD_DOCKER, NO_FILTER):
        for part in ("create_ruleset", "add_rule", "restrict_self"):
            rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), f"landlock_{part}")
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()

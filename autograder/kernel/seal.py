"""Seals a fork: namespaces, a root of its own, no capability, limits. No student's line ran yet.

The root holds the Python of the fork server, read-only, and the kernel's own folder; scratch
space is in memory. See namespaces(7), pivot_root(2), user_namespaces(7).
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from autograder.kernel import linux
from autograder.kernel.confine import Calls, confine_files

HOME = "/home/student"
KERNEL = "/kernel"  # its own folder, as the kernel sees it
KERNELS = "/kernels"  # those of all, in the fork server's view
STUDENT = 1000  # the user number that the kernel sees
NEW_ROOT = "/new-root"  # in the fork server's view
SCRATCH_FILES = 10_000  # files and folders in each; one takes a kilobyte of the machine's memory
ITSELF_BYTES = 3 * 2**28  # what is mapped with torch's build for processors alone, and some room
_DEVICES = ("null", "zero", "full", "random", "urandom")
# Not passed on: what is the server's own, or made anew below.
_NOT_SHARED = ("proc", "dev", "tmp", "kernels", "new-root")


def seal(folder: str, uid: int | None, limits: dict[str, int], calls: Calls) -> None:
    """Make this process, the first of its namespace, unable to reach anything but its own.

    `folder` is the kernel's own; `uid` is whom to become when root asks; `limits` are bytes and
    counts. The mounts belong to the fork server's user namespace: the kernel, which leaves that
    one last, has no power over them.
    """
    os.umask(0o022)
    Path("/proc/self/oom_score_adj").write_text("1000")
    os.setsid()  # a signal to its group reaches no neighbour
    linux.unshare(
        linux.CLONE_NEWNS
        | linux.CLONE_NEWIPC
        | linux.CLONE_NEWNET
        | linux.CLONE_NEWUTS
        | linux.CLONE_NEWCGROUP
    )
    _own_root(folder, uid, limits["scratch_bytes"])
    linux.raise_loopback()
    for top in ("/", KERNEL):
        linux.make_read_only(top)
    _own_user(uid)
    os.chdir(HOME)
    limit_resources(limits)
    linux.drop_privileges()
    confine_files((HOME, "/tmp", "/dev"))
    calls.confine()


def address_space(memory_bytes: int, mapped_bytes: int) -> int:
    """The address space for a process that may take so much memory, and has so much mapped.

    What libraries map beyond `ITSELF_BYTES` is not held against what runs: torch's build for GPUs
    maps 2.5 GiB that it never touches here.
    """
    return memory_bytes + max(0, mapped_bytes - ITSELF_BYTES)


def limit_resources(limits: dict[str, int]) -> None:
    """Set what this process and those after it may use, or less where less is left already."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for kind, limit in (
        (resource.RLIMIT_AS, address_space(limits["memory_bytes"], mapped)),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        most = resource.getrlimit(kind)[1]
        least = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(kind, (least, least))


def _own_user(uid: int | None) -> None:
    """Become another user where root asks to, then the only one of a namespace, without more."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        linux.stay_readable()
    own_uid, own_gid = os.getuid(), os.getgid()
    linux.unshare(linux.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{STUDENT} {own_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{STUDENT} {own_gid} 1")
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def _own_root(folder: str, uid: int | None, scratch_bytes: int) -> None:
    owner = "" if uid is None else f",uid={uid},gid={uid}"
    private = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", NEW_ROOT, "tmpfs", private, "mode=0755,size=1m")
    _share("/", but=_NOT_SHARED)
    os.mkdir(NEW_ROOT + KERNEL)
    linux.mount(folder, NEW_ROOT + KERNEL, flags=linux.MS_BIND)
    _own_devices()
    for scratch in ("/tmp", HOME, "/dev/shm"):
        os.makedirs(NEW_ROOT + scratch, exist_ok=True)
        size = f"mode=1777,size={scratch_bytes},nr_inodes={SCRATCH_FILES}{owner}"
        linux.mount("tmpfs", NEW_ROOT + scratch, "tmpfs", private, size)
        _share(scratch)  # where the Python environment lies in one of these
    os.mkdir(f"{NEW_ROOT}/proc")
    linux.mount("proc", f"{NEW_ROOT}/proc", "proc", private | linux.MS_NOEXEC)
    linux.make_read_only(f"{NEW_ROOT}/dev")
    os.mkdir(f"{NEW_ROOT}/old")
    os.chdir(NEW_ROOT)
    linux.pivot_root(".", "old")
    os.chdir("/")
    linux.detach("/old")
    os.rmdir("/old")


def _share(top: str, but: tuple[str, ...] = ()) -> None:
    """Show the folders in `top` of the fork server's view in the new root as well."""
    for entry in os.listdir(top):
        old = os.path.join(top, entry)
        new = NEW_ROOT + old
        if entry in but:
            continue
        if os.path.islink(old):
            os.symlink(os.readlink(old), new)
        elif os.path.isdir(old):
            os.mkdir(new)
            linux.mount(old, new, flags=linux.MS_BIND | linux.MS_REC)


def _own_devices() -> None:
    """A few devices that hold nothing, and terminals of its own."""
    top = f"{NEW_ROOT}/dev"
    os.mkdir(top)
    linux.mount("tmpfs", top, "tmpfs", linux.MS_NOSUID, "mode=0755,size=64k")
    for device in _DEVICES:
        Path(f"{top}/{device}").touch()
        linux.mount(f"/dev/{device}", f"{top}/{device}", flags=linux.MS_BIND)
    os.symlink("/proc/self/fd", f"{top}/fd")
    os.symlink("pts/ptmx", f"{top}/ptmx")
    os.mkdir(f"{top}/pts")
    options = "newinstance,ptmxmode=0666,mode=620"
    linux.mount("devpts", f"{top}/pts", "devpts", linux.MS_NOSUID, options)

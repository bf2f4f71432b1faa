"""The system calls that Python has no name for."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct

_libc = ctypes.CDLL(None, use_errno=True)

# <sched.h>
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# <sys/mount.h>
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

# <linux/prctl.h>
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4

# <net/if.h>, <linux/sockios.h>
_IFF_UP, _IFF_RUNNING, _SIOCSIFFLAGS = 0x1, 0x40, 0x8914

# <fcntl.h>, <stdio.h>
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2

# <malloc.h>
_M_MMAP_THRESHOLD = -3

# The same numbers on every architecture that has the call.
_SYS_LANDLOCK_CREATE_RULESET, _SYS_LANDLOCK_ADD_RULE, _SYS_LANDLOCK_RESTRICT_SELF = 444, 445, 446
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SYS_CAPSET = {"x86_64": 126, "aarch64": 91}


def _check(result: int, what: str) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def map_blocks_of(size_bytes: int) -> None:
    """Have blocks of this size and more given back as soon as they are freed. See mallopt(3).

    glibc keeps ever larger ones in reserve by itself, and a limit of memory then depends on what
    ran before. Other C libraries are left as they are.
    """
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_MMAP_THRESHOLD, size_bytes)


def unshare(flags: int) -> None:
    """Leave the namespaces of `flags` for new ones. See unshare(2)."""
    _check(_libc.unshare(flags), "unshare")


def return_to_pid_namespace() -> None:
    """Have later children in one's own namespace of processes again. See setns(2)."""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(own, CLONE_NEWPID), "setns")
    finally:
        os.close(own)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """See mount(2)."""
    done = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _check(done, f"mount {kind or source} on {target}")


def make_read_only(target: str) -> None:
    """Let nothing be written through a mount; what it forbids already must be said again."""
    kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root and move the old one to `old`, below it. See pivot_root(2)."""
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(number, new.encode(), old.encode()), "pivot_root")


def exchange(one: str, other: str) -> None:
    """Give two files or folders each other's names, in one step. See renameat2(2)."""
    if not hasattr(_libc, "renameat2"):
        raise OSError(errno.ENOSYS, "renameat2 is not there")
    names = os.fsencode(one), os.fsencode(other)
    _check(_libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE), "exchange")


def detach(target: str) -> None:
    """Take a mount away, also while it is used. See umount2(2)."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def raise_loopback() -> None:
    """Set the network interface `lo` up. See netdevice(7)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", _IFF_UP | _IFF_RUNNING)  # struct ifreq
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)


def die_with_parent() -> None:
    """Have this process killed when its parent ends. See prctl(2)."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def take_orphans() -> None:
    """Become the parent of what descendants leave. See PR_SET_CHILD_SUBREAPER in prctl(2)."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def stay_readable() -> None:
    """Keep /proc/self one's own after a change of user. See PR_SET_DUMPABLE in prctl(2)."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")


def drop_privileges() -> None:
    """Give up every capability, now and after every exec. See capabilities(7)."""
    capability = 0
    while _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _check(_libc.syscall(_SYS_CAPSET[os.uname().machine], header, bytes(24)), "capset")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def landlock_version() -> int:
    """The version of Landlock that this machine has, or 0. See landlock(7)."""
    return max(0, int(_libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, None, 0, 1)))


def landlock(handled: bytes, rules: list[tuple[int, str]]) -> None:
    """Forbid what `handled` names but for what `rules` allow below folders. See landlock(7)."""
    ruleset = _check(
        _libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, handled, len(handled), 0), "landlock ruleset"
    )
    for allowed, folder in rules:
        below = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", allowed, below)  # struct landlock_path_beneath_attr, packed
        _check(_libc.syscall(_SYS_LANDLOCK_ADD_RULE, ruleset, 1, rule, 0), f"landlock {folder}")
        os.close(below)
    _check(_libc.syscall(_SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock")
    os.close(ruleset)

"""What a sealed kernel may still ask of the operating system: Landlock and seccomp.

Both come on top of namespaces that already hold nothing to steal, where the kernel has them.
"""

from __future__ import annotations

import errno
import struct

from autograder.kernel import linux

# <linux/landlock.h>
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_VERSION_1 = (1 << 13) - 1
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TCP = 0b11  # to bind and to connect
_SCOPED = 0b11  # abstract sockets and signals stay in the domain

# What a program that computes never needs and what attacks on a kernel begin with.
FORBIDDEN_CALLS = """
    acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module fanotify_init
    finit_module fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register
    io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mount
    mount_setattr move_mount name_to_handle_at nfsservctl open_by_handle_at open_tree
    perf_event_open pidfd_getfd pivot_root process_vm_readv process_vm_writev ptrace quotactl
    quotactl_fd reboot request_key setdomainname sethostname setns settimeofday swapoff swapon
    syslog umount2 unshare userfaultfd vhangup
"""
# Local sockets, the own network, and the question which interfaces that has, which ZeroMQ asks.
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_OWN_FAMILIES = (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK)
_SHARED_FAMILIES = (_AF_UNIX, _AF_NETLINK)
# What is kept where no namespace is one's own, and stays when a process ended.
_OUTLASTING_CALLS = "mq_open msgget semget shmget"
_LAST_FAMILY = 64
_TIOCSTI = 0x5412
_NAMESPACES = (
    linux.CLONE_NEWUSER,
    linux.CLONE_NEWNS,
    linux.CLONE_NEWPID,
    linux.CLONE_NEWIPC,
    linux.CLONE_NEWNET,
    linux.CLONE_NEWUTS,
    linux.CLONE_NEWCGROUP,
)


def confine_files(
    writable: tuple[str, ...],
    readable: tuple[str, ...] = ("/",),
    devices: tuple[str, ...] = (),
    shares_machine: bool = False,
) -> None:
    """Allow to read below `readable`, to write below `writable` and into `devices`.

    What `shares_machine` has no network of its own, and so may not use any.
    """
    version = linux.landlock_version()
    if not version:
        return
    handled = _VERSION_1
    for since, right in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)):
        handled |= right if version >= since else 0
    reading = EXECUTE | READ_FILE | READ_DIR
    writing = handled & ~(_MAKE_CHAR | _MAKE_BLOCK)
    attributes = struct.pack("=Q", handled)
    # 0: a network of its own holds no one to speak to.
    network = _TCP if shares_machine else 0
    if version >= 4:
        attributes += struct.pack("=Q", network)
    if version >= 6:
        attributes += struct.pack("=Q", _SCOPED)
    using = handled & (READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV)
    rules = [
        *((reading, folder) for folder in readable),
        *((writing, folder) for folder in writable),
        *((using, device) for device in devices),
    ]
    linux.landlock(attributes, rules)


class Calls:
    """The filter of system calls; made once by the fork server, loaded by every kernel.

    What `shares_machine` has neither a network nor message queues and the like of its own, and so
    is refused all of them.
    """

    def __init__(self, shares_machine: bool = False) -> None:
        families = _SHARED_FAMILIES if shares_machine else _OWN_FAMILIES
        names = f"{FORBIDDEN_CALLS} {_OUTLASTING_CALLS if shares_machine else ''}"
        try:
            import pyseccomp
        except (ImportError, RuntimeError):  # no libseccomp on this machine
            self._filter = None
            return
        self._filter = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
        refused = pyseccomp.ERRNO(errno.EPERM)
        for name in names.split():
            try:
                self._filter.add_rule(refused, name)
            except (OSError, ValueError):  # not a call of this architecture
                continue
        # Its flags lie in memory, where no filter can look; C libraries then fall back to clone.
        self._filter.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
        for flag in _NAMESPACES:
            wanted = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag)
            self._filter.add_rule(refused, "clone", wanted)
        for family in range(_LAST_FAMILY):
            if family not in families:
                is_family = pyseccomp.Arg(0, pyseccomp.EQ, family)
                self._filter.add_rule(refused, "socket", is_family)
        beyond = pyseccomp.Arg(0, pyseccomp.GE, _LAST_FAMILY)
        self._filter.add_rule(refused, "socket", beyond)
        netlink = pyseccomp.Arg(0, pyseccomp.EQ, _AF_NETLINK)
        not_routes = pyseccomp.Arg(2, pyseccomp.NE, 0)
        self._filter.add_rule(refused, "socket", netlink, not_routes)
        pushes_input = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, _TIOCSTI)
        self._filter.add_rule(refused, "ioctl", pushes_input)

    def confine(self) -> None:
        """Load the filter, where this machine has one."""
        if self._filter is not None:
            self._filter.load()

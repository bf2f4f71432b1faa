"""Submissions that write outside, change what comes after them, or speak to the machine."""

from __future__ import annotations

from tests.hostile import ATTENTION, Hostile

READ_ONLY = "all but scratch space in memory is read-only, and the course is not there"
GONE = "its root and its processes are gone when it ends"
OWN_NETWORK = "a network namespace of its own"

# Tries to write its mark to each of `paths`.
WRITE = """
import os
def write(*paths):
    for path in paths:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "a") as file:
                file.write(MARK)
        except OSError:
            pass
"""

SUBMISSIONS = [
    Hostile(
        "write-outside",
        "writes into the course, home folders, /tmp and /var by absolute paths",
        READ_ONLY,
        WRITE
        + """
write(f"{COURSE}/{MARK}", f"{COURSE}/gradebook.db", f"{COURSE}/solutions/mini.py",
      f"{OUTSIDE}/{MARK}", f"{OUTSIDE}/secret.txt", f"/tmp/{MARK}", f"/var/tmp/{MARK}",
      f"/root/{MARK}", f"/etc/{MARK}", f"/{MARK}", f"/dev/shm/{MARK}", f"/kernel/{MARK}",
      f"../{MARK}", f"../../../{MARK}", f"/proc/1/root/tmp/{MARK}")
""",
    ),
    Hostile(
        "write-gradebook",
        "gives itself and others points in the gradebook",
        READ_ONLY,
        """
import sqlite3
for path in (f"{COURSE}/gradebook.db", "../../../gradebook.db", "gradebook.db"):
    try:
        book = sqlite3.connect(path)
        book.execute("UPDATE grade SET auto_score = 1000, manual_score = 999")
        book.commit()
    except sqlite3.Error as error:
        print(error)
""",
    ),
    Hostile(
        "write-deletes",
        "deletes the course, the other kernels and everything that it can",
        READ_ONLY,
        """
import os, shutil
for path in (COURSE, OUTSIDE, "/kernels", "/opt/workbook", "/home", "/tmp"):
    shutil.rmtree(path, ignore_errors=True)
os.makedirs("/tmp", exist_ok=True)
""",
    ),
    Hostile(
        "write-package",
        "changes the packages that the next kernel imports",
        READ_ONLY,
        WRITE
        + """
import sys, torch, numpy, IPython
import autograder.observe
for module in (torch, numpy, IPython, autograder.observe, os):
    write(module.__file__)
write(f"{sys.prefix}/{MARK}", f"/opt/workbook/autograder/{MARK}")
""",
    ),
    Hostile(
        "write-startup-files",
        "leaves sitecustomize, .pth and IPython startup files for the next kernel",
        GONE,
        WRITE
        + """
import site, sys
evil = f"print({MARK!r})"
for folder in (*sys.path, *site.getsitepackages(), site.getusersitepackages(),
               os.path.expanduser("~/.ipython/profile_default/startup"), "/usr/lib/python3"):
    for name in ("sitecustomize.py", "usercustomize.py", "evil.pth", "00-evil.py", "torch.py"):
        write(os.path.join(folder, name))
""",
    ),
    Hostile(
        "write-through-links",
        "makes links in its scratch space that lead outside, and writes through them",
        READ_ONLY,
        WRITE
        + """
for number, place in enumerate((COURSE, OUTSIDE, "/", "/proc/1/root", "/kernel")):
    os.symlink(place, f"/tmp/link{number}")
    write(f"/tmp/link{number}/{MARK}")
    try:
        os.link(f"{place}/gradebook.db", f"/tmp/hard{number}")
    except OSError:
        pass
""",
    ),
    Hostile(
        "write-permissions",
        "takes all permissions from its folder, so that the grader cannot remove it",
        "the grader takes them back before it removes the folder",
        """
import os
for path in ("/kernel/handed-in/data/deeper", "/kernel/handed-in/data", "/kernel/handed-in",
             "/kernel"):
    os.chmod(path, 0)
""",
        beside={"data/deeper/words.txt": b"words"},
    ),
    Hostile(
        "write-system-files",
        "writes to /proc/sys, /proc/sysrq-trigger, devices and its own limits",
        "no capability is left, and /dev holds nothing",
        WRITE
        + """
import resource
write("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger",
      "/proc/self/oom_score_adj", "/dev/sda", "/dev/mem", "/dev/kmsg", "/sys/power/state")
for kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
    try:
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(MARK)
    except (ValueError, OSError):
        pass
""",
    ),
    Hostile(
        "reach-loopback",
        "connects to a server on the machine that it knows the port of",
        OWN_NETWORK,
        """
import socket
for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "10.0.2.2", "169.254.169.254"):
    try:
        with socket.create_connection((host, PORT), 0.2) as one:
            one.sendall(MARK.encode())
    except OSError:
        pass
""",
    ),
    Hostile(
        "reach-sockets",
        "connects to a socket without a file and to the sockets of the machine's services",
        OWN_NETWORK,
        """
import glob, socket
for address in ("\\0" + ADDRESS, "/run/docker.sock", "/var/run/dbus/system_bus_socket",
                "/tmp/requests", f"{OUTSIDE}/socket", *glob.glob("/tmp/workbook-*/requests")):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as one:
            try:
                one.connect(address)
                one.sendall(MARK.encode())
            except OSError:
                pass
""",
    ),
    Hostile(
        "reach-namespaces",
        "asks for namespaces, mounts, another root, tracing and a module of the kernel",
        "a filter of system calls, no capability, no-new-privileges",
        """
import ctypes, os, subprocess
libc = ctypes.CDLL(None)
for answer in (libc.unshare(0x10000000), libc.unshare(0x20000), libc.chroot(b"/proc/1/root"),
               libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.ptrace(16, 1, None, None),
               libc.umount2(b"/tmp", 2), libc.syscall(175, None, 0, b"")):
    if answer != -1:
        print(MARK)
for program in ("su", "mount", "sudo", "unshare", "nsenter"):
    try:
        subprocess.run([program, "-c", "id"], stdin=subprocess.DEVNULL, timeout=2)
    except (OSError, subprocess.TimeoutExpired):
        pass
""",
    ),
    Hostile(
        "signal-everybody",
        "kills its parent, its group and every process that it may",
        "a namespace of processes of its own",
        """
import os, signal
for who in (os.getppid(), 0, -1, 2, 3, os.getpgrp()):
    if who != os.getpid():
        try:
            os.kill(who, signal.SIGKILL)
        except OSError:
            pass
""",
    ),
    Hostile(
        "signal-first-process",
        "kills process 1, which is its own kernel",
        "the first process of a namespace takes no signal of its own",
        "import os\nos.kill(1, 9)\nos.kill(1, 19)\n",
    ),
    Hostile(
        "exit",
        "ends its kernel in the middle of the tests, after the honest part",
        "what was reported before counts; the reason says where it died",
        double="def double(x):\n    return 2 * x\n",
        first_row="import os\ndef first_row(x):\n    os._exit(0)",
        points=4.0,
        status=ATTENTION,
        reason="the kernel died while running test-first_row",
    ),
    Hostile(
        "exit-crash",
        "crashes its kernel by a write to address 0",
        "what was reported before counts; the reason says where it died",
        double="def double(x):\n    return 2 * x\n",
        first_row="import ctypes\ndef first_row(x):\n    ctypes.memset(0, 1, 1)",
        points=4.0,
        status=ATTENTION,
        reason="the kernel died while running test-first_row",
    ),
    Hostile(
        "exit-politely",
        "asks Python and IPython to quit, in the definition and in the tests",
        "SystemExit ends a block of the tests, not the kernel",
        """
import sys
def double(x):
    get_ipython().ask_exit()
    sys.exit(0)
""",
    ),
]

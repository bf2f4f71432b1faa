"""Run in a container: what a student's code can do there, tried; prints what came of it as JSON."""

from __future__ import annotations

import json
import os
import socket
import warnings
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook

from autograder.gradescope.levels import take_strongest
from autograder.gradescope.places import OUT_OF_REACH
from autograder.sandbox import kernel_server
from autograder.sandbox.execute import execute

PORT = 47123
# What it takes to end in "done" is what must not be possible.
ATTEMPTS = {
    "the solution": "open('/autograder/source/course/solutions/mini.py').read()",
    "the names of the source": "os.listdir('/autograder/source')",
    "the hidden tests": "open('/autograder/source/course/source/01-mini/01-mini.ipynb').read()",
    "the answer key": "os.listdir('/autograder/source/course/.workbook')",
    "what was handed in": "os.listdir('/autograder/submission')",
    "who handed it in": "open('/autograder/submission_metadata.json').read()",
    "the results": "open('/autograder/results/results.json').read()",
    "other results": "open('/autograder/results/results.json', 'w').write('{}')",
    "another program": "open('/autograder/run_autograder', 'a').write('#')",
    "a file beside": "open('/autograder/written', 'w')",
    "a file in /tmp": "open('/tmp/written', 'w')",
    "a file in /var/tmp": "open('/var/tmp/written', 'w')",
    "a file in /dev/shm": "open('/dev/shm/written', 'w')",
    "a file in /run/lock": "open('/run/lock/written', 'w')",
    "a file in the folder of the sockets": "open(os.path.join(KERNEL, 'written'), 'w')",
    "another connection file": "open(os.path.join(KERNEL, 'connection.json'), 'w')",
    "a module of Python's": "open(os.path.join(sys.prefix, 'written'), 'w')",
    "the grader's end": "os.kill(GRADER, 9)",
    "the end of who forked it": "os.kill(os.getppid(), 9)",
    "the grader's memory": "open(f'/proc/{GRADER}/mem', 'rb').read(1)",
    "the grader's variables": "open(f'/proc/{GRADER}/environ', 'rb').read()",
    "the grader's files": "os.listdir(f'/proc/{GRADER}/fd')",
    "tracing": "libc_call('ptrace', 16, os.getppid(), None, None)",
    "another kernel": "connected(socket.AF_UNIX, requests())",
    "the network": "connected(socket.AF_INET, ('127.0.0.1', PORT))",
    "root": "os.setuid(0)",
    "root by a program": "assert b'uid=0' in subprocess.run(['su', '-c', 'id'], "
    "stdin=subprocess.DEVNULL, capture_output=True).stdout",
    "memory for later": "libc_call('shmget', 47123, 4096, 0o1666)",
    "the hostname": "libc_call('sethostname', b'x', 1)",
    "a user namespace": "libc_call('unshare', 0x10000000)",
}
FIRST = f"""
import ctypes, os, re, socket, subprocess, sys
GRADER, PORT = {os.getpid()}, {PORT}
KERNEL = os.path.dirname(os.path.expanduser("~"))
def libc_call(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
def requests():
    (path,) = re.findall(r"\\S+/requests$", open("/proc/net/unix").read(), re.M)[:1]
    return path
def connected(family, address):
    with socket.socket(family) as one:
        one.settimeout(2)
        one.connect(address)
"""
# What an honest notebook does, and what stays when nobody sees to it.
HONEST = """
import matplotlib, tempfile, torch
open("own", "w").write("x")
tempfile.NamedTemporaryFile().write(b"x")
print(torch.ones(2).sum().item(), os.getcwd() == os.path.expanduser("~"), os.getuid() > 1000)
"""
LEAVES = """
for number in range(2):
    if os.fork() == 0:
        os.setsid()
        import signal, time
        for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        time.sleep(98765)
subprocess.Popen(["sleep", "98765"], start_new_session=True)
deep = os.path.expanduser("~")
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
os.chmod(".", 0)
print("left")
"""


def tried(code: str) -> str:
    return (
        f"try:\n    {code}\n    print('done')\nexcept (OSError, AssertionError):\n    print('no')\n"
    )


def users() -> list[str]:
    """The users of the processes that are there, but for those that wait to be reaped."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        status = (process / "status").read_text()
        if "State:\tZ" not in status:
            found.append(status.split("\nUid:")[1].split()[0])
    return found


def main() -> None:
    warnings.filterwarnings("ignore")
    held = take_strongest(OUT_OF_REACH)
    with socket.create_server(("127.0.0.1", PORT)):
        cells = [FIRST, HONEST, *map(tried, ATTEMPTS.values()), LEAVES]
        run = execute(new_notebook(cells=list(map(new_code_cell, cells))), seed=1)
    printed = [
        "".join(o.get("text", "") or o.get("ename", "") for o in cell.outputs).strip()
        for cell in run.notebook.cells
    ]
    server = kernel_server()
    found = {
        "held": held,
        "problem": run.problem,
        "honest": printed[1],
        "attempts": dict(zip(ATTEMPTS, printed[2:], strict=False)),
        "left": printed[-1],
        "users": users(),
        "folders": [path.name for path in server.kernels.iterdir()],
    }
    server.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""Submissions that do not end, or leave something behind that goes on."""

from __future__ import annotations

from tests.hostile import ATTENTION, Hostile

INTERRUPTED = "the limit of a cell interrupts it, and the next one runs"
KILLED = "the limit of the notebook ends the kernel with all its processes"
GONE = "all processes end with the kernel, which is the first of their namespace"

SUBMISSIONS = [
    Hostile("loop", "loops without end", INTERRUPTED, "while True:\n    pass\n"),
    Hostile(
        "loop-in-tests",
        "loops without end when the tests call it",
        INTERRUPTED,
        "def double(x):\n    while True:\n        pass\n",
    ),
    Hostile(
        "loop-swallows-interrupts",
        "loops without end and catches whatever interrupts it",
        KILLED,
        """
def double(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
""",
        points=0.0,
        status=ATTENTION,
        reason="it ran out of time",
    ),
    Hostile(
        "loop-blocks-signals",
        "blocks and ignores every signal, then loops",
        KILLED,
        """
import signal
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
while True:
    pass
""",
        points=0.0,
        status=ATTENTION,
        reason="it ran out of time",
    ),
    Hostile(
        "loop-in-c",
        "computes in C, where Python sees no signal",
        KILLED,
        "sum(iter(int, 1))\n",
        points=0.0,
        status=ATTENTION,
        reason="it ran out of time",
    ),
    Hostile(
        "sleep",
        "sleeps for a day",
        INTERRUPTED,
        "import time\ndef double(x):\n    time.sleep(86400)\n",
    ),
    Hostile(
        "input",
        "waits for somebody to type something",
        "there is nobody to ask, which is an exception",
        "def double(x):\n    return input()\n",
    ),
    Hostile(
        "stop-itself",
        "stops itself and its group by signals",
        "the first process of a namespace takes no signal of its own",
        "import os\nos.kill(os.getpid(), 19)\nos.kill(os.getpid(), 20)\n",
    ),
    Hostile(
        "daemon",
        "leaves a process in a session of its own that writes, connects and goes on",
        GONE,
        """
import os, socket, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            for path in (f"/tmp/{MARK}", f"{OUTSIDE}/{MARK}", f"{COURSE}/{MARK}"):
                try:
                    open(path, "w").write(MARK)
                except OSError:
                    pass
            try:
                socket.create_connection(("127.0.0.1", PORT), 1).sendall(MARK.encode())
            except OSError:
                pass
            time.sleep(0.05)
    os._exit(0)
""",
    ),
    Hostile(
        "daemon-program",
        "leaves a program running that ignores hang-ups",
        GONE,
        """
import subprocess
subprocess.Popen(["nohup", "sleep", "98765"], start_new_session=True)
""",
    ),
    Hostile(
        "thread",
        "leaves a thread that prints and publishes into later cells",
        "what does not belong to a cell is dropped; evidence has to be right in any case",
        """
import threading, time
def shout():
    while True:
        get_ipython().displayhook(4.0)
        time.sleep(0.01)
threading.Thread(target=shout).start()
""",
    ),
    Hostile(
        "stall-at-exit",
        "waits without end when its kernel or its objects are to end",
        "a kernel is killed, not asked",
        """
import atexit, time
class Clinging:
    def __del__(self):
        time.sleep(98765)
kept = Clinging()
atexit.register(time.sleep, 98765)
""",
    ),
    Hostile(
        "exit-at-exit",
        "forks a second kernel that goes on when the first one ends",
        GONE,
        """
import atexit, os
atexit.register(os.fork)
atexit.register(os._exit, 0)
""",
    ),
    Hostile(
        "close-sockets",
        "closes the sockets through which it is spoken to",
        "what is not heard of costs its own cell; the rest is run in another kernel",
        """
import os
def double(x):
    os.closerange(3, 1024)
    return 3 * x
""",
        status=ATTENTION,
    ),
    Hostile(
        "interrupt-itself",
        "raises KeyboardInterrupt, SystemExit and GeneratorExit in the tests",
        "an interrupt ends the cell; the next one runs",
        """
raised = [GeneratorExit, SystemExit, KeyboardInterrupt]
def double(x):
    raise raised.pop()
""",
    ),
]

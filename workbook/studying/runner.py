"""Runs students' notebooks, each in a process of its own; progress_report starts it by `-m`.

Reads jobs as JSON from stdin. What came of a job is in its file of results, a line an event, so
that nothing that is printed disturbs it and a process that ends early has told what came before.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from multiprocessing import connection
from typing import Any

from autograder.kernel.kept import Kept
from workbook.own_time import OwnTime

AT_ONCE = min(4, os.cpu_count() or 1)
# A process that was forked has them at once; importing them takes seconds.
PRELOAD = ("numpy", "torch", "matplotlib.pyplot", "IPython.core.interactiveshell")
IMPORT_SECONDS = 30.0  # so much longer may a process take that was not forked
LOOK_SECONDS = 0.5
BUSIEST = 20  # on no machine does a process wait for its turn more than so many times its own time


def main() -> None:
    """Run the jobs on stdin, each at most `seconds` of its own, or those that it states."""
    given = json.load(sys.stdin)
    # On macOS, libraries of the system may not survive a fork.
    method = "fork" if sys.platform == "linux" else "spawn"
    if method == "fork":
        for name in PRELOAD:
            try:
                __import__(name)
            except ImportError:
                continue  # the notebook that needs it will say so
    seconds = given["seconds"] + (0.0 if method == "fork" else IMPORT_SECONDS)
    oversee(multiprocessing.get_context(method), given["jobs"], seconds)


def oversee(context: Any, jobs: list[dict[str, Any]], seconds: float) -> None:
    """Start some jobs at once, end those that take too long, and say so in their results."""
    waiting = list(jobs)
    running: dict[int, tuple[Any, dict[str, Any], OwnTime]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            job = waiting.pop(0)
            process = context.Process(target=run, args=(job, seconds))
            process.start()
            running[process.sentinel] = (process, job, OwnTime(process.pid))
        connection.wait(list(running), timeout=LOOK_SECONDS)
        for sentinel, (process, job, spent) in list(running.items()):
            if process.is_alive():
                if spent.seconds < max(seconds, job["seconds"]):
                    continue
                process.kill()
                _tell(job, event="overdue")
            process.join()
            del running[sentinel]


def run(job: dict[str, Any], seconds: float) -> None:
    """Run the cells of one notebook in its folder, as Restart & Run All would, and tell."""
    if hasattr(signal, "alarm"):
        signal.alarm(
            int(BUSIEST * max(seconds, job["seconds"]))
        )  # ends it also when nobody is left who oversees it
    os.chdir(job["folder"])
    sys.path.insert(0, "")  # files beside the notebook can be imported, as in its kernel
    shell = _shell()
    sys.modules["__main__"] = shell.user_module  # where a kernel has what was defined
    kept = Kept()
    for cell in job["cells"]:
        if cell["kind"] in ("definition", "test"):
            _tell(job, event="at", step=cell["step"])
        with kept.around(cell["names"], shell.user_ns):
            result = shell.run_cell(cell["source"])
        error = result.error_before_exec or result.error_in_exec
        if error is not None or cell["kind"] == "test":
            said = "" if error is None else f"{type(error).__name__}: {error}"
            _tell(job, event=cell["kind"], step=cell["step"], error=said[:1_000])
    _tell(job, event="end")
    os._exit(0)  # threads that were left running are not waited for


def _shell() -> Any:
    """What a kernel runs cells with: it knows magics and the notebook's last line."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell: Any = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.enable_gui = lambda gui=None: None  # nothing is shown, also after `%matplotlib`
    return shell


def _tell(job: dict[str, Any], **event: str) -> None:
    with open(job["results"], "a", encoding="utf-8") as results:
        results.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    main()

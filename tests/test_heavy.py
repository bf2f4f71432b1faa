"""One message, text or file of a student costs the grader little: its own peak is measured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.sandbox import Limits
from autograder.sandbox.execute import execute
from autograder.sandbox.execution import Execution
from autograder.sandbox.watch import Watch
from tests.harness import ROOT
from tests.hostile import by_id, heavy

LOOKS_AT = (
    "autograder/kernel",
    "autograder/sandbox",
    "autograder/submission",
    "autograder/verdict",
    "tests/hostile",
)

IDS = [one.id for one in heavy.SUBMISSIONS]
MOST_BYTES, MOST_SECONDS = 256 * 2**20, 5.0
NOBODY = 65_534
USER = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def measured(folder: Path, ids: list[str], *as_whom: str) -> dict[str, dict[str, float]]:
    done = subprocess.run(
        [*as_whom, sys.executable, "-m", "tests.hostile.cost", str(folder), *ids],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def check(found: dict[str, dict[str, float]]) -> None:
    honest = found.pop("honest")["seconds"]
    for id, cost in found.items():
        (one,) = by_id(id)
        assert cost["bytes"] <= MOST_BYTES, (id, cost)
        assert cost["seconds"] <= honest + MOST_SECONDS, (id, cost)
        if not one.racing:
            assert cost["score"] == one.points, (id, cost)
    assert sum(cost["bytes"] for cost in found.values()) <= 2 * MOST_BYTES


def may_run() -> bool:
    """Whether an ordinary user can run this Python at all."""
    if shutil.which("setpriv") is None:
        return False
    # The sandbox shows its folders, and so has to see them.
    look = "import os, sys; os.listdir(os.path.dirname(os.path.realpath(sys.executable)))"
    tried = [*USER, sys.executable, "-c", look]
    return subprocess.run(tried, capture_output=True).returncode == 0


@pytest.mark.settled
def test_each_costs_little(tmp_path: Path) -> None:
    """As whoever runs the tests, root in many a container."""
    check(measured(tmp_path, IDS))


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs the test above")
def test_each_costs_an_ordinary_user_as_little(tmp_path: Path) -> None:
    """Those whose limits the operating system holds, which may tell root from others."""
    if not may_run():
        pytest.skip("this Python cannot be run by an ordinary user here")
    ids = ["heavy-frame", "heavy-files", "heavy-sockets"]
    tmp_path.chmod(0o777)
    for above in tmp_path.parents:
        if above.stat().st_uid == 0 and above.name.startswith(("pytest", "popen")):
            above.chmod(0o755)

    check(measured(tmp_path, ids, *USER))


def test_all_processes_together_have_one_limit() -> None:
    """Many that each keep below it; what they share counts once."""
    started = """
import os, time
shared = b'x' * 100 * 2**20
def start(own, seconds):
    for _ in range(8):
        if os.fork() == 0:
            mine = b'x' * own
            time.sleep(30)
            os._exit(0)
    time.sleep(seconds)
"""
    limits = Limits(cell_seconds=30, notebook_seconds=60, memory_bytes=2**31)

    def run(own: int, seconds: int) -> str | None:
        cells = [new_code_cell(started), new_code_cell(f"start({own}, {seconds})")]
        return execute(new_notebook(cells=cells), seed=1, limits=limits).problem

    assert run(2**20, 2) is None
    # Ended as soon as it is seen; on a busy machine that much is not taken in two seconds.
    said = str(run(280 * 2**20, 20))
    assert "its processes together took more than 2 GiB of memory" in said


@pytest.mark.parametrize(("share", "slow"), [(0.0, True), (0.9, False)])
def test_what_a_kernel_waits_for_others_is_not_its_time(
    share: float, slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell is interrupted by its own seconds: here the machine has others nine tenths of them."""
    started = time.monotonic()
    monkeypatch.setattr(Watch, "waited", lambda _: share * (time.monotonic() - started))
    limits = Limits(cell_seconds=1, notebook_seconds=10)
    cell = new_code_cell("import time\ntime.sleep(2)", id="waits")

    done = execute(new_notebook(cells=[cell]), seed=1, limits=limits)

    assert bool(done.slow) is slow
    assert done.problem is None


BUSY = """
import os, time
for _ in range(5):
    if os.fork() == 0:
        while True:
            pass
time.sleep(60)
"""
WORKS = """
import time
while time.process_time() < 1:
    pass
print("done")
"""


@pytest.mark.release
def test_a_neighbour_that_takes_all_cores_makes_nobody_late() -> None:
    """What works for a second ends in its limit of two, however long that takes by the clock."""

    def run(code: str, seconds: float) -> Execution:
        limits = Limits(cell_seconds=seconds, notebook_seconds=30)
        cell = new_code_cell(code, metadata={"nbgrader": {"grade_id": "cell", "grade": False}})
        return execute(new_notebook(cells=[cell]), seed=1, limits=limits)

    with ThreadPoolExecutor(2) as threads:
        busy = threads.submit(run, BUSY, 6)
        honest = threads.submit(run, WORKS, 2).result()

    assert (honest.slow, honest.problem) == (set(), None)
    assert honest.notebook.cells[0].outputs[0].text == "done\n"
    assert busy.result().slow == {"cell"}


def test_the_waiting_of_a_process_is_what_the_system_says_of_it() -> None:
    """Never less than before, also when it is gone; of a process that is not known, none."""
    with subprocess.Popen([sys.executable, "-c", "for _ in range(10**6): pass"]) as working:
        watch = Watch(working.pid)
        first = watch.waited()
        working.wait()

    assert 0 <= first <= watch.waited() < 60
    assert Watch(0).waited() == 0
    assert Watch(0).memory(0) == 0
    assert Watch(os.getpid()).memory(0) > 2**20

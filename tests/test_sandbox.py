"""Student code in the sandbox: what it can reach, and how much it may use."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
import zmq
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.errors import KernelServerError, SandboxUnavailableError
from autograder.kernel.request import STILL_RUNNING
from autograder.kernel.seal import address_space
from autograder.reading.wanted import first_line
from autograder.sandbox import KernelServer, Limits, check_place, client, kernel_server
from autograder.sandbox.bubblewrap import PACKAGES, environment
from autograder.sandbox.channels import SandboxKernelClient
from autograder.sandbox.execute import MOST_KERNELS, execute
from autograder.sandbox.execution import Execution
from autograder.sandbox.needs import needs_of
from autograder.sandbox.provisioner import SandboxProvisioner
from autograder.verdict.evidence import decode
from tests.harness import ROOT

SECRET = "the-secret-of-this-test"
COMPILER = "import sys; print('torch._dynamo' in sys.modules)"


def run(
    *sources: str, limits: Limits | None = None, handed_in: Mapping[str, bytes] | None = None
) -> Execution:
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    return execute(notebook, seed=1, limits=limits, handed_in=handed_in)


def printed(execution: Execution) -> list[str]:
    """What each cell printed, or the name of the exception that ended it."""
    return [
        "".join(
            output.get("text", "") if output.output_type == "stream" else output.get("ename", "")
            for output in cell.outputs
        ).strip()
        for cell in execution.notebook.cells
    ]


class Unheard:
    """Stands for a client whose first subscriptions the kernel's loop does not see."""

    def __init__(self, unseen: int) -> None:
        self.unseen = unseen
        self.subscribed: list[bytes] = []
        self.iopub_channel = self.socket = self

    def setsockopt(self, option: int, topic: bytes) -> None:
        assert option == zmq.SUBSCRIBE
        self.subscribed.append(topic)

    async def get_iopub_msg(self, timeout: float) -> dict[str, str]:
        if len(self.subscribed) < self.unseen:
            raise Empty
        return {"msg_type": "iopub_welcome"}


def test_a_kernel_that_missed_a_subscription_is_woken_by_another() -> None:
    """The loop of a kernel may have been busy with a message of its own at that moment."""
    missed, gone = Unheard(2), Unheard(100)

    asyncio.run(SandboxKernelClient.wait_for_ready(missed, 60))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="did not answer in 5 s"):
        asyncio.run(SandboxKernelClient.wait_for_ready(gone, 5))  # type: ignore[arg-type]

    assert missed.subscribed == [b"0", b"1"]


def test_nothing_of_the_course_or_the_machine_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets are not hidden by permission: a walk over every file does not find them."""
    monkeypatch.setenv("WORKBOOK_TEST_TOKEN", SECRET)
    (tmp_path / f"{SECRET}.txt").write_text(SECRET)
    inside = [ROOT / name for name in ("solutions", "source", "tests", "nbgrader_config.py")]
    hidden = [str(path) for path in (*inside, Path.home() / ".bashrc")]
    hidden.append(f"{PACKAGES}/solutions")
    look = f"""
import os
found = []
for top, folders, files in os.walk("/"):
    if top.startswith(("/proc", "/sys")):
        folders.clear()
        continue
    found += [os.path.join(top, name) for name in folders + files]
print([name for name in found if {SECRET!r} in name or name in {hidden!r}])
"""
    environ = "import os; print(sorted(os.environ))"
    importing = "import solutions"
    others = "print([p for p in os.listdir('/proc') if p.isdigit() and int(p) > 50])"

    files, names, solutions, processes = printed(run(look, environ, importing, others))

    assert files == "[]"
    assert "WORKBOOK_TEST_TOKEN" not in names
    assert {*environment(), "WORKBOOK_SEED"} <= set(eval(names))
    assert solutions == "ModuleNotFoundError"
    assert processes == "[]"


def test_nothing_outside_can_be_written() -> None:
    """Every folder but the scratch space refuses."""
    attempt = """
import os, sys
denied = 0
for folder in ("/", "/usr", "/etc", "/dev", "/opt/workbook", sys.prefix,
               "/opt/workbook/autograder"):
    try:
        open(os.path.join(folder, "written"), "w")
    except OSError:
        denied += 1
print(denied)
open("/tmp/a", "w").write("x"); open("b", "w").write("x")
print(os.getcwd())
"""
    assert printed(run(attempt)) == ["7\n/home/student"]


def test_the_compiler_of_torch_is_there_where_a_notebook_asks_for_it() -> None:
    """It takes as long to import as the rest of torch, and each kernel would for itself."""
    found = run("from autograder.observe import devices_met", COMPILER)

    assert printed(found) == ["", "True"]
    assert [
        needs_of(new_notebook(cells=[new_code_cell(source)])).has_compiler
        for source in (
            "x = 1",
            "with tensors_made() as made: pass",
            "class Mode(TorchDispatchMode): pass",
        )
    ] == [False, True, True]


def test_there_is_no_network() -> None:
    """Not even a server on the loopback of the machine can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"

        assert printed(run(connect)) == ["ConnectionRefusedError"]


def test_the_kernel_is_nobody() -> None:
    """Neither root nor a member of any group, without capabilities, and no way back."""
    look = """
import os, re
status = open("/proc/self/status").read()
print(re.findall(r"(?:CapEff|CapPrm|CapBnd|NoNewPrivs):\\s*(\\w+)", status), os.getgroups())
"""
    (shown,) = printed(run(look))

    assert "'0000000000000000', '0000000000000000'" in shown
    assert "'1'" in shown


def test_memory_processes_and_files_are_limited() -> None:
    """A flood ends in an exception of the student's own; the kernel goes on."""
    memory = "x = bytearray(8 * 2**30)"
    processes = """
import os, time
children = []
try:
    while len(children) < 2000:
        pid = os.fork()
        if pid == 0:
            time.sleep(60); os._exit(0)
        children.append(pid)
except OSError as error:
    print(type(error).__name__, len(children) < 100)
for pid in children:
    os.kill(pid, 9); os.waitpid(pid, 0)
"""
    one_file = """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open("/tmp/flood", "wb") as file:
    for _ in range(200):
        file.write(bytes(2**20))
"""
    many_files = """
for n in range(100):
    with open(f"/home/student/{n}", "wb") as file:
        file.write(bytes(8 * 2**20))
"""
    found = printed(run(memory, processes, one_file, many_files, "print('still here')"))

    assert found == ["MemoryError", "BlockingIOError True", "OSError", "OSError", "still here"]


def test_output_is_limited() -> None:
    """A flood of output is cut; what follows is run all the same."""
    found = run("for n in range(400): print('x' * 10_000)", "print('still here')")

    assert len(str(found.notebook)) < 4 * 2**20
    assert printed(found)[1] == "still here"


def test_an_endless_loop_ends_and_the_next_cell_runs() -> None:
    """The limit of a cell interrupts it."""
    found = run("while True: pass", "print('still here')", limits=Limits(cell_seconds=2))

    assert printed(found)[1] == "still here"
    assert found.problem is None


def test_a_loop_that_refuses_to_end_costs_the_rest_of_the_notebook() -> None:
    """The limit of the notebook ends what ignores interrupts, and says so."""
    stubborn = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True: pass
"""
    started = time.monotonic()
    found = run(stubborn, "print(1)", limits=Limits(cell_seconds=1, notebook_seconds=4))

    assert found.problem is not None
    assert "ran out of time" in found.problem
    assert time.monotonic() - started < 60


ENDINGS = {
    "a process that exits": "import os; os._exit(1)",
    "memory that is not there": "import ctypes; ctypes.string_at(0)",
    "a thread that ends all": """
import os, threading, time
threading.Thread(target=lambda: (time.sleep(0.2), os._exit(1))).start()
""",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_kernel_that_a_cell_ended_costs_that_cell(ending: str) -> None:
    """The reason names the cell, and what stands on its own is run in another kernel."""
    found = run("x = 1; print('before')", ending, "print('after', x)")

    assert printed(found) == ["before", "", "after 1"]
    assert found.ended == [1]
    assert found.problem is not None
    assert found.problem == (
        f"the kernel died while running the cell that begins with `{first_line(ending)}`"
    )


LATER = {
    "a thread": """
import os, threading, time
threading.Thread(target=lambda: (time.sleep(1.6), os._exit(1))).start()
""",
    "a thread of no module": """
import _thread, os, time
begun = _thread.allocate_lock()
begun.acquire()  # until then nothing tells of such a thread
_thread.start_new_thread(lambda: (begun.release(), time.sleep(1.6), os._exit(1)), ())
begun.acquire()
""",
    "a timer that sets the next": """
import os, threading
left = [1] * 6
def tick():
    os._exit(1) if not left else threading.Timer(0.3, tick).start()
    left.pop()
tick()
""",
    "a task": """
import asyncio, os
async def end():
    await asyncio.sleep(1.6)
    os._exit(1)
task = asyncio.get_running_loop().create_task(end())
""",
    "a task by a timer": """
import asyncio, os
asyncio.get_running_loop().call_later(1.6, os._exit, 1)
""",
    "a process": """
import os, time
for _ in range(8):
    if os.fork() == 0:
        time.sleep(0.5)
        taken = b"x" * (280 << 20)
        time.sleep(60)
""",
}
LASTS = "import asyncio; await asyncio.sleep(3); print('waited')"  # and tasks go on meanwhile
WAITS_FOR_PROCESSES = """
import os
from contextlib import suppress
with suppress(ChildProcessError):
    os.wait()
"""


def test_what_libraries_map_is_not_held_against_a_student() -> None:
    """torch's build for GPUs maps 3.5 GiB; with the usual one the limit is what it says."""
    assert address_space(2**32, 2**29) == address_space(2**32, 3 * 2**28) == 2**32
    assert address_space(2**32, 15 * 2**28) == 2**32 + 3 * 2**30

    looks = (
        "import resource\n"
        "mapped = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0] - mapped)"
    )
    (shown,) = run(looks, limits=Limits(memory_bytes=2**31)).notebook.cells[0].outputs
    assert int(shown.text) > 2**30 - 2**27


def test_a_kernel_that_ends_while_it_starts_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of a student's ran in it. One that does so twice is said."""
    answer, ends = SandboxProvisioner._answer, iter([True, False, *[True] * 2])

    async def once_an_end(self: SandboxProvisioner) -> dict[str, Any]:
        came = await answer(self)
        return {"exit": -11} if "ready" in came and next(ends) else came

    monkeypatch.setattr(SandboxProvisioner, "_answer", once_an_end)

    assert "42" in str(run("print(6 * 7)").notebook.cells[0].outputs)
    with pytest.raises(KernelServerError, match=r"ended while it started \(-11\)"):
        run("x = 1")
    assert list(kernel_server().kernels.iterdir()) == []


@pytest.mark.parametrize("kind", LATER)
def test_a_kernel_that_ends_later_costs_the_cell_that_left_something_running(kind: str) -> None:
    """Not the one that ran by then, which is run in another kernel to its end."""
    limits = Limits(memory_bytes=2**31) if kind == "a process" else None
    later = f"print('begun')\n{LATER[kind]}"
    lasts = f"{WAITS_FOR_PROCESSES}\n{LASTS}" if limits else LASTS
    short = "import time; time.sleep(0.4); print('short')"
    found = run("x = 1", later, short, lasts, "print('after', x)", limits=limits)

    assert printed(found) == ["", "begun", "short", "waited", "after 1"]
    assert found.ended == [1]
    kind = "a thread" if "timer that" in kind else kind
    what, who = " ".join(kind.split()[:2]), "the cell that begins with `print('begun')`"
    assert f"; {what} of {who}" in str(found.problem)
    assert str(found.problem).endswith("was still running, so that cell is left out")


def test_what_runs_on_is_not_to_blame_for_what_comes_without_it() -> None:
    """A cell that ends its kernel by itself is left out, and the other one is run again."""
    waits = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"
    found = run(f"{waits}\nx = 1", "import os; os._exit(1)", "print('after', x)")

    assert printed(found) == ["", "", "after 1"]
    assert found.ended == [1]
    assert found.problem == (
        "the kernel died while running the cell that begins with `import os; os._exit(1)`"
    )


def test_what_ran_before_a_late_end_keeps_what_it_showed() -> None:
    """A test cell of which the left out cell made the function is not judged without it."""
    flags = {"grade_id": "test-late", "grade": True, "solution": False}
    test = ENDS_IN_ONE_CHECK.replace("{name}", "late")
    sources = [
        new_code_cell(f"def late(now):\n    return 1\n{LATER['a thread']}"),
        new_code_cell(test, metadata={"nbgrader": flags}),
        new_code_cell(LASTS),
    ]

    found = execute(new_notebook(cells=sources), seed=1)

    assert found.ended == [0]
    values = [decode(each).values["value"]["value"] for each in found.evidence["test-late"]]
    assert values == [1, 1, 1]


def test_honest_work_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a kernel runs for itself, nothing is taken for a cell's."""
    seen: list[object] = []
    monkeypatch.setattr(client, "still_running", lambda reply, _: seen.append(reply[STILL_RUNNING]))
    ended = """
import os
process = os.fork()
process or os._exit(0)
os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
"""
    waits = "await __import__('asyncio').sleep(0)"
    large = "__import__('IPython').display.HTML('x' * 200_000)"  # zmq has a thread for such
    run("import torch", "print(1)", "1 / 0", waits, ended, large, "x = 1")

    assert seen == [[]] * 7


def test_leaving_python_ends_a_cell_and_not_the_kernel() -> None:
    """`exit()` ends a kernel of Jupyter a tenth of a second later, in the midst of another cell."""
    leaving = ["exit()", "quit()", "import sys; sys.exit(3)", "raise SystemExit"]
    alarm = """
import os, signal
for number in (signal.SIGALRM, signal.SIGPROF):
    signal.signal(number, lambda *_: os._exit(1))
signal.alarm(1)
signal.setitimer(signal.ITIMER_PROF, 0.1)
"""
    works = (
        "import time; end = time.time() + 1.2\nwhile time.time() < end: pass\nprint('still here')"
    )
    found = run(*leaving, alarm, works)

    assert printed(found)[-1] == "still here"
    assert all("SystemExit" in each for each in printed(found)[:4])
    assert (found.ended, found.problem) == ([], None)


def test_kernels_are_not_started_for_ever() -> None:
    """A notebook whose every cell ends its kernel is given up, with its reasons."""
    found = run(*["import os; os._exit(1)"] * 9)

    assert len(found.ended) == MOST_KERNELS
    assert str(found.problem).count("the kernel died") == MOST_KERNELS


ENDS_IN_ONE_CHECK = """### BEGIN HIDDEN TESTS
from autograder.observe import observe
for kind in ("right", "deadly", "right after it"):
    with observe(kind) as seen:
        seen.value = {name}(kind == "deadly")
### END HIDDEN TESTS
"""


def test_a_function_that_ends_its_kernel_costs_its_own_checks() -> None:
    """A function below is looked at in another kernel."""

    def cell(name: str) -> NotebookNode:
        flags = {"grade_id": f"test-{name}", "grade": True, "solution": False}
        source = ENDS_IN_ONE_CHECK.replace("{name}", name)
        return new_code_cell(source, metadata={"nbgrader": flags})

    deadly = "import os\ndef deadly(now):\n    return os._exit(1) if now else 1"
    harmless = "def harmless(now):\n    return 1"
    sources = [new_code_cell(deadly), cell("deadly"), new_code_cell(harmless), cell("harmless")]

    found = execute(new_notebook(cells=sources), seed=1)

    # What it showed just before may be lost with it: a thread of the kernel sends it.
    assert len(found.evidence.get("test-deadly", [])) <= 1
    assert len(found.evidence["test-harmless"]) == 3
    assert found.problem == "the kernel died while running test-deadly"


def test_handed_in_files_are_there_and_shadow_nothing() -> None:
    """A helper module can be imported; one named torch.py or random.py is not."""
    shadows = ("torch.py", "random.py", "colorsys.py", "autograder.py")
    files = {
        "helper.py": b"answer = 42",
        "data/words.txt": b"hello",
        **dict.fromkeys(shadows, b"raise SystemExit('shadowed')"),
    }

    found = run(
        "import helper; print(helper.answer, open('data/words.txt').read())",
        "import torch, random, colorsys, autograder.observe; print(torch.ones(1).item())",
        handed_in=files,
    )

    assert printed(found) == ["42 hello", "1.0"]


def test_nothing_is_left_behind() -> None:
    """No process and no folder outlives the run."""
    before = set(Path("/tmp").glob("workbook-*"))
    run("import subprocess; subprocess.Popen(['sleep', '98765'])")

    left = [
        process for process in Path("/proc").glob("[0-9]*") if b"98765" in _command_line(process)
    ]
    assert left == []
    assert set(Path("/tmp").glob("workbook-*")) <= before


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_without_bubblewrap_grading_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says what to install; nothing runs unprotected."""
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(SandboxUnavailableError, match="apt-get install bubblewrap"):
        KernelServer()


def test_a_course_inside_the_python_environment_is_refused() -> None:
    """What the sandbox shows of the machine must not hold the solutions."""
    with pytest.raises(SandboxUnavailableError, match="move the course"):
        check_place(Path(sys.prefix) / "course")


NAMES_TAKEN = """
import numpy as np, torch, warnings
str, zip, setattr = "the cat", [1], None
scale, len = 3.0, lambda x: 2
def widened(x):
    return [str, len(x), scale * x]
torch.set_grad_enabled(False)
torch.set_default_dtype(torch.float64)
np.seterr(all="raise")
warnings.simplefilter("error")
"""
USES_THEM = """### BEGIN HIDDEN TESTS
from autograder.observe import gradients, observe, randn
scale = 100.0
table = torch.ones(2) / 3
with observe("names of Python") as seen:
    for kind, number in zip("ab", range(2)):
        setattr(seen, str(kind), number)
    seen.number = len([1, 2, 3])
with observe("what is the student's own") as seen:
    seen.widened = widened(2.0)
    x = randn(2, requires_grad=True)
    seen.gradients = gradients(x * 2, [x])
    seen.table = table
### END HIDDEN TESTS
shown = str
"""


def test_names_and_switches_of_a_student_do_not_reach_the_hidden_part() -> None:
    """It has Python's own names, while a student's function keeps what the student defined."""
    flags = {"grade_id": "test-widened", "grade": True, "solution": False}
    test = new_code_cell(USES_THEM, metadata={"nbgrader": flags})
    after = "print(shown, scale, torch.is_grad_enabled(), 'table' in globals())"
    notebook = new_notebook(cells=[new_code_cell(NAMES_TAKEN), test, new_code_cell(after)])

    found = execute(notebook, seed=1)

    names, own = map(decode, found.evidence["test-widened"])
    assert (names.raised, own.raised) == (None, None)
    assert [names.values[name]["value"] for name in ("a", "b", "number")] == [0, 1, 3]
    assert [each["value"] for each in own.values["widened"]["items"]] == ["the cat", 2, 6.0]
    assert own.values["gradients"]["items"][0]["kind"] == "tensor"
    table = own.arrays[own.values["table"]["key"]]
    assert table.dtype == "float32"
    # What is shown of a test runs as at the desk, and what is hidden leaves nothing behind.
    assert printed(found) == ["", "", "the cat 3.0 False False"]

"""Runs that are stopped at a random moment: nothing is lost, nothing twice, nothing half."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import mini
from tests.gradebooks import contents
from tests.test_grade import workbook

LOOKS_AT = ("autograder/gradebook", "autograder/grading")

STUDENTS = 12
SEED = "23"
GONE_SECONDS = 60
GRADE = ["grade", "--jobs", "2", "--seed", SEED]
RUN = [sys.executable, "-m", "autograder.cli", *GRADE]


def outcome(course: Path) -> tuple[Any, dict[str, str]]:
    """All that a run leaves: the rows of the gradebook, the marks, the autograded files."""
    url = f"sqlite:///{course}/gradebook.db"
    with sqlite3.connect(course / "gradebook.db") as database:
        marks = sorted(database.execute("SELECT * FROM workbook_gradings"))
    written = {
        str(path.relative_to(course)): path.read_text()
        for path in sorted((course / "autograded").rglob("*"))
        if path.is_file()
    }
    return (contents(url), marks), written


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that was graded without interruption."""
    course = mini.make_course(tmp_path_factory.mktemp("undisturbed"))
    mini.hand_in_class(course, STUDENTS)
    assert workbook(course, *GRADE).returncode == 1
    return course


def family(run: subprocess.Popen[str]) -> dict[str, list[psutil.Process]]:
    """The processes of a run by what they are."""
    coordinator = psutil.Process(run.pid)
    found: dict[str, list[psutil.Process]] = {"coordinator": [coordinator], "all": [coordinator]}
    for process in coordinator.children(recursive=True):
        found["all"].append(process)
        try:
            command = " ".join(process.cmdline())
        except psutil.Error:
            continue
        is_server = (
            command.startswith(sys.executable) and "autograder.kernel.fork_server" in command
        )
        in_sandbox = "bwrap" in command or "autograder.kernel.fork_server" in command
        kind = "fork server" if is_server else "outer" if in_sandbox else "worker"
        found.setdefault(kind, []).append(process)
    return found


def gone(processes: list[psutil.Process]) -> bool:
    """Whether all of them end, given time."""
    _, alive = psutil.wait_procs(processes, timeout=GONE_SECONDS)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def lines(run: subprocess.Popen[str]) -> Iterator[str]:
    assert run.stderr is not None
    return iter(run.stderr.readline, "")


# One moment shows that a run can be continued at all; whether every moment will do takes more.
@pytest.mark.settled
@pytest.mark.parametrize(
    "number", [0, *(pytest.param(n, marks=pytest.mark.release) for n in range(1, 20))]
)
def test_a_killed_run_is_continued_to_the_same_end(
    number: int, tmp_path: Path, undisturbed: Path
) -> None:
    """`kill -9` of the coordinator, a worker or the fork server, after any submission."""
    chance = random.Random(number)
    target = ("coordinator", "worker", "fork server", "outer")[number % 4]
    course = mini.make_course(tmp_path)
    mini.hand_in_class(course, STUDENTS)
    run = subprocess.Popen(RUN, cwd=course, stderr=subprocess.PIPE, text=True)
    said = lines(run)
    for _ in range(chance.randrange(STUDENTS - 2)):
        next(said)
    if chance.random() < 0.5:  # also in the middle of one, or while everything starts
        time.sleep(chance.random())
    relatives = family(run)
    for process in relatives.get(target, [])[:1]:
        with suppress(psutil.NoSuchProcess):  # it may have come to its end meanwhile
            process.kill()

    rest = "".join(said)
    status = run.wait(timeout=600)
    assert gone(relatives["all"])
    for path in (course / "autograded").glob("[!.]*/[!.]*/*.ipynb"):  # no leftovers
        json.loads(path.read_text())
    if target == "coordinator":
        assert status in (-signal.SIGKILL, 1), rest  # killed, or done before
        assert workbook(course, *GRADE).returncode == 1
    else:
        assert status == 1, rest  # it goes on by itself

    assert outcome(course) == outcome(undisturbed)
    assert not list(course.glob(".gradebook-*"))
    assert "left as graded before" in workbook(course, "grade").stderr


@pytest.mark.settled
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # from Python 3.12 on
def test_ctrl_c_says_what_is_done(tmp_path: Path, undisturbed: Path) -> None:
    """One line, no traceback, no process left; the same command goes on from there."""
    course = mini.make_course(tmp_path)
    mini.hand_in_class(course, STUDENTS)
    run = subprocess.Popen(
        RUN,
        cwd=course,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        # Tests that a script started in the background ignore Ctrl-C, and so would what they start.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    said = lines(run)
    first = [next(said)]
    os.killpg(run.pid, signal.SIGSTOP)  # while its relatives are listed it must not get to its end
    relatives = family(run)["all"]
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    os.killpg(run.pid, signal.SIGCONT)

    rest = list(said)
    assert run.wait(timeout=60) == 130, "".join(rest)
    done = len(first) + sum(line.split("/")[0].isdecimal() for line in rest)
    assert rest[-1] == (
        f"Stopped: {done} of {STUDENTS} are graded and recorded; the same command goes on from "
        "there.\n"
    )
    assert gone(relatives)
    assert workbook(course, *GRADE).returncode == 1
    assert outcome(course) == outcome(undisturbed)


def locked(course: Path) -> Callable[[], None]:
    """Somebody else holds the gradebook."""
    other = sqlite3.connect(course / "gradebook.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other.close


def full(course: Path) -> Callable[[], None]:
    """The disk has no room for an autograded folder."""
    (course / "autograded").mkdir()
    size = "size=32k"
    command = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(course / "autograded")]
    subprocess.run(command, check=True)

    def free() -> None:
        kept = course / "kept"
        shutil.copytree(course / "autograded", kept)
        subprocess.run(["umount", str(course / "autograded")], check=True)
        (course / "autograded").rmdir()
        kept.rename(course / "autograded")

    return free


@pytest.mark.parametrize(
    ("obstruct", "says"),
    [
        (locked, "database is locked"),
        pytest.param(
            full,
            "No space left on device",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk"),
        ),
    ],
    ids=["locked gradebook", "full disk"],
)
def test_what_cannot_be_written_stops_the_run_and_not_the_class(
    obstruct: Callable[[Path], Callable[[], None]], says: str, tmp_path: Path, undisturbed: Path
) -> None:
    """One sentence, exit status 2, nothing half; when the cause is gone the run is continued."""
    course = mini.make_course(tmp_path)
    mini.hand_in_class(course, STUDENTS)
    first = ["--student", "s00"]
    assert workbook(course, *GRADE, *first).returncode == 0
    if obstruct is full:
        shutil.rmtree(course / "autograded")
    remove = obstruct(course)
    try:
        stopped = workbook(course, *GRADE)
    finally:
        remove()

    assert stopped.returncode == 2
    assert says in stopped.stderr.splitlines()[-1]
    assert "Traceback" not in stopped.stderr
    assert workbook(course, *GRADE).returncode == 1
    assert outcome(course) == outcome(undisturbed)

"""Grading on a Dask cluster: the same verdicts, and workers that die on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client

from autograder.grading.cluster import ClusterWorkers
from tests import mini
from tests.gradebooks import contents
from tests.test_dispatch import check_deaths
from tests.test_grade import workbook

LOOKS_AT = ("autograder/grading",)

STUDENTS = 8
WAIT_SECONDS = 60


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[int]]]:
    """A scheduler and worker processes on loopback; yields the address and the workers' numbers."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    folder.mkdir()
    # Elsewhere than the course, so that nothing of it is found by chance.
    silent = subprocess.DEVNULL
    options: dict[str, Any] = {"cwd": folder, "stdout": silent, "stderr": silent}
    started = [subprocess.Popen([*dask, "--port", str(port), "--no-dashboard"], **options)]
    started += [
        subprocess.Popen([*worker, "--no-dashboard", "--local-directory", str(folder)], **options)
        for _ in range(workers)
    ]
    try:
        with Client(address, timeout=WAIT_SECONDS, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=WAIT_SECONDS)
            numbers = list(client.run(os.getpid).values())
        yield address, numbers
    finally:
        # Killed, as Dask takes its time when a worker is being replaced; all they started ends too.
        family = [child for one in started for child in psutil.Process(one.pid).children(True)]
        for process in (*started, *family):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for one in started:
            one.wait(WAIT_SECONDS)
        _, alive = psutil.wait_procs(family, timeout=WAIT_SECONDS)
        assert not alive


@pytest.mark.settled
def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    """Two workers, one ended by `kill -9` on the way: every submission is graded exactly once."""
    here, there = (mini.make_course(tmp_path / name) for name in ("here", "there"))
    for course in (here, there):
        mini.hand_in_class(course, STUDENTS)
    assert workbook(here, "grade", "--seed", "3").returncode == 1

    with cluster(tmp_path / "cluster", 2) as (address, workers):
        command = [sys.executable, "-m", "autograder.cli", "grade", "--seed", "3"]
        run = subprocess.Popen(
            [*command, "--cluster", address], cwd=there, stderr=subprocess.PIPE, text=True
        )
        assert run.stderr is not None
        said = [run.stderr.readline() for _ in range(3)]
        os.kill(workers[1], signal.SIGKILL)
        said += run.stderr.readlines()
        assert run.wait(timeout=600) == 1, "".join(said)

    graded = [line.split()[1] for line in said]
    assert sorted(graded) == [f"s{number:02}" for number in range(STUDENTS)]
    urls = [f"sqlite:///{course}/gradebook.db" for course in (here, there)]
    assert contents(urls[1]) == contents(urls[0])


@pytest.mark.release  # `test_dispatch` shows the same of processes of this machine, in seconds
def test_what_kills_two_workers_is_not_given_a_third(tmp_path: Path) -> None:
    """Its neighbours are done all the same."""
    with cluster(tmp_path / "cluster", 2) as (address, _):
        workers = ClusterWorkers(address)
        try:
            check_deaths(workers, tmp_path / "attempts")
        finally:
            workers.close()


def test_no_scheduler_is_one_sentence(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says how to start one."""
    monkeypatch.setattr("autograder.grading.cluster.CONNECT_SECONDS", 1)  # nobody will answer
    mini.hand_in(course, "one", mini.submission())

    done = workbook(course, "grade", "--cluster", "tcp://127.0.0.1:1")

    assert done.returncode == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_an_unknown_way_to_a_scheduler_is_one_sentence(course: Path) -> None:
    """Also where Dask itself ends in a traceback."""
    mini.hand_in(course, "one", mini.submission())

    done = workbook(course, "grade", "--cluster", "nonsense://x")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("option", [["--jobs", "2"]])
def test_jobs_are_for_this_machine(course: Path, option: list[str]) -> None:
    """With a cluster, its workers say how many there are."""
    done = workbook(course, "grade", "--cluster", "tcp://127.0.0.1:1", *option)

    assert done.returncode == 2
    assert "--jobs is for this machine" in done.stderr

"""A Dask cluster that grades: many machines, each with a fork server and sandboxes of its own.

All that a task needs goes with it; no file system is shared.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any

from distributed import Client, KilledWorker, Scheduler
from distributed.comm.core import CommClosedError

from autograder.errors import CourseError
from autograder.grading.grade import Key
from autograder.reference.fingerprint import software

CONNECT_SECONDS = 20


class ClusterWorkers:
    """The workers of the Dask cluster whose scheduler is at `address`.

    Raises: CourseError, when there is none, or no worker.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError, ImportError) as error:
            # TypeError is what a tls:// address without certificates ends in.
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CourseError(
                f"no Dask scheduler answers at {address} ({reason}); start one with "
                "`dask scheduler` and workers with `dask worker`"
            ) from error
        if not self._client.nthreads():
            self._client.close()
            raise CourseError(f"the cluster at {address} has no worker yet; start `dask worker`")
        self._executor = self._client.get_executor(pure=False, retries=0)
        self._before = self._client.run_on_scheduler(_blame_at_once)

    @property
    def width(self) -> int:
        """A task for each thread of the workers of this moment, and one to follow."""
        return int(sum(self._client.nthreads().values())) + 1

    def share(self, key: Key) -> Any:
        """The answer key as the result of a task, which Dask makes again where it is lost."""
        return self._client.submit(pickle.loads, pickle.dumps(key), pure=False)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a function called by one of the workers."""
        future: Future[Any] = self._executor.submit(_called, software(), function, *arguments)
        return future

    alone = submit  # its worker is a process that Dask replaces; others go on

    def died(self, error: BaseException) -> bool:
        """Whether the worker died that had the task."""
        if isinstance(error, CancelledError) and self._client.status != "running":
            raise CourseError(f"the Dask scheduler at {self._address} is gone") from error
        return isinstance(error, KilledWorker)

    def close(self, at_once: bool = False) -> None:
        """Leave the cluster as it was."""
        with suppress(OSError, CommClosedError):  # where the scheduler is gone, there is nothing
            self._client.run_on_scheduler(_blame_after, self._before)
            self._executor.shutdown(wait=not at_once)
        self._client.close()


def _called(software_here: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """On a worker: call the function, if this is the software that the verdicts are to be of."""
    if software() != software_here:
        from distributed import get_worker

        raise CourseError(
            f"the worker {get_worker().address} has another version of the grader, of Python or of "
            "a package than the machine that asks; install the same on both"
        )
    return function(*arguments)


def _blame_at_once(dask_scheduler: Scheduler) -> int:
    """Have Dask say at the first death which tasks a worker had; it would try three more."""
    before: int = dask_scheduler.allowed_failures
    dask_scheduler.allowed_failures = 0
    return before


def _blame_after(failures: int, dask_scheduler: Scheduler) -> None:
    dask_scheduler.allowed_failures = failures

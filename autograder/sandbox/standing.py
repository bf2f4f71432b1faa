"""A kernel that stays for the next question: for an instructor's code, never for a student's."""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.errors import KernelServerError, SandboxUnavailableError
from autograder.kernel.request import IN_TURN, InTurn, Needs, taken_apart
from autograder.sandbox import Limits, kernel_server
from autograder.sandbox import replace as replace_server
from autograder.sandbox.client import LOG, START_SECONDS, Client
from autograder.sandbox.execution import Execution
from autograder.sandbox.own_loop import OwnLoop
from autograder.sandbox.provisioner import SandboxKernelManager

CODE = "from autograder.kernel.versions import run\nrun()"
NAME = "versions"
MOST = 500  # versions in one kernel, as each leaves something behind
MORE_SECONDS = 5.0  # for what is around the versions


@dataclass(eq=False)
class Standing:
    """Runs versions of definitions in one kernel, as long as it lives; then in the next.

    `packages` can be imported there, `needs` are what the fork server makes ready.
    """

    seed: int
    limits: Limits
    packages: Mapping[str, bytes]
    needs: Needs
    _client: Client | None = None
    _loop: OwnLoop = field(default_factory=OwnLoop)
    _owner: int = field(default_factory=os.getpid)
    _run: int = 0

    def __post_init__(self) -> None:
        atexit.register(self.end)

    @property
    def is_here(self) -> bool:
        """Whether this is the process that it was made in, and no fork of it."""
        return self._owner == os.getpid()

    def observed(self, versions: Sequence[InTurn]) -> list[list[bytes]]:
        """What each version observes; nothing where it ended the kernel, or sent too much.

        Raises: SandboxUnavailableError; KernelServerError, when the fork server ended twice.
        """
        found: list[list[bytes]] = []
        ended_at = -1
        while len(found) < len(versions):
            server = kernel_server()
            try:
                came = self._loop.result_of(self._ask(versions[len(found) :]))
            except KernelServerError:
                replace_server(server)
                came = self._loop.result_of(self._ask(versions[len(found) :]))
            found += [came.get(place, []) for place in range(max(came, default=-1) + 1)]
            if len(found) < len(versions):
                self.close()
                if len(found) == ended_at:
                    found.append([])  # two kernels ended at it, so it was no accident
                ended_at = len(found)
        self._run += len(versions)
        if self._run > MOST:
            self.close()
        return found

    async def _ask(self, versions: Sequence[InTurn]) -> dict[int, list[bytes]]:
        """The records of versions by their places, as far as they came."""
        seconds = MORE_SECONDS + sum(each.seconds for each in versions)
        limits = replace(
            self.limits,
            cell_seconds=seconds,
            notebook_seconds=seconds,
            evidence_bytes=self.limits.evidence_bytes * len(versions),
        )
        flags = {"grade_id": NAME, "grade": True, "solution": False}
        cell = new_code_cell(CODE, metadata={"nbgrader": flags})
        notebook = NotebookNode({"cells": [cell], "metadata": {}, "nbformat": 4})
        run = Execution(notebook, requests={0: {IN_TURN: versions}})
        try:
            async with asyncio.timeout(START_SECONDS + limits.longest_seconds):
                if self._client is None:
                    self._client = await self._started(run, limits)
                self._client.take_up(run, limits)
                await self._client.run_cells()
        except (SandboxUnavailableError, KernelServerError):
            self._client = None
            raise
        except Exception:
            LOG.debug("a version ended its kernel", exc_info=True)
        each = (list(taken_apart(sent)) for sent in run.evidence.get(NAME, []) if sent)
        return {int(place): records for place, *records in each}

    async def _started(self, run: Execution, limits: Limits) -> Client:
        files = {f"packages/{path}": content for path, content in self.packages.items()}
        manager = SandboxKernelManager(
            limits=self.limits, seed=self.seed, files=files, needs=self.needs
        )
        client = Client(run, limits, manager)
        await client.start()
        return client

    def close(self) -> None:
        """End the kernel; the next question starts another."""
        client, self._client, self._run = self._client, None, 0
        if client is not None and self.is_here:
            with suppress(Exception):  # it ended by itself
                self._loop.result_of(client.end())

    def end(self) -> None:
        """End the kernel, and all that waits for questions."""
        self.close()
        atexit.unregister(self.end)
        if self.is_here:
            self._loop.stop()

"""The kernel of a run that is over, for one more run of the same notebook's cells."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from autograder.sandbox.client import LOG, Client
from autograder.sandbox.execution import Execution
from autograder.sandbox.limits import Limits
from autograder.sandbox.own_loop import OwnLoop


@dataclass
class OpenKernel:
    """A kernel that ended nothing early and leaves nothing running."""

    client: Client
    loop: OwnLoop
    limits: Limits
    is_open: bool = True

    def run(
        self, notebook: NotebookNode, requests: Mapping[int, Mapping[str, Any]]
    ) -> Execution | None:
        """Run cells among none of the names that those before bound; None where that fails.

        A kernel in which something goes wrong is closed: then a new one says what.
        """
        if not self.is_open:
            return None
        run = Execution(notebook, requests)
        self.client.take_up(run, self.limits, afresh=True)
        try:
            self.loop.result_of(
                asyncio.wait_for(self.client.run_cells(), self.limits.longest_seconds)
            )
        except Exception:
            LOG.debug("a second run failed", exc_info=True)
            self.close()
            return None
        if not self.client.is_sound:
            self.close()
        return run

    def close(self) -> None:
        """End the kernel."""
        if self.is_open:
            self.is_open = False
            with suppress(Exception):  # it ended by itself
                self.loop.result_of(self.client.end())
            self.loop.stop()

"""nbval's own collector and item, run on the overlay of a student's notebook."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from autograder.course.released import INLINE
from autograder.errors import DeskError, KernelEndedError
from workbook.checking import kept_names
from workbook.checking.cell_result import CellOutcome, Outcome, of_difference, of_error
from workbook.checking.overlay import BOOK, FACTS, OWN, SOLUTION, TEST, overlay
from workbook.own_time import OwnTime

# Of what a cell shows, the text counts.
NOT_COMPARED = ("stderr", "text/html", "text/latex", "image/svg+xml", "application/pdf")
LOOK_SECONDS = 1.0
START_SECONDS = 120.0
APART = "workbook.checking.apart"
PROBLEM = pytest.StashKey[str]()  # why no cell could be run

NO_START = (
    "Python did not start for this notebook. `workbook doctor` says what is not as it should be; a "
    "file beside the notebook that has the name of a library (random.py, torch.py) does this too."
)
ENDED = (
    "Python ended while this cell ran. That happens when memory runs out, and after exit() or "
    "quit()."
)
BEFORE = "not run, because of what happened in a cell above"


class CheckedNotebook(IPyNbFile):  # type: ignore[misc]  # nbval has no annotations
    """A student's notebook, of which nbval runs the overlay, in the folder where it lies."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.skip_compare: tuple[str, ...] = (*self.skip_compare, *NOT_COMPARED)
        self.to_do: list[str] = []
        self.tests: list[str] = []
        self.books: list[str] = []
        self.has_stopped = False

    def collect(self) -> list[CheckedCell]:
        """The code cells of the overlay, as nbval reads them."""
        try:
            notebook = overlay(self.path)
        except DeskError as error:
            self.config.stash[PROBLEM] = str(error)
            raise self.CollectError(str(error)) from None
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, self.path.name)
            nbformat.write(notebook, file)
            read = IPyNbFile.from_parent(self, path=file)
            cells = [
                CheckedCell.from_parent(
                    self, name=c.cell.id, cell_num=c.cell_num, cell=c.cell, options=c.options
                )
                for c in read.collect()
            ]
        self.nb = read.nb
        self.to_do = [cell.about for cell in cells if cell.facts.get("to_do")]
        self.tests, self.books = (
            [cell.cell.source for cell in cells if cell.facts["kind"] in kinds]
            for kinds in ((TEST,), (TEST, BOOK))
        )
        return cells

    def setup(self) -> None:
        """Start the kernel, with pictures as in JupyterLab."""
        os.environ["MPLBACKEND"] = INLINE
        try:
            super().setup()
        except RuntimeError:
            self.config.stash[PROBLEM] = NO_START
            pytest.fail(NO_START, pytrace=False)
        self.kernel.get_message = partial(_message, self.kernel)
        self._keep_tests_apart()

    def _keep_tests_apart(self) -> None:
        """Tell the kernel which cells are the book's, and which of them are tests."""
        given = f"({self.tests!r}, {self.books!r})"
        told = f"__import__({APART!r}, fromlist=['keep_apart']).keep_apart{given}"
        message = self.kernel.kc.execute(told, silent=True, store_history=False)
        with suppress(KernelEndedError, Empty):  # the first cell says so
            self.kernel.await_idle(message, START_SECONDS)


def _message(kernel: RunningKernel, stream: str, timeout: float | None = None) -> Any:
    """A message of the kernel, or its end, which nbval would not notice before the time is up.

    The time is the kernel's own, so that right work is not stopped where the machine is busy.
    """
    spent = OwnTime(getattr(kernel.km.provisioner, "pid", None))
    while True:
        was_alive = kernel.is_alive()
        try:
            left = float("inf") if timeout is None else max(0.0, timeout - spent.seconds)
            return RunningKernel.get_message(kernel, stream, timeout=min(left, LOOK_SECONDS))
        except Empty:
            if not was_alive:
                raise KernelEndedError from None
            if timeout is not None and spent.seconds >= timeout:
                raise


class CheckedCell(IPyNbCell):  # type: ignore[misc]  # nbval has no annotations
    """One code cell; `result` says what became of it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.facts = self.cell.metadata[FACTS]
        self.about: str | None = self.facts["about"]
        self.result = CellOutcome(Outcome.NOT_RUN, BEFORE)
        self._difference = ""

    def setup(self) -> None:
        """Nothing: nbval would let cells fail silently after one that took too long."""

    def runtest(self) -> None:
        """Run the cell as nbval does, and keep what became of it in the student's words."""
        notebook = self.parent
        if notebook.has_stopped:
            self.raise_cell_error(BEFORE)
        try:
            self._say("before", self.facts.get("names", {}))
            super().runtest()
            self._say("after")
        except KernelEndedError:
            notebook.has_stopped = True
            self.result = CellOutcome(Outcome.FAILED, ENDED)
            self.raise_cell_error(ENDED)
        except NbCellError:
            self._say("after")
            notebook.has_stopped = notebook.timed_out
            self.result = self._result()
            raise
        self.result = CellOutcome(Outcome.PASSED)

    def _say(self, what: str, *arguments: object) -> None:
        """Tell the kernel which names to put back or to keep; nbval looks at no answer to it."""
        if "names" in self.facts:
            line = kept_names.call(what, *arguments)
            self.parent.kernel.kc.execute(
                line, silent=True, store_history=False, stop_on_error=False
            )

    def _result(self) -> CellOutcome:
        if self.parent.timed_out:
            seconds = f"{self.config.option.nbval_cell_timeout:g}"
            return CellOutcome(
                Outcome.FAILED,
                f"it was stopped after {seconds} seconds. Is there a loop that does not end?",
            )
        if self._difference:
            return CellOutcome(Outcome.DIFFERS, self._difference)
        errors = [out for out in self.test_outputs if out.output_type == "error"]
        return of_error(errors[-1], self.about, self.parent.to_do)

    def compare_outputs(self, test: Any, ref: Any, skip_compare: Any = None) -> bool:
        """nbval's verdict; a difference is kept to be told."""
        is_same: bool = super().compare_outputs(test, ref, skip_compare)
        if not is_same:
            self._difference = of_difference(ref, test)
        return is_same

    def described(self) -> str:
        """The cell as the student knows it."""
        if self.facts["kind"] == SOLUTION:
            return f"your {self.about}"
        if self.facts["kind"] == TEST:
            return f"the test of {self.about}"
        whose = "your own cell" if self.facts["kind"] == OWN else "the book's cell"
        lines = [line.strip() for line in self.cell.source.splitlines()]
        first = next((line for line in lines if line and not line.startswith("#")), "")
        return f"{whose} that begins with `{first[:50]}`"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
        """What pytest shows of a cell that did not pass."""
        if isinstance(excinfo.value, NbCellError):
            return f"{self.described()}: {self.result.outcome}\n{self.result.message}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the cell is, for pytest: by its name, not its number."""
        return self.path, 0, f"{self.path.name}::{self.name}"

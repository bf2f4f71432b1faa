"""The block in a test cell: it runs the student's code and reports what came out."""

from __future__ import annotations

import base64
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from torch import Tensor

from . import _inputs
from ._made import calls_made, forget_failures
from ._named import nothing_asked
from ._record import encode, snapshot
from ._session import own_randomness, usual_session
from ._where import digest_of, lines_of
from ._writes import Writes

MAX_NAME = 200
MIME = "application/vnd.transformer-workbook.evidence"
UNJUDGED = (
    "0 points: nbgrader alone cannot judge this cell; grade with the workbook's configuration.\n"
)


class Seen:
    """What was seen: every attribute set on it is copied at once and recorded."""

    _values: dict[str, Any]
    _tensors: dict[str, Tensor]

    def __init__(self) -> None:
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_tensors", {})

    def __setattr__(self, name: str, value: Any) -> None:
        self._values[name] = snapshot(value, self._tensors)


class observe:
    """Record what a block of a test cell computes, or the type of the exception that ends it.

    `name` says what is observed and is unique in its cell; `points` is its weight in the cell.
    `naming` is given where the block is to be refused: an argument that the exception's message
    has to mention, or "" where any message will do.
    The block never raises (an interrupt excepted): the next one always runs, and finds neither
    switches that a student turned nor what this one wrote into a result (into one that is no
    tensor, where its code is `marked`).
    """

    def __init__(self, name: str, points: float = 1, naming: str | None = None) -> None:
        self.name = name
        self.points = points
        self.naming = naming

    def __enter__(self) -> Seen:
        self._began = time.process_time()
        self._session = usual_session()
        self._session.__enter__()
        _inputs.current = _inputs.Inputs(self.name)
        _inputs.seed_globals(self.name)
        self._seen = Seen()
        caller = sys._getframe(1)
        self._test = caller.f_code.co_filename
        self._writes = Writes(caller.f_globals, self._seen)
        self._writes.__enter__()
        self._calls = calls_made(self._writes)
        self._calls.__enter__()
        return self._seen

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._calls.__exit__(kind, error, trace)
        self._writes.__exit__()
        try:
            header = {
                "name": self.name,
                "points": self.points,
                "values": self._seen._values,
                "raised": kind and [c.__name__ for c in kind.__mro__ if c.__module__ == "builtins"],
                "names": self._names(error),
                "missing": _missing(error),
                "calls": sorted(name for name in self._calls.names if type(name) is str),
                "at": lines_of(trace, self._test),
                "given": self._calls.given(error) if self.naming is None else [],
                "said": None if error is None else digest_of(error),
            }
            if _inputs.SEED_VARIABLE in os.environ:
                # For a grader alone: the outputs of a notebook are to be the same when run again.
                header["seconds"] = round(time.process_time() - self._began, 3)
            _sink(encode(header, self._seen._tensors))
        finally:
            self._session.__exit__(None, None, None)
        # KeyboardInterrupt is how the time limit reaches the cell; nothing may swallow it.
        return not isinstance(error, KeyboardInterrupt)

    def _names(self, error: BaseException | None) -> bool | None:
        if self.naming is None or error is None:
            return None
        try:
            return re.search(rf"\b{re.escape(self.naming)}\b", str(error)) is not None
        except Exception:
            return False


def _missing(error: BaseException | None) -> str | None:
    """The name, the module or the attribute that is not there, where that ended the block."""
    if not isinstance(error, NameError | ImportError | AttributeError):
        return None
    name = getattr(error, "name", None)
    return name[:MAX_NAME] if isinstance(name, str) else None


def publish(record: bytes) -> None:
    """Put the record into the outputs of the running cell."""
    from IPython.core.getipython import get_ipython

    if os.environ.get("NBGRADER_EXECUTION"):
        sys.stderr.write(UNJUDGED)
    shell = get_ipython()
    if shell is not None:
        shell.display_pub.publish(data={MIME: base64.b64encode(record).decode("ascii")})


_sink: Callable[[bytes], object] = publish


@contextmanager
def collecting() -> Iterator[list[bytes]]:
    """Collect the records in a list instead of publishing them, where there is no kernel.

    What random numbers come next there is as it was before.
    """
    global _sink
    records: list[bytes] = []
    forget_failures()
    before, _sink = _sink, records.append
    try:
        with own_randomness(), nothing_asked():
            yield records
    finally:
        _sink = before

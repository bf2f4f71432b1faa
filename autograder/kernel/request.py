"""What a kernel is told of a cell besides its text, in the metadata of the request to run it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

HIDDEN_CODE = "hidden_code"  # what no student sees of it, compiled: marshal, in base64
GRADED_NAMES = "graded_names"  # which to put back before it, which to keep after it
PLAIN_TEST = "plain_test"  # whether what it comes to is asked for: it observes nothing
AFRESH = "afresh"  # whether the names that cells before it bound are forgotten first
PLACE = "place"  # its index in the notebook

# In the reply to a plain test, what its last expression gave.
LAST_VALUE = "last_value"
# In every reply: where a cell stands of which something still runs, whether surely, and what it is.
STILL_RUNNING = "still_running"
THREAD, PROCESS, TASK = "a thread", "a process", "a task"
# Beside the graded names of a cell that runs versions of an instructor's definitions: which.
IN_TURN = "in_turn"
LENGTH_BYTES = 4

# A record of evidence leaves in packets, which begin with what is in them: all of it, or a part.
WHOLE, FIRST, FURTHER, LAST = b"=", b"<", b"-", b">"


class Needs(NamedTuple):
    """What a kernel needs that the fork server makes ready once.

    `noted` are parts of the names of operators that are noted wherever they run; `has_compiler`
    says whether torch's compiler is imported.
    """

    noted: Sequence[str] = ()
    has_compiler: bool = False


class InTurn(NamedTuple):
    """A version to be run: `module` defines what is to be written, `source` observes it.

    `above` are the cells above, each as its text, or where the flag is set as the name that it is
    to define. `seconds` are what observing it may take.
    """

    module: str
    above: Sequence[tuple[str, bool]]
    source: str
    seconds: float


def joined(records: Iterable[bytes]) -> bytes:
    """Records in one, each behind its length."""
    return b"".join(len(each).to_bytes(LENGTH_BYTES, "big") + each for each in records)


def taken_apart(records: bytes) -> Iterator[bytes]:
    """The records that were joined."""
    start = 0
    while start < len(records):
        end = start + LENGTH_BYTES + int.from_bytes(records[start : start + LENGTH_BYTES], "big")
        yield records[start + LENGTH_BYTES : end]
        start = end

"""What a notebook's kernel sends, as far as it is taken in: evidence, and outputs to be shown."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from autograder.sandbox.limits import Limits

FULL_OUTPUTS = 16  # all outputs together: as much as so many cells may write
ROOM_BYTES = 200  # that a record, or a part of one, takes here, however short it is
# No widgets, no changes of earlier outputs: only what a cell shows of itself.
PASSED_ON = ("status", "stream", "display_data", "execute_result", "error", "clear_output")


class Intake:
    """Counts what comes from one kernel against the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._of_cell = 0
        self._shown = 0
        self._evidence = 0

    def begin_cell(self) -> None:
        """From here on, what comes is the next cell's."""
        self._of_cell = 0

    def record(self, encoded: object) -> bytes | None:
        """A record of evidence, empty where it is malformed; None where there were too many."""
        self._evidence += len(str(encoded)) + ROOM_BYTES
        if self._evidence > self._limits.evidence_bytes:
            return None
        try:
            return base64.b64decode(str(encoded), validate=True)
        except (binascii.Error, ValueError):
            return b""  # the judge says so

    def is_shown(self, message: dict[str, Any]) -> bool:
        """Whether a message may be shown; then it loses what would reach beyond its cell."""
        if message["msg_type"] not in PASSED_ON:
            return False
        if message["msg_type"] == "status":
            return True
        size = len(str(message["content"]))
        self._of_cell += size
        if self._of_cell > self._limits.output_bytes:
            return False
        self._shown += size
        if self._shown > FULL_OUTPUTS * self._limits.output_bytes:
            return False
        # It names a display, and a later one of that name is put in the place of each that there
        # is: a thousand small ones would become a thousand large ones.
        message["content"].pop("transient", None)
        if "metadata" in message["content"]:
            # nbconvert writes them into pages: sizes as attributes, "isolated" as a frame.
            message["content"]["metadata"] = {}
        return True

"""What a kernel sends besides replies, without waits that nothing needs."""

from __future__ import annotations

import socket
from typing import Any

from ipykernel.iostream import OutStream
from ipykernel.zmqshell import ZMQDisplayPublisher

from autograder.kernel.request import FIRST, FURTHER, LAST, WHOLE
from autograder.observe._observation import MIME

PART_BYTES = 100_000  # of a record in one packet; the system takes twice as much


class Stream(OutStream):
    """Waits for the thread that sends only where there is something to be sent."""

    def flush(self) -> None:
        """Send what was written; ipykernel asks for it several times a cell."""
        if getattr(self, "_buffers", True):
            super().flush()  # type: ignore[no-untyped-call]  # ipykernel annotates it in part


class Publisher(ZMQDisplayPublisher):
    """Sends evidence at once, past the messages: what was printed before need not come before."""

    records: socket.socket | None = None  # takes each record of evidence as one packet

    def publish(self, data: Any, *arguments: Any, **options: Any) -> None:
        """Publish output, or evidence."""
        if MIME not in data:
            super().publish(data, *arguments, **options)  # type: ignore[no-untyped-call]  # as above
            return
        if self._is_sent(data[MIME]):
            return
        content = {"data": data, "metadata": {}, "transient": {}}
        assert self.session is not None
        self.session.send(
            self.pub_socket, "display_data", content, parent=self.parent_header, ident=self.topic
        )

    def _is_sent(self, record: object) -> bool:
        """Whether a record left in packets, or could not."""
        if self.records is None or not isinstance(record, str):
            return False
        text = record.encode()
        starts = range(0, max(1, len(text)), PART_BYTES)
        parts = [text[start : start + PART_BYTES] for start in starts]
        kinds = [FIRST, *[FURTHER] * (len(parts) - 2), LAST] if len(parts) > 1 else [WHOLE]
        try:
            for kind, part in zip(kinds, parts, strict=True):
                self.records.send(kind + part)
        except OSError:
            return False
        return True

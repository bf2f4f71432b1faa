"""What a kernel sends besides replies, without waits that nothing needs."""

from __future__ import annotations

from typing import Any

from ipykernel.iostream import OutStream
from ipykernel.zmqshell import ZMQDisplayPublisher

from autograder.observe._observation import MIME


class Stream(OutStream):
    """Waits for the thread that sends only where there is something to be sent."""

    def flush(self) -> None:
        """Send what was written; ipykernel asks for it several times a cell."""
        if getattr(self, "_buffers", True):
            super().flush()  # type: ignore[no-untyped-call]  # ipykernel annotates it in part


class Publisher(ZMQDisplayPublisher):
    """Sends evidence at once; what was printed before it need not arrive before it."""

    def publish(self, data: Any, *arguments: Any, **options: Any) -> None:
        """Publish output, or evidence."""
        if MIME not in data:
            super().publish(data, *arguments, **options)  # type: ignore[no-untyped-call]  # as above
            return
        content = {"data": data, "metadata": {}, "transient": {}}
        assert self.session is not None
        self.session.send(
            self.pub_socket, "display_data", content, parent=self.parent_header, ident=self.topic
        )

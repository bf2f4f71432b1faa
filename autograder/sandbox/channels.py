"""How a kernel's messages come in: as far as reading them costs little more than their length."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Sequence
from queue import Empty
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.session import json_unpacker
from traitlets import Type

# One record of evidence in base64, with room.
MOST_BYTES = 24 * 2**20
# Above, only what is one character a byte when it is read, as evidence is.
PLAIN_BYTES = 4 * 2**20
# An object takes up to a hundred times the room of the characters that separate it from the next.
MOST_OBJECTS = 500_000
WAKE_SECONDS = 2.0


def is_moderate(frames: Sequence[bytes]) -> bool:
    """Whether a message of no more than `MOST_BYTES` may be parsed."""
    if sum(frame.count(mark) for frame in frames for mark in (b"[", b"{", b",")) > MOST_OBJECTS:
        return False
    large = [frame for frame in frames if len(frame) > PLAIN_BYTES]
    return all(frame.isascii() and b"\\" not in frame for frame in large)


class Channel(AsyncZMQSocketChannel):
    """A channel on which a flood of messages does not keep the time limits from being seen.

    What is too much to be read is given on as a message of nobody's.
    """

    async def _recv(  # type: ignore[override]  # as in jupyter_client itself
        self, **kwargs: Any
    ) -> dict[str, Any]:
        came = await self.socket.recv_multipart(copy=False, **kwargs)
        small = sum(map(len, came)) <= MOST_BYTES
        frames = [frame.bytes for frame in came] if small else []
        if not small or not is_moderate(frames):
            return {"msg_type": "", "parent_header": {}, "content": {}}
        message: dict[str, Any] = self.session.deserialize(self.session.feed_identities(frames)[1])
        return message

    async def get_msg(  # type: ignore[override]  # as in jupyter_client itself
        self, timeout: float | None = None
    ) -> dict[str, Any]:
        """The next message; whoever else waits has its turn first."""
        await asyncio.sleep(0)
        return await super().get_msg(timeout)


def _without_date(text: bytes | str) -> Any:
    """A part of a message; its date is nobody's to ask for, and to read it takes long."""
    read = json_unpacker(text)
    if isinstance(read, dict):
        read.pop("date", None)
    return read


class SandboxKernelClient(AsyncKernelClient):
    """A client that learns from the kernel itself that it can be spoken to."""

    iopub_channel_class = Type(Channel)
    shell_channel_class = Type(Channel)
    control_channel_class = Type(Channel)

    def start_channels(self, *_: Any, **__: Any) -> None:
        """Open the channels; none for questions to a user, none for heartbeats."""
        # Client and manager number their messages alike; with one name for both, the kernel's
        # answer to an interrupt would look like the end of a cell.
        self.session.session = uuid.uuid4().hex
        self.session.unpack = _without_date
        super().start_channels(stdin=False, hb=False)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait for the kernel's welcome to a subscriber, JEP 65.

        Where it does not come at once, subscribe to something else as well: that wakes it.

        Raises: RuntimeError, when it does not come.
        """
        left = float("inf") if timeout is None else timeout
        for turn in itertools.count():
            try:
                await self.get_iopub_msg(timeout=min(WAKE_SECONDS, left))
                return
            except Empty as error:
                left -= WAKE_SECONDS
                if left <= 0:
                    raise RuntimeError(f"the kernel did not answer in {timeout} s") from error
            self.iopub_channel.socket.setsockopt(zmq.SUBSCRIBE, f"{turn}".encode())

"""Evidence that a kernel sends past its messages: each record in packets of its own.

A message costs both sides about as much as a check; a packet next to nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autograder.kernel.request import FIRST, LAST, WHOLE
from autograder.sandbox.channels import MOST_BYTES
from autograder.sandbox.intake import ROOM_BYTES

PACKET_BYTES = 2**20  # more than one holds
MOST_PACKETS = 500  # more than lie between a kernel and its client at a time
TOO_LONG = b"?"  # no record


@contextmanager
def coming_in(records: socket.socket, take: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Inside, have each record taken as it comes; a call of what is given takes those waiting."""
    loop, parts = asyncio.get_running_loop(), Parts(take)

    def take_one() -> bool:
        try:
            packet = records.recv(PACKET_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            packet = b""
        if not packet:  # nobody holds the other end any more
            loop.remove_reader(records)
            return False
        parts.add(packet)
        return True

    def take_waiting() -> None:
        for _ in range(MOST_PACKETS):
            if not take_one():
                return

    loop.add_reader(records, take_one)
    try:
        yield take_waiting
    finally:
        loop.remove_reader(records)


class Parts:
    """Puts records together from packets; one that was broken off is forgotten."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._parts: list[bytes] = []
        self._room = 0

    def add(self, packet: bytes) -> None:
        """Take the packet's record, if this is its last."""
        kind, part = packet[:1], packet[1:]
        if kind in (WHOLE, FIRST):
            self._parts, self._room = [], 0
        self._room += len(part) + ROOM_BYTES
        if self._room <= MOST_BYTES:
            self._parts.append(part)
        else:
            self._parts = [TOO_LONG]
        if kind in (WHOLE, LAST):
            self._take(b"".join(self._parts).decode("ascii", "replace"))
            self._parts = []

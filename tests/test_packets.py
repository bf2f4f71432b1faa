"""Evidence past the messages: whole, in order, of any size; a broken record costs no other."""

from __future__ import annotations

import asyncio
import socket

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.kernel.request import FIRST, FURTHER, LAST, WHOLE
from autograder.kernel.streams import PART_BYTES, Publisher
from autograder.sandbox import packets
from autograder.sandbox.execute import execute
from autograder.sandbox.packets import Parts, coming_in
from autograder.verdict.evidence import decode

SMALL_AND_LARGE = """
### BEGIN HIDDEN TESTS
from autograder.observe import observe
import torch
for number, size in enumerate((1, 500_000, 1, 30_000, 1)):
    with observe(f"{number}") as seen:
        seen.numbers = torch.arange(size)
### END HIDDEN TESTS
"""


def test_records_of_any_size_come_whole_and_in_order() -> None:
    """One of four megabytes between small ones, as none may overtake it."""
    flags = {"grade_id": "test-sizes", "grade": True, "solution": False}
    cell = new_code_cell(SMALL_AND_LARGE, metadata={"nbgrader": flags})

    found = execute(new_notebook(cells=[cell]), seed=1)

    records = [decode(each) for each in found.evidence["test-sizes"]]
    assert [each.name for each in records] == ["0", "1", "2", "3", "4"]
    assert [each.values["numbers"]["kind"] for each in records] == ["tensor"] * 5


CLOSED_AT_THE_THIRD = """
### BEGIN HIDDEN TESTS
from autograder.observe import observe
import os
for number in range(6):
    with observe(f"{number}") as seen:
        if number == 2:
            os.close(get_ipython().display_pub.records.fileno())
        seen.number = number
### END HIDDEN TESTS
"""


def test_records_keep_their_order_where_the_socket_is_closed_between_them() -> None:
    """Those before it come in packets, those behind it in messages, which are slower."""
    flags = {"grade_id": "test-order", "grade": True, "solution": False}
    cell = new_code_cell(CLOSED_AT_THE_THIRD, metadata={"nbgrader": flags})

    for _ in range(5):
        found = execute(new_notebook(cells=[cell]), seed=1)

        names = [decode(each).name for each in found.evidence["test-order"]]
        assert names == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 5 * PART_BYTES])
def test_what_is_taken_apart_is_put_together(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    came: list[str] = []
    text = ("0123456789" * (size // 10 + 1))[:size]
    monkeypatch.setattr(Publisher, "records", its)

    async def read() -> None:
        ours.setblocking(False)
        with coming_in(ours, came.append) as take_waiting:
            sending = asyncio.to_thread(Publisher()._is_sent, text)
            assert await sending
            take_waiting()

    with ours, its:
        asyncio.run(read())

    assert came == [text]


def test_a_record_that_was_broken_off_costs_no_other() -> None:
    came: list[str] = []
    parts = Parts(came.append)

    for packet in (FIRST + b"a", FURTHER + b"b", WHOLE + b"c", FIRST + b"d", FIRST + b"e"):
        parts.add(packet)
    parts.add(LAST + b"f")

    assert came == ["c", "ef"]


def test_a_record_without_end_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is too long nothing is kept but that it came; what is no record says so."""
    monkeypatch.setattr(packets, "MOST_BYTES", 5_000)
    came: list[str] = []
    parts = Parts(came.append)

    parts.add(FIRST + b"a")
    for _ in range(1_000):
        parts.add(FURTHER + b"b")
    held = len(parts._parts)
    parts.add(LAST)

    assert (held, came) == (1, ["?"])


def test_evidence_leaves_as_a_message_where_no_packet_can(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    monkeypatch.setattr(Publisher, "records", its)
    publisher = Publisher()
    ours.close()

    assert not publisher._is_sent("record")
    its.close()
    assert not publisher._is_sent("record")
    assert not publisher._is_sent(3)

"""A kernel that stays runs versions one after the other, whatever one of them does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.kernel.request import InTurn, Needs, joined, taken_apart
from autograder.sandbox import Limits, kernel_server
from autograder.sandbox.standing import Standing
from autograder.verdict.evidence import decode

OBSERVES = """from autograder.observe import observe
import os
with observe("process") as seen:
    seen.process = os.getpid()
with observe("result") as seen:
    seen.result = double(3)
"""
ABOVE = [("import math\n", False), ("double", True), ("half = lambda x: x / 2\n", False)]


@pytest.fixture
def kernel() -> Iterator[Standing]:
    made = Standing(1, Limits(), {}, Needs())
    yield made
    made.end()


def version(result: str, seconds: float = 5, source: str = OBSERVES) -> InTurn:
    return InTurn(f"def double(x):\n    return {result}\n", ABOVE, source, seconds)


def results(found: list[list[bytes]]) -> list[object]:
    return [[*map(decode, each)][1].values["result"]["value"] if each else None for each in found]


def process(found: list[bytes]) -> int:
    return int(decode(found[0]).values["process"]["value"])


def test_each_version_is_itself_and_all_are_run_in_one_kernel(kernel: Standing) -> None:
    """What one defines the next does not find, and no other kernel is started for a question."""
    first = kernel.observed([version("2 * x"), version("x + x + 1")])
    lost = InTurn("", ABOVE, OBSERVES, 5.0)  # defines nothing
    second = kernel.observed([version("3 * x"), lost])

    assert results([*first, second[0]]) == [6, 7, 9]
    assert [decode(record).raised is None for record in second[1]] == [True, False]
    assert len({process(each) for each in (*first, *second)}) == 1


def test_one_that_ends_its_kernel_is_lost_alone(kernel: Standing) -> None:
    """The next ones are run in the next kernel."""
    ends = version("__import__('os')._exit(1)")

    found = kernel.observed([version("2 * x"), ends, version("4 * x")])

    assert results(found) == [6, None, 12]
    assert process(found[0]) == process(found[2])  # the first of its own namespace, each time
    assert results(kernel.observed([version("5 * x")])) == [15]


def test_an_endless_one_costs_its_seconds_and_keeps_what_it_gave(kernel: Standing) -> None:
    """An interrupt ends it as it ends a cell that takes too long."""
    endless = version("[1 for _ in iter(int, 1)]", 0.2)

    found = kernel.observed([endless, version("2 * x")])

    of_the_process, *rest = map(decode, found[0])
    assert of_the_process.raised is None
    assert "KeyboardInterrupt" in str([record.raised for record in rest])
    assert results(found[1:]) == [6]


def test_one_that_sends_too_much_is_lost_alone(kernel: Standing) -> None:
    """Its message is given to nobody, and those of the others are still theirs."""
    large = (
        "with observe('large') as seen:\n    seen.all = [torch.zeros(2**20) for _ in range(8)]\n"
    )
    too_much = version("2 * x", source=f"import torch\n{OBSERVES}{large}")

    found = kernel.observed([version("3 * x"), too_much, version("4 * x")])

    assert results(found) == [9, None, 12]


def test_another_fork_server_starts_the_next_kernel(kernel: Standing) -> None:
    """Where the first one is killed, as by the machine that ran out of memory."""
    kernel.observed([version("2 * x")])
    kernel_server()._process.kill()
    kernel_server()._process.wait()

    found = kernel.observed([version("2 * x"), version("3 * x"), version("4 * x")])

    assert results(found) == [6, 9, 12]
    assert results(kernel.observed([version("5 * x")])) == [15]


def test_above_stand_the_cells_of_the_notebook(kernel: Standing) -> None:
    """In their order, what a version defines among them; one that fails stops no other."""
    above = [
        ("raise ValueError\n", False),
        ("double", True),
        ("twice = double(double(1))\n", False),
    ]
    source = 'from autograder.observe import observe\nwith observe("a") as s:\n    s.a = twice\n'

    ((record,),) = kernel.observed([InTurn("double = lambda x: 5 * x\n", above, source, 5.0)])

    assert decode(record).values["a"]["value"] == 25


def test_records_come_apart_as_they_were_joined() -> None:
    records = [b"", b"one", b"\x00" * 70_000]

    assert [*taken_apart(joined(records))] == records
    assert [*taken_apart(b"")] == []

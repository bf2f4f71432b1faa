"""The judge: evidence against evidence, failing closed."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from autograder.errors import BrokenReferenceError, MalformedEvidenceError
from autograder.observe import at_most, close, collecting, exactly, observe
from autograder.verdict.evidence import decode
from autograder.verdict.judge import judge
from autograder.verdict.verdict import Check

Block = Callable[[Any], None]


def evidence(**blocks: Block) -> list[bytes]:
    """The records of blocks by name; an underscore stands for a space."""
    with collecting() as records:
        for name, block in blocks.items():
            with observe(name.replace("_", " ")) as seen:
                block(seen)
    return records


def setting(value: object, name: str = "output") -> Block:
    return lambda seen: setattr(seen, name, value)


def one_check(reference: object, found: object) -> Check:
    """The verdict on one value against another."""
    result = judge("t", 2.0, evidence(a=setting(reference)), evidence(a=setting(found)))
    (check,) = result.checks
    return check


NUMBERS = torch.linspace(-3, 5, 12).reshape(3, 4)


@pytest.mark.parametrize(
    "value",
    [
        NUMBERS,
        NUMBERS.bfloat16(),
        NUMBERS.half(),
        NUMBERS.numpy(),
        NUMBERS > 0,
        torch.tensor([float("nan"), float("inf"), 1.0]),
        torch.zeros(0, 4),
        3,
        2.5,
        float("nan"),
        True,
        None,
        "text",
        (1, 2),
        {"Q": (2, 3)},
        [None, NUMBERS],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_agrees_with_itself(value: object) -> None:
    """Whatever can be recorded equals itself."""
    assert one_check(value, value).passed


@pytest.mark.parametrize(
    ("reference", "found", "says"),
    [
        (NUMBERS, NUMBERS * 1.01, "12 of 12 entries differ"),
        (NUMBERS, NUMBERS.mT, "exchanged"),
        (NUMBERS, NUMBERS[:2], r"shape \(2, 4\) is wrong"),
        (NUMBERS, NUMBERS.double(), "dtype float64 is wrong"),
        (NUMBERS, NUMBERS.numpy(), "of type array"),
        (NUMBERS, NUMBERS * torch.nan, "NaN"),
        (torch.tensor([torch.nan]), torch.tensor([0.0]), "differ"),
        (torch.tensor([torch.inf]), torch.tensor([-torch.inf]), "differ"),
        (NUMBERS > 0, NUMBERS <= 0, "differ"),
        (3, 4, "4 is not right"),
        (3, 3.0, "of type float"),
        (True, 1, "of type int"),
        ((1, 2), (1, 2, 3), "3 entries"),
        ((1, 2), (1, 3), "entry 1"),
        ({"Q": 1}, {"K": 1}, "1 of those asked for are missing"),
        (NUMBERS, None, "is None"),
        (NUMBERS, object(), "an object of type object"),
        (1.0, float("nan"), "nan is not right"),
    ],
)
def test_a_difference_is_described_without_the_answer(
    reference: object, found: object, says: str
) -> None:
    """The message says what is wrong with what was found."""
    check = one_check(reference, found)

    assert not check.passed
    assert np.char.find(check.message, "output: ") == 0
    import re

    assert re.search(says, check.message), check.message


@pytest.mark.parametrize(
    ("dtype", "below", "above"),
    [
        (torch.float64, 1e-11, 1e-9),
        (torch.float32, 1e-6, 1e-4),
        (torch.float16, 5e-3, 1e-1),
        (torch.bfloat16, 1e-2, 2e-1),
    ],
)
def test_closeness_is_relative_to_the_size_of_the_result(
    dtype: torch.dtype, below: float, above: float
) -> None:
    """Each dtype has its tolerance, at every size of the numbers."""
    for size in (1e-2, 1.0, 1e2):
        numbers = torch.tensor([1.0, -0.5, 0.25], dtype=torch.float64) * size
        assert one_check(numbers.to(dtype), (numbers + below * size).to(dtype)).passed
        assert not one_check(numbers.to(dtype), (numbers + above * size).to(dtype)).passed


def test_rules_are_read_from_the_reference_only() -> None:
    """A submission cannot widen a tolerance or raise a limit."""
    assert not one_check(torch.ones(2), close(torch.zeros(2), 1e9)).passed
    assert not one_check(at_most(10, 20), at_most(30, 40)).passed
    assert one_check(at_most(10, 20), at_most(15, 0)).passed
    assert one_check(close(torch.ones(2), 0.1), torch.full((2,), 1.05)).passed
    assert not one_check(exactly(torch.ones(2)), torch.ones(2) + 1e-7).passed
    assert one_check(close((torch.ones(2), 2), 0.1), (torch.full((2,), 1.05), 2)).passed


def raising(error: Exception) -> Block:
    def block(_: object) -> None:
        raise error

    return block


@pytest.mark.parametrize(
    ("found", "passed", "says"),
    [
        (raising(ValueError("key is too long")), True, "as it should be"),
        (raising(UnicodeError("key")), True, "as it should be"),
        (raising(ValueError("wrong")), False, "does not name"),
        (raising(AssertionError("key")), False, "raised AssertionError"),
        (setting(1), False, "raised no exception"),
    ],
)
def test_an_expected_exception(found: Block, passed: bool, says: str) -> None:
    """Its type (or a subclass) counts, and whether it names the argument."""

    def run(block: Block) -> list[bytes]:
        with collecting() as records, observe("refused", naming="key") as seen:
            block(seen)
        return records

    result = judge("t", 1.0, run(raising(ValueError("key"))), run(found))

    assert result.checks[0].passed is passed
    assert says in result.checks[0].message


class Misspelt(torch.nn.Module):
    def foward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def a_stub(_: object) -> None:
    raise NotImplementedError("Write the function first")


@pytest.mark.parametrize(
    "found",
    [a_stub, lambda _: Misspelt()(NUMBERS), lambda _: torch.softmax(NUMBERS.long(), -1)],
    ids=["stub", "forward", "dtype"],
)
def test_what_raises_as_a_stub_does_is_told_in_words_true_of_both(found: Block) -> None:
    """The evidence has the exception's type and not the line: torch raises it of itself, too."""
    check = judge("t", 1.0, evidence(a=setting(1)), evidence(a=found)).checks[0]

    assert not check.passed
    assert "it is not written yet, or what it calls cannot do this" in check.message


REFERENCE = evidence(a=setting(1), b=setting(2), c=setting(3))


@pytest.mark.parametrize(
    ("submission", "score"),
    [
        (REFERENCE, 6.0),
        ([], 0.0),
        (REFERENCE[:2], 4.0),
        (REFERENCE[1:], 4.0),
        ([*REFERENCE, REFERENCE[0]], 0.0),
        ([REFERENCE[1], REFERENCE[0], REFERENCE[2]], 0.0),
        ([*REFERENCE, *evidence(d=setting(4))], 0.0),
        ([*REFERENCE, b"nonsense"], 0.0),
        ([REFERENCE[0], b"", REFERENCE[2]], 0.0),
        (evidence(a=setting(1), b=setting(0), c=setting(3)), 4.0),
    ],
    ids=["all", "none", "no last", "no first", "twice", "order", "more", "junk", "empty", "wrong"],
)
def test_no_evidence_is_no_points(submission: list[bytes], score: float) -> None:
    """Missing evidence costs its check; doubled, reordered, foreign or malformed all of them."""
    assert judge("t", 6.0, REFERENCE, submission).score == score


def test_points_are_shared_by_weight_and_add_up() -> None:
    """The points of the checks are those of the cell, also when they do not divide evenly."""
    with collecting() as records:
        for name, points in (("a", 1), ("b", 1), ("c", 1)):
            with observe(name, points=points) as seen:
                seen.value = name
    result = judge("t", 1.0, records, records)

    assert result.score == 1.0
    assert sum(check.points for check in result.checks) == pytest.approx(1.0)


def test_a_forbidden_call_fails_the_check_and_is_named() -> None:
    """A call that the exercise is to build is wrong even where its numbers are right."""
    q = torch.ones(2, 3, 5)

    def built_in(seen: Any) -> None:
        seen.output = torch.nn.functional.scaled_dot_product_attention(q, q, q)

    def by_hand(seen: Any) -> None:
        seen.output = torch.softmax(q @ q.mT / 5**0.5, -1) @ q

    result = judge("t", 1.0, evidence(a=by_hand), evidence(a=built_in), ["scaled_dot_product"])

    assert result.score == 0.0
    assert "scaled_dot_product_attention" in result.checks[0].message


def forged(**changes: Any) -> bytes:
    """A record whose header was changed."""
    (record,) = evidence(a=setting(NUMBERS))
    (length,) = struct.unpack("<Q", record[:8])
    header = json.loads(record[8 : 8 + length])
    fields = {**json.loads(header["__metadata__"]["record"]), **changes}
    header["__metadata__"]["record"] = json.dumps(fields)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + record[8 + length :]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"output": None},
        {"output": 5},
        {"output": {}},
        {"output": {"kind": "tensor"}},
        {"output": {"kind": "tensor", "key": "7"}},
        {"output": {"kind": "tensor", "key": []}},
        {"output": {"kind": "tuple", "items": 3}},
    ],
)
def test_forged_values_fail_and_never_raise(values: object) -> None:
    """Whatever stands in a record, the judge gives a verdict."""
    reference = evidence(a=setting(NUMBERS))

    assert judge("t", 1.0, reference, [forged(values=values)]).score == 0.0


@pytest.mark.parametrize(
    "changes",
    [{"schema": 99}, {"values": []}, {"raised": 5}, {"calls": None}, {"points": "x"}],
)
def test_a_forged_header_is_malformed(changes: dict[str, Any]) -> None:
    """A record with a field of another type is refused as a whole."""
    with pytest.raises(MalformedEvidenceError):
        decode(forged(**changes))


def test_a_broken_reference_is_the_courses_fault() -> None:
    """Without evidence to judge by there is no verdict at all."""
    for broken in ([], [b"junk"], [*evidence(a=setting(1)), *evidence(a=setting(1))]):
        with pytest.raises(BrokenReferenceError):
            judge("t", 1.0, broken, [])


def test_refusing_everything_earns_nothing() -> None:
    """Code that always raises would pass the checks of what is to be refused."""

    def both(block: Block) -> list[bytes]:
        with collecting() as records:
            with observe("works") as seen:
                block(seen)
            with observe("refuses", naming="key"):
                raise ValueError("key")
        return records

    reference = both(setting(1))

    assert judge("t", 2.0, reference, both(raising(ValueError("key")))).score == 0.0
    assert judge("t", 2.0, reference, reference).score == 2.0


@pytest.mark.parametrize(
    "value",
    [
        torch.ones(2, dtype=torch.complex64),
        torch.ones(2, dtype=torch.complex128),
        torch.ones(2, device="meta"),
        torch.ones(2).to_sparse(),
        np.ones(2, dtype=np.complex64),
        np.array([object()]),
        10**5000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_odd_value_costs_its_own_check_only(value: object) -> None:
    """A tensor of a dtype that no exercise has is wrong, not malformed."""
    reference = evidence(a=setting(NUMBERS), b=setting(1))
    found = evidence(a=setting(value), b=setting(1))

    assert [check.passed for check in judge("t", 2.0, reference, found).checks] == [False, True]


@pytest.mark.parametrize(
    ("made", "passed"),
    [
        (lambda x: (x, 2 * x), [True, True, True, True]),
        # A list for a tuple is one slip, wherever it is seen; refusing still counts.
        (lambda x: [x, 2 * x], [False, True, True, True]),
        # Numbers that are wrong too are judged for themselves.
        (lambda x: [x, x * (2 if x.ndim == 1 else 3)], [False, False, True, True]),
        (lambda x: [x, 3 * x], [False, False, False, False]),
        # A dict, a set or one tensor is no list.
        (lambda x: torch.stack((x, 2 * x)), [False, False, False, False]),
    ],
)
def test_a_list_for_a_tuple_is_priced_once(made: Any, passed: list[bool]) -> None:
    """The type costs the first check that sees it, and the numbers are judged in all."""

    def observed(made: Any) -> list[bytes]:
        def checked(x: torch.Tensor) -> Any:
            if x.numel() == 0:
                raise ValueError("x is empty")
            return made(x)

        with collecting() as records:
            with observe("one dimension") as seen:
                seen.both = checked(torch.arange(3.0) + 1)
            with observe("two dimensions") as seen:
                seen.both = checked(torch.ones(2, 3))
            with observe("a tuple inside") as seen:
                seen.whole = {"of one": checked(torch.ones(1))}
            with observe("nothing is refused", naming="x"):
                checked(torch.ones(0))
        return records

    result = judge("test-both", 4.0, observed(lambda x: (x, 2 * x)), observed(made))

    assert [check.passed for check in result.checks] == passed


@pytest.mark.parametrize(
    ("reference", "found", "says"),
    [
        ([7, 8, 9], [7, 8, 5], "entry 2: 5 is not right"),
        ([7, 8, 9], [7, 8, 5, 9], "has 4 entries, which is not the number asked for; the first 2 "),
        ([7, 8, 9], [7, 8], "has 2 entries, which is not the number asked for; all of them are "),
        ([7, 8], [7, 8, 7], "the first 2 are right"),
        ([7, 8], [6, 7, 8], "has 3 entries, which is not the number asked for"),
        ([7, 8], [], "has 0 entries, which is not the number asked for"),
        ([(1, 2), (3, 4)], [(1, 2), (3, 5)], "entry 1: entry 1: 5 is not right"),
        ([(1, 2)], [[1, 2]], "entry 0: is of type list"),
        ({(1, 2): 3}, {(1, 2): 3, (2, 3): 1}, "has 2 keys, and 1 of them were not asked for"),
        ({(1, 2): 3}, {}, "has 0 keys, and 1 of those asked for are missing"),
        ({(1, 2): 3}, {(2, 1): 3}, "1 of those asked for are missing and 1 of them were not"),
        ({(1, 2): 3}, {(1, 2): 2}, "entry '(1, 2)': 2 is not right"),
    ],
)
def test_lists_and_dictionaries_say_how_far_they_are_right(
    reference: object, found: object, says: str
) -> None:
    """Which is where to look; what should have followed is not said."""
    check = one_check(reference, found)

    assert not check.passed
    assert says in check.message
    assert one_check(found, found).passed


def test_numbers_of_numpy_are_the_same_keys_and_entries() -> None:
    """They equal Python's own, so code that makes them is as right."""
    one, two = np.int64(1), np.uint8(2)

    assert one_check({(1, 2): 3, 1: 4}, {(one, two): np.int64(3), one: 4}).passed
    assert one_check([1, (2, 1)], [one, (two, one)]).passed
    assert not one_check({(1, 2): 3}, {(two, one): 3}).passed


def test_a_check_without_weight_is_said_and_costs_nothing() -> None:
    """Also where a cell has no other."""

    def seen(free: int, *priced: int) -> list[bytes]:
        with collecting() as records:
            for name, points, value in (("free", 0, free), *(("priced", 2, x) for x in priced)):
                with observe(name, points) as seen:
                    seen.value = value
        return records

    beside = judge("t", 2.0, seen(1, 5), seen(3, 5))
    only = judge("t", 2.0, seen(1), seen(3))

    assert [check.passed for check in beside.checks] == [False, True]
    assert [check.points for check in beside.checks] == [0, 2]
    assert [(check.passed, check.points) for check in only.checks] == [(False, 0)]

"""Whether two pieces of evidence of one observation say that the same was done."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace

from autograder.verdict.compare import TOLERANCE, Node, difference
from autograder.verdict.evidence import Array, Record

# Of the numbers that meet in a result, in units of the last place: what is left of a difference
# that is 0. It is another one on another machine.
ROUNDING = 128
_LAST_PLACE = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


def agree(wrong: Record, found: Record, expected: Record | None = None) -> bool:
    """Whether a submission did in one observation what a wrong version does."""
    if (wrong.raised or [""])[0] != (found.raised or [""])[0]:
        return False
    # An exception of another type than `expected` is wrong whatever it names.
    right_type = expected is None or {*(expected.raised or ())[:1]} & {*(found.raised or ())}
    if right_type and wrong.names != found.names:
        return False
    if set(wrong.values) != set(found.values):
        return False
    if expected is not None:
        wrong = replace(wrong, arrays=beside(expected, wrong))
    for name, node in wrong.values.items():
        other = found.values[name]
        try:
            if node.get("rule") == "at_most":
                too_much = [float(each["value"]) > node["limit"] for each in (node, other)]
                if too_much[0] != too_much[1]:
                    return False
            elif difference(node, wrong.arrays, other, found.arrays) is not None and not (
                expected is not None
                and name in expected.values
                and _otherwise_called(expected.values[name], (wrong, node), (found, other))
            ):
                return False
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
            return False
    return True


def beside(expected: Record, wrong: Record) -> dict[str, Array]:
    """The arrays of a wrong version, of which rounding alone is small beside what was expected."""
    return {
        key: replace(array, size=_size(expected.arrays[key], array))
        if key in expected.arrays and expected.arrays[key].dtype == array.dtype in TOLERANCE
        else array
        for key, array in wrong.arrays.items()
    }


def _size(expected: Array, wrong: Array) -> float:
    least = min(1.0, ROUNDING * _LAST_PLACE[wrong.dtype] / TOLERANCE[wrong.dtype])
    return max(wrong.largest, least * expected.largest)


def _otherwise_called(
    expected: Node, wrong: tuple[Record, Node], found: tuple[Record, Node]
) -> bool:
    """Whether two dicts lack the same of the keys asked for, and have the same in their place."""
    if not expected["kind"] == wrong[1]["kind"] == found[1].get("kind") == "dict":
        return False
    asked, items, others = (node["items"] for node in (expected, wrong[1], found[1]))
    in_order = [(items[one], others[other]) for one, other in zip(items, others, strict=False)]
    return (
        len(items) == len(others)
        and set(asked) - set(items) == set(asked) - set(others) != set()
        and all(
            difference(one, wrong[0].arrays, other, found[0].arrays) is None
            for one, other in in_order
        )
    )


def say_enough(expected: Mapping[str, Record], wrong: Mapping[str, Record]) -> bool:
    """Whether evidence that agrees in all of `wrong` says that the mistakes are alike."""
    crashes = {
        record.raised[0]
        for name, record in wrong.items()
        if record.raised and expected[name].raised is None
    }
    return any(tells(expected[name], record, crashes) for name, record in wrong.items())


def stop_alike(
    expected: Mapping[str, Record], wrong: Mapping[str, Record], found: Mapping[str, Record]
) -> bool:
    """Whether both stop somewhere, each time with the same text.

    Of one that is long enough to say which sizes or types met, that is no chance within one
    definition. Types that come from another one meet in the same words for many reasons.
    """
    stopped = [
        record for name, record in wrong.items() if record.raised and expected[name].raised is None
    ]
    return bool(stopped) and all(
        record.said is not None and record.said == found[record.name].said for record in stopped
    )


def tells(expected: Record, wrong: Record, crashes: Container[str]) -> bool:
    """Whether alike evidence of one observation says that the mistakes are alike.

    That both end in the same exception says little, also where another one was asked for and
    `crashes` holds it; wrong numbers before it, or which refusal is missing, say enough.
    """
    if wrong.raised is None:
        return True
    if expected.raised is None:
        return any(
            difference(expected.values[name], expected.arrays, node, wrong.arrays) is not None
            for name, node in wrong.values.items()
            if name in expected.values
        )
    right_type = expected.raised[0] in wrong.raised
    unnamed = bool(expected.names and not wrong.names)
    return wrong.raised[0] not in crashes and (unnamed or not right_type)

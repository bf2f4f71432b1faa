"""What a release recorded before stays byte for byte, where it says the same as what is new.

The last digits of a sum depend on the machine: on its vector instructions, its threads and its
libraries. They are no news, so a release anywhere gives the file that is there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograder.verdict.agreement import agree, beside
from autograder.verdict.compare import TOLERANCE
from autograder.verdict.evidence import Array, Record, decode

# Of the closeness that judging asks for. A third was seen: a gradient in float32 with and without
# vector instructions.
PART = 0.5


def with_numbers_of(before: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of an assignment's public examples, with the records of before in place of
    new ones that say the same.
    """
    older = before.get("definitions", {})
    definitions = {
        name: _with_numbers_of(older[name], answers) if name in older else answers
        for name, answers in known["definitions"].items()
    }
    return {**known, "definitions": definitions}


def _with_numbers_of(before: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    records: dict[str, int] = {}
    versions = {}
    expected = {each.name: each for each in map(_decoded, answers["expected"])}
    for id, numbers in answers["versions"].items():
        earlier = [before["records"][number] for number in before["versions"].get(id, ())]
        texts = [_kept(answers["records"][number], earlier, expected) for number in numbers]
        versions[id] = [records.setdefault(text, len(records)) for text in texts]
    return {
        **answers,
        "expected": [_kept(text, before["expected"], {}) for text in answers["expected"]],
        "records": list(records),
        "versions": versions,
    }


def _kept(text: str, earlier: Iterable[str], expected: Mapping[str, Record]) -> str:
    new = _decoded(text)
    right = expected.get(new.name)
    return next(
        (old for old in earlier if old == text or _says_the_same(_decoded(old), new, right)), text
    )


def _decoded(text: str) -> Record:
    return decode(base64.b64decode(text))


def _says_the_same(old: Record, new: Record, expected: Record | None) -> bool:
    arrays = old.arrays if expected is None else beside(expected, old)
    fields = [(each.name, each.points, each.raised, each.names) for each in (old, new)]
    return (
        fields[0] == fields[1]
        and agree(old, new, expected)
        and _plain(old) == _plain(new)
        and all(_is_near(each, new.arrays[key]) for key, each in arrays.items())
    )


def _plain(record: Record) -> Any:
    """The values beside the arrays, numbers to nine digits."""
    text = json.dumps(record.values, sort_keys=True)
    return json.loads(text, parse_float=lambda digits: f"{float(digits):.9g}")


def _is_near(old: Array, new: Array) -> bool:
    """Whether no number differs by more than a part of what judging lets pass."""
    if old.dtype != new.dtype or old.numbers.shape != new.numbers.shape:
        return False
    if old.dtype not in TOLERANCE:
        return bool(np.array_equal(old.numbers, new.numbers))
    one, other = (each.numbers.astype(np.float64) for each in (old, new))
    near = PART * TOLERANCE[old.dtype] * (old.size or old.largest or 1.0)
    return bool(np.allclose(one, other, rtol=0.0, atol=near, equal_nan=True))

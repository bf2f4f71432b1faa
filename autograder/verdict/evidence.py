"""Evidence as the judge reads it: one record an observation, decoded without torch.

A record comes out of a process that ran a student's code, so nothing in it is believed:
whatever is not a well-formed record is `MalformedEvidenceError`, never an error of the grader.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from autograder.errors import MalformedEvidenceError

MIME = "application/vnd.transformer-workbook.evidence"
SCHEMA = 1
MAX_BYTES = 16 * 2**20
MAX_HEADING_BYTES = 2 * 2**20  # read as objects, each character may take thirty times its room

_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


@dataclass(frozen=True)
class Array:
    """A tensor or array of the evidence, with the dtype it had where it was made.

    `size` is that of the largest number to which an error is small or large, where it is not one
    of its own.
    """

    numbers: NDArray[Any]
    dtype: str
    size: float | None = None

    @cached_property
    def largest(self) -> float:
        """The size of its largest finite number, or 0."""
        wide = self.numbers.astype(np.float64)
        return float(np.abs(wide[np.isfinite(wide)]).max(initial=0.0))


@dataclass(frozen=True)
class Record:
    """What one observation reported.

    `missing` is the name, module or attribute for want of which it ended, `at` the lines that the
    exception went through, the innermost first, each with the kinds of what its names stood for,
    `given` the kinds of what the function that failed was given. Student code can put any text
    into these. `said` is a digest of the exception's text, `seconds` what it took of a processor.
    """

    name: str
    points: float
    values: Mapping[str, Any]
    arrays: Mapping[str, Array]
    raised: tuple[str, ...] | None
    names: bool | None
    calls: tuple[str, ...]
    missing: str | None = None
    at: tuple[tuple[str, Mapping[str, str]], ...] = ()
    given: tuple[str, ...] = ()
    said: str | None = None
    seconds: float = 0.0


Evidence = Sequence[bytes | Record]  # of a test cell


def decode(record: bytes | Record) -> Record:
    """Read one record; one that was read already is returned as it is.

    Raises: MalformedEvidenceError, whatever is wrong with it.
    """
    if isinstance(record, Record):
        return record
    if len(record) > MAX_BYTES:
        raise MalformedEvidenceError(f"{len(record)} bytes; at most {MAX_BYTES} are read")
    try:
        (length,) = struct.unpack("<Q", record[:8])
        if length > MAX_HEADING_BYTES:
            raise MalformedEvidenceError(f"a heading of {length} bytes")
        header = json.loads(record[8 : 8 + length])
        fields = json.loads(header["__metadata__"]["record"])
        arrays = {name: _array(entry) for name, entry in deserialize(record)}
        return _record(fields, arrays)
    except (
        SafetensorError,
        struct.error,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        MemoryError,
    ) as error:
        raise MalformedEvidenceError(f"not a record of observe: {type(error).__name__}") from error


def _record(fields: Any, arrays: dict[str, Array]) -> Record:
    if fields["schema"] != SCHEMA:
        raise MalformedEvidenceError(f"schema {fields['schema']!r}; this grader reads {SCHEMA}")
    raised, names = fields["raised"], fields["names"]
    if not isinstance(fields["values"], dict) or names not in (True, False, None):
        raise MalformedEvidenceError("a field of another type")
    return Record(
        name=str(fields["name"]),
        points=float(fields["points"]),
        values=fields["values"],
        arrays=arrays,
        raised=None if raised is None else tuple(str(name) for name in raised),
        names=names,
        calls=tuple(str(name) for name in fields["calls"]),
        missing=None if fields.get("missing") is None else str(fields["missing"]),
        at=tuple(
            (str(line["text"]), {str(name): str(kind) for name, kind in line["kinds"].items()})
            for line in fields.get("at", ())
        ),
        given=tuple(str(kind) for kind in fields.get("given", ())),
        said=None if fields.get("said") is None else str(fields["said"]),
        seconds=float(fields.get("seconds", 0.0)),
    )


def _array(entry: Mapping[str, Any]) -> Array:
    dtype, data = entry["dtype"], bytes(entry["data"])
    if dtype == "BF16":
        # bfloat16 is the upper half of a float32.
        numbers = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        numbers = np.frombuffer(data, _DTYPES[dtype])
    return Array(numbers.reshape(entry["shape"]), _NAMES[dtype])

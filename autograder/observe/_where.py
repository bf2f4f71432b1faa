"""Where in a notebook's cells an exception came from, and what the code there was given.

It holds no number: of a tensor its shape and dtype, of anything else its type.
"""

from __future__ import annotations

import hashlib
import linecache
import re
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import numpy as np
import torch

CELL = re.compile(r"<cell \d+>")  # what the kernel calls the file of a cell
MOST_LINES = 8
MOST_NAMES = 8
MAX_LINE = 200
TELLING = 30  # characters of an exception's text


def lines_of(trace: TracebackType | None, test: str) -> list[dict[str, Any]]:
    """The lines of cells that an exception went through, the innermost first.

    Each has its `text` and, by the names in it, the `kinds` of what they stood for. `test` is the
    file of the test cell, of which nothing is said.
    """
    found: list[dict[str, Any]] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if CELL.fullmatch(code.co_filename) and code.co_filename != test:
            text = linecache.getline(code.co_filename, trace.tb_lineno).strip()[:MAX_LINE]
            found.insert(0, {"text": text, "kinds": _kinds(text, trace.tb_frame.f_locals)})
        trace = trace.tb_next
    return found[:MOST_LINES]


def _kinds(line: str, names: dict[str, Any]) -> dict[str, str]:
    read = dict.fromkeys(re.findall(r"(?<![.\w])[A-Za-z_]\w*", line))
    known = {name: kind_of(names[name]) for name in read if name in names}
    return dict([*known.items()][:MOST_NAMES])


def given_to(arguments: Iterable[Any]) -> list[str]:
    """What a call was given, each by its kind."""
    return [kind_of(each) for each in arguments][:MOST_NAMES]


def kind_of(value: Any) -> str:
    """`float32 (2, 5, 7)` of a tensor or an array, the type of anything else."""
    if type(value) in (torch.Tensor, torch.nn.Parameter):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if type(value) is np.ndarray:
        return f"{value.dtype} {value.shape}"
    return type(value).__name__


def digest_of(error: BaseException) -> str | None:
    """What tells this exception's text from others', without any of it.

    None where it is too short to say which sizes or types met, such as "division by zero".
    """
    try:
        text = str(error)
    except Exception:
        return None
    is_telling = len(text) >= TELLING
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16] if is_telling else None

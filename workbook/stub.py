"""Whether an exception is a stub's own: the line that a student has still to replace."""

from __future__ import annotations

import dis
from pathlib import Path

import autograder
import workbook

PACKAGES = [Path(package.__path__[0]) for package in (autograder, workbook)]
LIBRARIES = {"site-packages", "dist-packages"}  # the second is Debian's


def is_library(filename: str) -> bool:
    """Whether a line of this file is neither the student's nor an example's."""
    path = Path(filename)
    return not LIBRARIES.isdisjoint(path.parts) or any(
        path.is_relative_to(package) for package in PACKAGES
    )


def stub(error: BaseException | None) -> str:
    """The function or class whose stub raised this; empty for every other exception.

    Libraries raise NotImplementedError too: torch, for a layer whose `forward` is misspelt and for
    an operation that a dtype does not have; ipykernel, where nobody can answer `input()`.
    """
    trace = error.__traceback__ if isinstance(error, NotImplementedError) else None
    if trace is None:
        return ""
    while trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    # What is written in C has no frame of its own: there the last instruction is a call.
    is_raised = code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return code.co_qualname.split(".")[0] if is_raised and not is_library(code.co_filename) else ""

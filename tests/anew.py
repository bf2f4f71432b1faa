"""Which notebooks a check looks at that takes long for each: those proved anew, and a few others.

What a notebook's files decide was looked at when it was proved; so a landing looks at what changed,
and at a few of the rest. `make prove-all` looks at all, by the marker `release`.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.proof import read
from autograder.course.course import Course
from autograder.course.tried import path_of
from tests import harness

COURSE = Course(harness.ROOT)


@functools.cache
def proved_anew() -> tuple[str, ...]:
    """The notebooks whose proof differs from that of the commit before; none without git.

    In an order by their digests, so that the first is not always the same.
    """
    proofs = path_of(COURSE, "any").parent.relative_to(harness.ROOT)
    names: set[str] = set()
    for command in (
        ["git", "diff", "--name-only", "HEAD~1", "--", str(proofs)],
        ["git", "ls-files", "--others", "--exclude-standard", "--", str(proofs)],
    ):
        try:
            found = subprocess.run(command, cwd=harness.ROOT, capture_output=True, text=True)
        except FileNotFoundError:
            return ()
        names |= {Path(line).stem for line in found.stdout.splitlines()}
    return tuple(sorted((name for name in names if name in harness.ASSIGNMENTS), key=_seal))


@functools.cache
def a_few(one_more: bool = True) -> frozenset[str]:
    """The first notebook, those proved anew, and one more that changes with what they hold.

    Without `one_more`, for what takes a minute, the first and those proved anew.
    """
    more = {min(harness.ASSIGNMENTS[1:], key=_seal)} if one_more else set()
    return frozenset({harness.ASSIGNMENTS[0], *proved_anew(), *more})


def now(assignment: str, *values: Any, one_more: bool = True) -> Any:
    """A case of one notebook; of all but a few notebooks it is marked `release`."""
    marks = () if assignment in a_few(one_more) else pytest.mark.release
    return pytest.param(*values, marks=marks)


def a_few_now(one_more: bool = True) -> list[Any]:
    """Each notebook as a parameter; all but a few are marked `release`."""
    return [now(name, name, one_more=one_more) for name in harness.ASSIGNMENTS]


def one_now(assignment: str, names: Sequence[str]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Each name of a notebook with its marks: all but one are `release`, where it is not anew."""
    chosen = names[int(_seal(assignment) or "0", 16) % len(names)] if names else ""
    for name in names:
        now = name == chosen or assignment in proved_anew()
        yield name, () if now else (pytest.mark.release,)


def _seal(assignment: str) -> str:
    return str(getattr(read(path_of(COURSE, assignment)), "seal", ""))

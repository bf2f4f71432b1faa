"""Which notebooks a check looks at that takes long for each: those proved anew, and a few others.

What a notebook's files decide was looked at when it was proved; so a landing looks at what changed,
and at a few of the rest. `make prove-all` looks at all, by the marker `release`.
"""

from __future__ import annotations

import functools
import json
import os
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
# What a landing is compared with; a workflow names the commit that it stands on.
BASE = os.environ.get("WORKBOOK_BASE") or "HEAD~1"
CODE = "code of observing and judging"  # a part of every proof


@functools.cache
def proved_anew() -> tuple[str, ...]:
    """The notebooks whose proof differs from that of the base; one where git does not know it.

    In an order by their digests, so that the first is not always the same.
    """
    proofs = str(path_of(COURSE, "any").parent.relative_to(harness.ROOT))
    changed = _git("diff", "--name-only", BASE, "--", proofs)
    new = _git("ls-files", "--others", "--exclude-standard", "--", proofs)
    if changed is None or new is None:  # no repository, or one without its history
        return (min(harness.ASSIGNMENTS, key=_seal),)
    names = {Path(line).stem for line in (changed + new).splitlines()}
    return tuple(sorted((name for name in names if name in harness.ASSIGNMENTS), key=_seal))


@functools.cache
def changed_itself(assignment: str) -> bool:
    """Whether it was proved anew for a file of its own, and not for the code of all alone."""
    if assignment not in proved_anew():
        return False
    path = path_of(COURSE, assignment)
    before = _git("show", f"{BASE}:{path.relative_to(harness.ROOT)}")
    now = read(path)
    if not before or now is None:
        return True
    parts = json.loads(before).get("depends_on", {})
    return any(parts.get(part) != digest for part, digest in now.depends_on.items() if part != CODE)


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=harness.ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


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

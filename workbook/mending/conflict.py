"""The two sides of a file in which git left a merge conflict."""

from __future__ import annotations

import re

BEGINS, BASE, MIDDLE, ENDS = (
    re.compile(rb"%s(?:[ \r\n]|$)" % (mark * 7)) for mark in (b"<", rb"\|", b"=", b">")
)


def sides(raw: bytes) -> tuple[bytes, ...]:
    """The file as it was on the student's side and as on the other, or nothing without markers."""
    ours: list[bytes] = []
    theirs: list[bytes] = []
    into: tuple[list[bytes], ...] = (ours, theirs)
    found = False
    for line in raw.splitlines(keepends=True):
        if BEGINS.match(line):
            found, into = True, (ours,)
        elif found and BASE.match(line):
            into = ()
        elif found and MIDDLE.match(line):
            into = (theirs,)
        elif found and ENDS.match(line):
            into = (ours, theirs)
        else:
            for side in into:
                side.append(line)
    return (b"".join(ours), b"".join(theirs)) if found else ()

"""Fingerprints of source: which short passages stand in it, and where.

Source: Schleimer, Wilkerson and Aiken, "Winnowing: local algorithms for document fingerprinting",
SIGMOD 2003.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from autograder.similar.tokens import Token

LENGTH = 5  # tokens of a passage; what is shorter in common is chance
WINDOW = 2  # of so many passages one after the other, one is kept
Lines = tuple[int, int]


def passages(tokens: Sequence[Token]) -> list[tuple[int, Lines]]:
    """The digest of every passage, with its first and last line."""
    found = []
    for begin in range(len(tokens) - LENGTH + 1):
        part = tokens[begin : begin + LENGTH]
        digest = zlib.crc32("\0".join(token.text for token in part).encode())
        lines = [token.line for token in part]
        found.append((_mixed(digest), (min(lines), max(lines))))
    return found


def fingerprint(tokens: Sequence[Token]) -> frozenset[int]:
    """The digests that winnowing keeps: of each window the smallest."""
    digests = [digest for digest, _ in passages(tokens)]
    last = max(1, len(digests) - WINDOW + 1)
    return frozenset(min(digests[at : at + WINDOW]) for at in range(last) if digests)


def common_lines(tokens: Sequence[Token], common: frozenset[int]) -> frozenset[int]:
    """The lines in which passages stand that are common."""
    found: set[int] = set()
    for digest, (first, last) in passages(tokens):
        if digest in common:
            found.update(range(first, last + 1))
    return frozenset(found)


def _mixed(digest: int) -> int:
    """Another order of the digests: neighbours that differ little have CRCs that differ little."""
    return (digest * 2_654_435_761) & 0xFFFFFFFF

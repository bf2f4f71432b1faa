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


def digests(tokens: Sequence[Token]) -> list[int]:
    """The digest of the passage at each token that one begins at."""
    texts = [token.text for token in tokens]
    passages = ("\0".join(texts[at : at + LENGTH]) for at in range(len(texts) - LENGTH + 1))
    return [_mixed(zlib.crc32(passage.encode())) for passage in passages]


def fingerprint(tokens: Sequence[Token]) -> frozenset[int]:
    """The digests that winnowing keeps: of each window the smallest."""
    every = digests(tokens)
    last = max(1, len(every) - WINDOW + 1)
    return frozenset(min(every[at : at + WINDOW]) for at in range(last) if every)


def common_lines(tokens: Sequence[Token], common: frozenset[int]) -> frozenset[int]:
    """The lines, counted from 1, in which passages stand that are common."""
    found: set[int] = set()
    for at, digest in enumerate(digests(tokens)):
        if digest in common:
            lines = [token.line for token in tokens[at : at + LENGTH]]
            found.update(range(min(lines), max(lines) + 1))
    return frozenset(found)


def _mixed(digest: int) -> int:
    """Another order of the digests: neighbours that differ little have CRCs that differ little."""
    return (digest * 2_654_435_761) & 0xFFFFFFFF

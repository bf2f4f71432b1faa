"""Words and the small whole numbers that stand for them, which can be checked by hand."""

from __future__ import annotations

import hashlib
import string
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

WIDTH = 4  # E: its root is a whole number too
LARGEST = 2  # of a query or key; a value goes further, so that mixtures differ more
LARGEST_VALUE = 4
SALT = b"workbook 6816"  # with which "the cat sat" gets vectors and weights that differ clearly


def vectors(words: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value of each word, float32 (L, E); equal words have equal ones."""
    limits = (LARGEST, LARGEST, LARGEST_VALUE)
    rows = [_digits(word) for word in words]
    query, key, value = (
        torch.tensor([[digit % (limit + 1) for digit in row[part::3]] for row in rows])
        for part, limit in enumerate(limits)
    )
    return query.float(), key.float(), value.float()


def _digits(word: str) -> bytes:
    """Three times E bytes that depend on the letters only, on every machine the same."""
    bare = word.casefold().strip(string.punctuation) or word
    letters = bare.encode("utf-8", "backslashreplace")
    return hashlib.blake2b(letters, digest_size=3 * WIDTH, person=SALT).digest()


def labels(words: Sequence[str]) -> list[str]:
    """The words, with their position where a word stands more than once."""
    times = Counter(words)
    return [f"{word} ({i})" if times[word] > 1 else word for i, word in enumerate(words)]

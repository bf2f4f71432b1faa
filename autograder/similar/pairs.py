"""Pairs of submissions by what they have in common and hardly anybody else has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from autograder.similar.code import Code
from autograder.similar.passages import fingerprint
from autograder.similar.tokens import tokens

SHARE = 3  # what a third of the class has in common says nothing of two
FEWEST = 3  # and in a small class, what so many have
FEW = 4  # passages more on either side, or two short works would be alike by chance
MOST_RARE = 10  # an error is rare where at most one in so many has it

Error = tuple[str, str, str]  # definition, check and what happened there


@dataclass(frozen=True)
class Pair:
    """Two works: the share of the smaller that is in the other, and the rare errors of both."""

    one: Code
    other: Code
    share: float
    common: frozenset[int]
    errors: tuple[Error, ...]


@dataclass(frozen=True)
class Compared:
    """The pairs that have most in common, and what is usual in this class."""

    pairs: tuple[Pair, ...]
    count: int
    median: float
    highest_of_most: float  # 99 of 100 pairs have less in common


def compare(
    works: Sequence[Code],
    known: Sequence[str],
    errors: Mapping[str, Collection[Error]],
    most: int,
) -> Compared:
    """Compare all works of this class with each other and with those of earlier years.

    `known` are texts that everybody may have, `errors` what the verdicts say of each student, and
    `most` how many pairs are kept.
    """
    prints = own_prints(works, known)
    shares = _shares(prints)
    rows, columns = np.triu_indices(len(works), 1)
    is_past = np.array([bool(work.year) for work in works])
    fresh = ~(is_past[rows] & is_past[columns])
    rows, columns = rows[fresh], columns[fresh]
    values = shares[rows, columns]
    rare = _rare(works, errors)
    together = {pair for pair in rare if len(rare[pair]) > 1}
    order = np.argsort(-values, kind="stable")[:most].tolist()
    wanted = [(int(rows[at]), int(columns[at])) for at in order]
    wanted += [pair for pair in sorted(together) if pair not in set(wanted)][:most]
    pairs = [
        Pair(
            works[i],
            works[j],
            float(shares[i, j]),
            prints[i] & prints[j],
            tuple(sorted(rare.get((i, j), ()))),
        )
        for i, j in wanted
        if shares[i, j] > 0 or (i, j) in rare
    ]
    return Compared(
        tuple(sorted(pairs, key=lambda pair: (-pair.share, -len(pair.errors)))),
        len(values),
        float(np.median(values)) if len(values) else 0.0,
        float(np.quantile(values, 0.99)) if len(values) else 0.0,
    )


def own_prints(works: Sequence[Code], known: Sequence[str]) -> list[frozenset[int]]:
    """The fingerprint of each work, without what is given and what many have."""
    given = frozenset(digest for text in known for digest in fingerprint(tokens(text)))
    found = [fingerprint(tokens(work.source)) - given for work in works]
    counts = Counter(digest for each in found for digest in each)
    usual = max(FEWEST, len(works) / SHARE)
    return [frozenset(d for d in each if counts[d] < usual) for each in found]


def _shares(prints: Sequence[frozenset[int]]) -> NDArray[np.float64]:
    """(N, N): of each pair, the share of the smaller one's passages that the other has."""
    counts = Counter(digest for each in prints for digest in each)
    place = {digest: at for at, digest in enumerate(d for d, n in counts.items() if n > 1)}
    holds = np.zeros((len(prints), len(place)), np.float32)
    for row, each in enumerate(prints):
        holds[row, [place[digest] for digest in each if digest in place]] = 1
    sizes = np.array([len(each) for each in prints])
    shares: NDArray[np.float64] = (holds @ holds.T) / (np.minimum.outer(sizes, sizes) + FEW)
    return shares


def _rare(
    works: Sequence[Code], errors: Mapping[str, Collection[Error]]
) -> dict[tuple[int, int], set[Error]]:
    """The errors that two of this class have alike, and few others."""
    whose: dict[Error, list[int]] = {}
    for at, work in enumerate(works):
        for error in () if work.year else errors.get(work.student, ()):
            whose.setdefault(error, []).append(at)
    few = max(2, len(works) // MOST_RARE)
    rare: dict[tuple[int, int], set[Error]] = {}
    for error, students in whose.items():
        if len(students) <= few:
            for pair in combinations(students, 2):
                rare.setdefault(pair, set()).add(error)
    return rare

"""What common mistakes would give on the same inputs, so that a wrong result can be named.

A mistake that is a misconception of a notebook is said in the words that `check` has for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workbook.pictures.tracing.sentences import Known, sentence
from workbook.pictures.tracing.truth import blocked, scaled, weighed

FIRST, MASKING, HEADS = (
    "01-scaled-dot-product-attention",
    "02-causal-masking",
    "03-multi-head-attention",
)


@dataclass(frozen=True)
class Mistake:
    """A result, the step that it goes wrong in, and the misconceptions that it is.

    They are those of the functions that can make it, by notebook and id, the common one first. A
    mistake that no notebook knows has words of its own here; `detail` says it in numbers.
    """

    step: str
    result: Tensor
    known: tuple[Known, ...] = ()
    own: str = ""
    detail: str = ""

    def said(self, function: str) -> str:
        """The mistake in words, those for one function where it has its own."""
        words = sentence(self.known, function) if self.known else self.own
        return f"{words} ({self.detail})" if self.detail else words


def named(found: Tensor, candidates: Sequence[Mistake]) -> Mistake | None:
    """The first mistake that gives what was found."""
    for each in candidates:
        if each.result.shape == found.shape and each.result.dtype == found.dtype:
            close = torch.allclose(found.double(), each.result.double(), 1e-4, 1e-5, True)
            if close:
                return each
    return None


def of_split(x: Tensor, heads: int) -> list[Mistake]:
    """Wrong ways to cut x (L, D) into (H, L, D/H)."""
    length, width = x.shape
    pieces = x.reshape(length, heads, width // heads)
    wrong = [
        ("split-in-one-regrouping", x.reshape(heads, length, width // heads)),
        ("columns-dealt-out-in-turn", x.reshape(length, width // heads, heads).movedim(-1, 0)),
        ("positions-before-heads", pieces),
    ]
    return [Mistake("split", result, ((HEADS, id),)) for id, result in wrong]


def of_merge(x: Tensor) -> list[Mistake]:
    """Wrong ways to put x (H, L, E) together again."""
    wrong = [
        ("merge-without-exchange", x.reshape(x.shape[1], -1)),
        ("merge-heads-in-turn", x.movedim(0, -1).flatten(-2)),
    ]
    return [Mistake("merge", result, ((HEADS, id),)) for id, result in wrong]


def of_scores(query: Tensor, key: Tensor) -> list[Mistake]:
    """Wrong scores for query (..., L, E) and key (..., S, E)."""
    right, size = scaled(query, key), query.shape[-1]
    root, words = math.sqrt(size), max(query.shape[-2], 1)
    wrong: list[Mistake] = []

    def add(result: Tensor, *known: Known, own: str = "", detail: str = "") -> None:
        wrong.append(Mistake("scores", result, known, own, detail))

    if query.ndim == 3 and len(query) > 1:
        # First, because the size of a head can be the root of them all.
        together = size * len(query)
        detail = f"by √{together}; a head compares {size} numbers"
        add(right * root / math.sqrt(together), (HEADS, "scaled-by-d-model"), detail=detail)
    add(
        right * root,
        (FIRST, "no-scaling"),
        (MASKING, "no-scaling"),
        (HEADS, "unscaled"),
        detail=f"√{size} is missing",
    )
    add(
        right / root,
        (FIRST, "divided-by-size"),
        (MASKING, "divided-by-size"),
        (HEADS, "divided-without-the-root"),
        detail=f"by {size}",
    )
    add(right * size, (FIRST, "multiplied-by-root"), detail=f"by √{size}")
    add(
        right * root / math.sqrt(words),
        (FIRST, "root-of-query-count"),
        (MASKING, "root-of-key-count"),
        (HEADS, "scaled-by-the-length"),
        detail=f"√{words}",
    )
    add(right.mT, (FIRST, "key-times-query"), detail="row i, column j is for query i and key j")
    add(scaled(query, query), own="queries are compared with queries, and no key is used")
    add(scaled(key, key), own="keys are compared with keys, and no query is used")
    add(-right, own="every score has the wrong sign")
    return wrong


def of_mask(right: Tensor) -> list[Mistake]:
    """Wrong masks in the place of the right one, bool (L, S)."""
    length, keys = right.shape
    every = torch.ones_like(right)
    wrong = [
        ("mask-inverted", ~right),
        ("sees-the-future", every.triu(keys - length)),
        ("diagonal-excluded", every.tril(keys - length - 1)),
        ("one-future-key", every.tril(keys - length + 1)),
    ]
    return [
        *(Mistake("mask", result, ((MASKING, id),)) for id, result in wrong),
        Mistake("mask", every, own="it lets every word look everywhere"),
        Mistake("mask", every.tril(), ((MASKING, "aligned-top-left"),)),
    ]


def of_weights(query: Tensor, key: Tensor, scores: Tensor, mask: Tensor | None) -> list[Mistake]:
    """Wrong weights of the scores (..., L, S) under a mask, whichever step goes wrong."""
    found = _of_softmax(blocked(scores, mask))
    if mask is not None:
        found += _of_masking(scores, mask)
    return found + [
        Mistake(each.step, weighed(blocked(each.result, mask)), each.known, each.own, each.detail)
        for each in of_scores(query, key)
    ]


def _of_softmax(scores: Tensor) -> list[Mistake]:
    exponentials = scores.exp()
    over_queries: tuple[Known, ...] = (
        (FIRST, "softmax-over-queries"),
        (MASKING, "softmax-over-queries"),
        (HEADS, "softmax-over-queries"),
    )
    whole = exponentials / exponentials.sum((-2, -1), keepdim=True)
    found = [
        Mistake("softmax", weighed(scores, -2), over_queries, detail="columns sum to 1, not rows"),
        Mistake("softmax", whole, ((FIRST, "whole-array-sum"),)),
        Mistake("softmax", exponentials, own="the exponentials were not divided by their sum"),
        Mistake("softmax", scores, ((FIRST, "no-softmax"),)),
        Mistake(
            "softmax",
            torch.log_softmax(scores, -1),
            ((FIRST, "log-softmax"), (FIRST, "returns-the-logarithm")),
        ),
    ]
    if scores.ndim == 3:
        found.append(Mistake("softmax", weighed(scores, 0), ((HEADS, "softmax-over-heads"),)))
    return found


def _of_masking(scores: Tensor, mask: Tensor) -> list[Mistake]:
    wrong: list[tuple[Tensor, tuple[Known, ...]]] = [
        (
            weighed(blocked(scores, ~mask)),
            ((MASKING, "masked-attention-inverted"), (HEADS, "mask-inverted")),
        ),
        (weighed(scores), ((MASKING, "mask-ignored"), (HEADS, "mask-ignored"))),
        (weighed(blocked(scores, mask.mT)), ((HEADS, "mask-transposed"),)),
        (weighed(scores) * mask, ((MASKING, "after-softmax"), (HEADS, "mask-after-softmax"))),
        (
            weighed(scores * mask),
            ((MASKING, "scores-times-mask"), (HEADS, "scores-multiplied-by-the-mask")),
        ),
    ]
    added = "the mask was added to the scores as 0 and 1"
    return [
        *(Mistake("mask", result, known) for result, known in wrong),
        Mistake("mask", weighed(scores + mask), own=added),
    ]


def of_order(output: Tensor) -> list[Mistake]:
    """One result in the place of the other."""
    known = (FIRST, "weights-first"), (MASKING, "weights-first"), (HEADS, "weights-returned-first")
    return [Mistake("sum", output, known)]


def of_output(weights: Tensor, query: Tensor, key: Tensor, value: Tensor) -> list[Mistake]:
    """Wrong mixtures of value (..., S, Ev) by weights (..., L, S)."""
    own = [
        ("these are the values themselves, not mixed", value),
        ("the values stand in reverse order", weights @ value.flip(-2)),
        ("the words' mixtures stand in reverse order", (weights @ value).flip(-2)),
    ]
    return [
        Mistake("sum", weights.mT @ value, ((FIRST, "weights-transposed"),)),
        Mistake("sum", weights @ key, ((FIRST, "keys-mixed"), (MASKING, "keys-mixed-always"))),
        Mistake("sum", weights @ query, ((FIRST, "queries-mixed"),)),
        *(Mistake("sum", result, own=words) for words, result in own),
        *of_order(weights),
    ]

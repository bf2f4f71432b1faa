"""What common mistakes would give on the same inputs, so that a wrong result can be named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workbook.pictures.tracing.truth import blocked, scaled, weighed

ORDER = "the output is to be returned first, then the weights"


@dataclass(frozen=True)
class Mistake:
    """A result, the step that it goes wrong in, and the mistake in words."""

    step: str
    words: str
    result: Tensor


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
    return [
        Mistake(
            "split",
            "the numbers were cut into heads without exchanging the axes L and H, so a head "
            "holds pieces of different words",
            x.reshape(heads, length, width // heads),
        ),
        Mistake(
            "split",
            "a head takes every other number; its numbers should stand side by side",
            x.reshape(length, width // heads, heads).movedim(-1, 0),
        ),
        Mistake("split", "the axes H and L are still to be exchanged", pieces),
    ]


def of_merge(x: Tensor) -> list[Mistake]:
    """Wrong ways to put x (H, L, E) together again."""
    return [
        Mistake(
            "merge",
            "the pieces were put together without exchanging the axes H and L first, so a row "
            "holds pieces of different words",
            x.reshape(x.shape[1], -1),
        ),
        Mistake(
            "merge",
            "the numbers of the heads alternate; those of one head should stand side by side",
            x.movedim(0, -1).flatten(-2),
        ),
    ]


def of_scores(query: Tensor, key: Tensor) -> list[Mistake]:
    """Wrong scores for query (..., L, E) and key (..., S, E)."""
    right, size = scaled(query, key), query.shape[-1]
    root = math.sqrt(size)
    wrong = []
    if query.ndim == 3 and len(query) > 1:
        # First, because the size of a head can be the root of them all.
        together = size * len(query)
        words = f"the scale is √{together}, of all heads together; a head compares {size} numbers"
        wrong.append((words, right * root / math.sqrt(together)))
    wrong += [
        (f"the dot products were not divided by √{size}", right * root),
        (f"the dot products were divided by {size} in all, not by its root", right / root),
        (f"the dot products were multiplied by √{size}, not divided", right * size),
        (
            "the scale is the root of the number of words, not that of the size of a key",
            right * root / math.sqrt(max(query.shape[-2], 1)),
        ),
        ("key times query: row i, column j is for query i and key j", right.mT),
        ("queries are compared with queries, and no key is used", scaled(query, query)),
        ("keys are compared with keys, and no query is used", scaled(key, key)),
        ("every score has the wrong sign", -right),
    ]
    return [Mistake("scores", words, result) for words, result in wrong]


def of_mask(right: Tensor) -> list[Mistake]:
    """Wrong masks in the place of the right one, bool (L, S)."""
    length, keys = right.shape
    every = torch.ones_like(right)
    wrong = [
        ("it is inverted: True has to mean that a word may look", ~right),
        ("it lets a word look ahead, not back", every.triu(keys - length)),
        ("a word may look at itself: the diagonal is True too", every.tril(keys - length - 1)),
        ("each word sees the next one, which is the future", every.tril(keys - length + 1)),
        ("it lets every word look everywhere", every),
        (
            "the queries are the last words, so the triangle ends in the bottom right corner; "
            "this one starts at the top left",
            every.tril(),
        ),
    ]
    return [Mistake("mask", words, result) for words, result in wrong]


def of_weights(query: Tensor, key: Tensor, scores: Tensor, mask: Tensor | None) -> list[Mistake]:
    """Wrong weights of the scores (..., L, S) under a mask, whichever step goes wrong."""
    stopped = blocked(scores, mask)
    exponentials = stopped.exp()
    soft = [
        ("softmax runs along the queries: columns sum to 1, not rows", weighed(stopped, -2)),
        (
            "softmax runs over the whole matrix, so all numbers together sum to 1",
            exponentials / exponentials.sum((-2, -1), keepdim=True),
        ),
        ("the exponentials were not divided by their sum", exponentials),
        ("these are scores: softmax is missing", stopped),
        ("these are the logarithms of the weights", torch.log_softmax(stopped, -1)),
    ]
    if scores.ndim == 3:
        soft.append(("softmax runs along the heads", weighed(stopped, 0)))
    found = [Mistake("softmax", words, result) for words, result in soft]
    if mask is not None:
        after = weighed(scores) * mask
        found += [
            Mistake("mask", words, result)
            for words, result in (
                ("the mask is used the wrong way round", weighed(blocked(scores, ~mask))),
                ("the mask was not used", weighed(scores)),
                ("the mask was turned: rows are queries", weighed(blocked(scores, mask.mT))),
                ("the mask came after softmax, so rows no longer sum to 1", after),
                (
                    "blocked scores became 0, and e to the power of 0 is 1; only -∞ has weight 0",
                    weighed(scores * mask),
                ),
                ("the mask was added to the scores as 0 and 1", weighed(scores + mask)),
            )
        ]
    return found + [
        Mistake(each.step, each.words, weighed(blocked(each.result, mask)))
        for each in of_scores(query, key)
    ]


def of_order(output: Tensor) -> list[Mistake]:
    """The output in the place of the weights."""
    return [Mistake("sum", ORDER, output)]


def of_output(weights: Tensor, query: Tensor, key: Tensor, value: Tensor) -> list[Mistake]:
    """Wrong mixtures of value (..., S, Ev) by weights (..., L, S)."""
    wrong = [
        ("the weights were turned: each row of weights mixes the values", weights.mT @ value),
        ("the keys were mixed, not the values", weights @ key),
        ("the queries were mixed, not the values", weights @ query),
        ("these are the values themselves, not mixed", value),
        ("the values stand in reverse order", weights @ value.flip(-2)),
        ("the words' mixtures stand in reverse order", (weights @ value).flip(-2)),
        (ORDER, weights),
    ]
    return [Mistake("sum", words, result) for words, result in wrong]

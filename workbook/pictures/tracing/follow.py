"""Takes one sentence through attention step by step, by the student's own functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from workbook.pictures.tracing import mistakes
from workbook.pictures.tracing.at_once import COLUMNS, AtOnce, attentions, layers
from workbook.pictures.tracing.step import Steps, TracedStep
from workbook.pictures.tracing.truth import (
    BOTH,
    blocked,
    joined,
    scaled,
    split,
    truth,
    weighed,
)
from workbook.pictures.tracing.written import CallResult, StudentFunctions

Vectors = tuple[Tensor, Tensor, Tensor]
OF_HEADS = ("split_heads", "merge_heads", "MultiHeadAttention")
KEYS = ("words", "split", "scores", "mask", "softmax", "sum", "merge")


def follow(vectors: Vectors, heads: int, variables: Mapping[str, Any]) -> list[TracedStep]:
    """Take query, key and value (L, D) through every step.

    What a function gave goes on to the next step, wrong or not, so that one sees where it leads;
    where there is nothing that fits, torch's own result goes on. There are heads where one of the
    functions of notebook 03 is.
    """
    written = StudentFunctions(variables)
    with_heads = any(written.has(name) for name in OF_HEADS)
    return list(_Way(vectors, heads if with_heads else None, written).steps.values())


class _Way:
    """The way of one sentence; each method is a step."""

    def __init__(self, vectors: Vectors, heads: int | None, written: StudentFunctions) -> None:
        self.whole, self.heads, self.written = vectors, heads, written
        self.right = truth(*vectors, heads)
        self.steps = Steps(
            {key: TracedStep(key) for key in KEYS if heads or key not in ("split", "merge")}
        )
        self.vectors = self.split()
        self.scores = self.compare()
        self.masks = None, self.mask()
        last = self.steps["merge" if heads else "sum"]
        self.at_once = attentions(written, self.vectors, self.masks[1], self.steps["sum"])
        self.layers = layers(written, vectors, heads, self.masks[1], last) if heads else []
        self.weights = [self.weigh(column) for column in BOTH]
        self.output = [self.mix(column) for column in BOTH]
        self._show("softmax", tuple(self.weights), self.right.weights)
        self._show("sum", tuple(self.output), self.right.output)
        if heads:
            merged = [self.merge(column) for column in BOTH]
            self._show("merge", tuple(merged), self.right.merged)

    def _show(self, key: str, shown: tuple[Tensor, ...], right: tuple[Tensor, ...]) -> None:
        self.steps[key].shown, self.steps[key].right = shown, right

    def split(self) -> Vectors:
        self._show("words", self.whole, self.whole)
        if self.heads is None:
            return self.whole
        rights = self.right.query, self.right.key, self.right.value
        pieces = []
        for what, x, right in zip(("query", "key", "value"), self.whole, rights, strict=True):
            outcome = self.written.call("split_heads", x, self.heads)
            wrong = mistakes.of_split(x, self.heads)
            taken = self.steps.take("split", "split_heads", outcome, right, right, wrong, what)
            pieces.append(split(x, self.heads) if taken is None else taken)
        self._show("split", tuple(pieces), rights)
        query, key, value = pieces
        return query, key, value

    def compare(self) -> Tensor:
        query, key, _ = self.vectors
        outcome = self.written.call("attention_scores", query, key)
        local, wrong = scaled(query, key), mistakes.of_scores(query, key)
        taken = self.steps.take(
            "scores", "attention_scores", outcome, local, self.right.scores, wrong
        )
        scores = local if taken is None else taken
        products = self.right.query @ self.right.key.mT
        self._show("scores", (query @ key.mT, scores), (products, self.right.scores))
        return scores

    def mask(self) -> Tensor:
        name, right = "causal_mask", self.right.mask
        length = len(right)
        outcome = self.written.call(name, length)
        taken = self.steps.take("mask", name, outcome, right, right, mistakes.of_mask(right))
        mask = right if taken is None else taken
        every = torch.ones_like(right)
        self._show("mask", (every, mask), (every, right))
        if length > 1 and not outcome.missing:
            # With as many queries as keys one cannot see in which corner the triangle ends.
            last, wrong = every[-1:], mistakes.of_mask(every[-1:])
            outcome = self.written.call(name, 1, length)
            where = f"for the last word alone, {name}(1, {length})"
            self.steps.take("mask", name, outcome, last, last, wrong, where)
        return mask

    def weigh(self, column: int) -> Tensor:
        """The weights; what functions that do all at once return is looked at here, too."""
        query, key, value = self.vectors
        mask, right, where = self.masks[column], self.right.weights[column], COLUMNS[column]
        stopped = blocked(self.scores, mask)
        local = weighed(stopped)
        wrong = mistakes.of_weights(query, key, self.scores, mask)
        wrong += mistakes.of_order(local @ value)
        outcome = self.written.call("softmax", stopped.numpy())
        going_on = self.steps.take("softmax", "softmax", outcome, local, right, wrong, where)
        for each in [*self.at_once, *self.layers]:
            if each.column == column:
                result = CallResult(each.weights)
                taken = self.steps.take("softmax", each.name, result, local, right, wrong, where)
                going_on = taken if going_on is None else going_on
        return local if going_on is None else going_on

    def mix(self, column: int) -> Tensor:
        going_on = None
        for each in self.at_once:
            if each.column == column:
                own = self._own_weights(each)
                wrong = mistakes.of_output(own, *self.vectors)
                local, right = own @ self.vectors[2], self.right.output[column]
                result = CallResult(each.output)
                taken = self.steps.take(
                    "sum", each.name, result, local, right, wrong, COLUMNS[column]
                )
                going_on = taken if going_on is None else going_on
        return self.weights[column] @ self.vectors[2] if going_on is None else going_on

    def merge(self, column: int) -> Tensor:
        x, right, where = self.output[column], self.right.merged[column], COLUMNS[column]
        outcome = self.written.call("merge_heads", x)
        wrong = mistakes.of_merge(x)
        going_on = self.steps.take("merge", "merge_heads", outcome, joined(x), right, wrong, where)
        for each in self.layers:
            if each.column == column:
                found = self._own_weights(each) @ self.vectors[2]
                # The layer merges by the student's function, if there is one.
                by_hand = self.written.call("merge_heads", found).value
                local = by_hand if isinstance(by_hand, Tensor) else joined(found)
                wrong = mistakes.of_merge(found)
                result = CallResult(each.output)
                taken = self.steps.take("merge", each.name, result, local, right, wrong, where)
                going_on = taken if going_on is None else going_on
        return joined(x) if going_on is None else going_on

    def _own_weights(self, each: AtOnce) -> Tensor:
        found = each.weights
        right = self.right.weights[each.column]
        fits = isinstance(found, Tensor) and found.shape == right.shape
        return found if fits and found.dtype == right.dtype else self.weights[each.column]

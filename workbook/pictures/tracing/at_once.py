"""Functions that do every step at once and return the output and the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from workbook.pictures.tracing.step import TracedStep
from workbook.pictures.tracing.truth import BIDIRECTIONAL, BOTH
from workbook.pictures.tracing.written import CallResult, StudentFunctions, tensor

COLUMNS = ("bidirectional", "causal")


@dataclass(frozen=True)
class AtOnce:
    """What such a function gave without a mask (column 0) or under the causal one (column 1)."""

    name: str
    column: int
    output: Any
    weights: Any


def attentions(
    written: StudentFunctions,
    vectors: tuple[Tensor, Tensor, Tensor],
    mask: Tensor,
    step: TracedStep,
) -> list[AtOnce]:
    """Call the functions of notebooks 01 and 02; why one gives nothing is noted at `step`."""
    name = "scaled_dot_product_attention"
    # It knows no mask.
    found = [_pair(name, BIDIRECTIONAL, written.call(name, *vectors), step)]
    for column in BOTH:
        name = "masked_attention"
        under = mask if column else None
        found.append(_pair(name, column, written.call(name, *vectors, under), step))
    return [each for each in found if each is not None]


def layers(
    written: StudentFunctions,
    vectors: tuple[Tensor, Tensor, Tensor],
    heads: int,
    mask: Tensor,
    step: TracedStep,
) -> list[AtOnce]:
    """Call the layer of notebook 03 on a batch of one sentence, with idle projections."""
    name = "MultiHeadAttention"
    length, width = vectors[0].shape
    made = written.layer(name, width, heads)
    if made.missing:
        step.note(name, made)
        return []
    found = []
    for column in BOTH:
        batch = (x[None] for x in vectors)
        outcome = written.run(made.value, *batch, mask if column else None)
        pair = _pair(name, column, outcome, step)
        if pair is not None:
            output = _alone(pair.output, (1, length, width))
            weights = _alone(pair.weights, (1, heads, length, length))
            found.append(AtOnce(name, column, output, weights))
    return found


def _pair(name: str, column: int, outcome: CallResult, step: TracedStep) -> AtOnce | None:
    step.note(name, outcome, COLUMNS[column])
    if outcome.missing:
        return None
    value = outcome.value
    if not isinstance(value, tuple) or len(value) != 2:
        what = f"a tuple of {len(value)}" if isinstance(value, tuple) else type(value).__name__
        step.fault(name, f"it returned {what}, not two things: output, weights")
        return None
    return AtOnce(name, column, *value)


def _alone(value: Any, shape: tuple[int, ...]) -> Any:
    """The only sentence of a batch; what has another shape stays as it is, to be reported."""
    found = tensor(value)
    return found[0] if found is not None and found.shape == shape else value

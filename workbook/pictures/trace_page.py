"""One sentence on its way through attention, by the functions of a notebook, as a page."""

from __future__ import annotations

import html
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workbook.heat_map import SIGN, HeatMap
from workbook.pictures.tracing.follow import follow
from workbook.pictures.tracing.step import TracedStep
from workbook.pictures.tracing.telling import Told, told
from workbook.pictures.tracing.vectors import WIDTH, labels, vectors

MOST_WORDS = 10  # two tables of that many columns fit side by side
HEADS = [heads for heads in range(1, WIDTH + 1) if WIDTH % heads == 0]

# Beside each other where there is room, else below; one that is wider than the window scrolls.
_BESIDE = "display:inline-block;vertical-align:top;max-width:100%;overflow-x:auto;margin-right:12px"
# Black on white in a frame: it stands out in grey print and in a dark theme.
_FRAME = "border:3px solid #000;padding:6px;color:#000;background-color:#fff"


@dataclass(frozen=True)
class Trace:
    """The steps of one sentence; `first` is the one in which it first goes wrong, if any."""

    words: Sequence[str]
    steps: Sequence[TracedStep] = ()
    notes: Sequence[str] = ()
    first: TracedStep | None = field(init=False)

    def __post_init__(self) -> None:
        wrong = (step for step in self.steps if step.faults)
        object.__setattr__(self, "first", next(wrong, None))

    def _repr_html_(self) -> str:
        parts = [f"<p>{html.escape(note)}</p>" for note in self.notes]
        if self.steps:
            parts.append(f"<p><strong>{html.escape(self._summary())}</strong></p>")
        for number, step in enumerate(self.steps, 1):
            parts += self._step_as_html(number, step)
        return "".join(parts)

    def __repr__(self) -> str:
        lines = list(self.notes)
        if self.steps:
            lines.append(self._summary())
        for number, step in enumerate(self.steps, 1):
            said = told(step, self._by_key, self._labels)
            lines += ["", self._heading(number, step, said), said.idea]
            lines += [f">>> {fault}" for fault in step.faults]
            lines.append(said.shapes)
            for row in self._maps(step, said):
                lines += [line for each in row for line in repr(each).splitlines()]
            lines += [said.by_hand] if said.by_hand else []
        return "\n".join(lines)

    @property
    def _by_key(self) -> Mapping[str, TracedStep]:
        return {step.key: step for step in self.steps}

    @property
    def _labels(self) -> list[str]:
        return labels(self.words)

    def _number(self, step: TracedStep) -> int:
        return [each.key for each in self.steps].index(step.key) + 1

    def _summary(self) -> str:
        sign = f" {SIGN} stands before a number for which torch gets another."
        if self.first:
            title = told(self.first, self._by_key, self._labels).title
            differs = any(step.differs for step in self.steps)
            return (
                f"It first goes wrong in step {self._number(self.first)}, {title}."
                f"{sign if differs else ''}"
            )
        if not any(step.functions for step in self.steps):
            return (
                "None of your functions is at work here yet, so all numbers are torch's: run the "
                "cells that define them, then trace again."
            )
        return "On this sentence, every step that your functions take agrees with torch."

    def _heading(self, number: int, step: TracedStep, said: Told) -> str:
        return f"Step {number} of {len(self.steps)}: {said.title}. {self._state(step)}".rstrip()

    def _state(self, step: TracedStep) -> str:
        """Whose numbers these are, and whether they are right."""
        if step is self.first:
            return "HERE IT FIRST GOES WRONG."
        if step.faults and self.first:
            return f"IT GOES WRONG HERE, TOO: MEND STEP {self._number(self.first)} FIRST."
        if step.differs and self.first:
            return f"Wrong because of step {self._number(self.first)}."
        if step.key == "words":
            return ""
        still = " ".join(step.remarks)
        if not step.functions:
            return f"{still} Worked out by torch.".strip()
        agree = "agrees" if len(step.functions) == 1 else "agree"
        return f"{still} Your {' and '.join(step.functions)} {agree} with torch.".strip()

    def _step_as_html(self, number: int, step: TracedStep) -> Iterator[str]:
        said = told(step, self._by_key, self._labels)
        yield f"<p><strong>{html.escape(self._heading(number, step, said))}</strong> "
        yield f"{html.escape(said.idea)}</p>"
        for fault in step.faults:
            yield f'<p style="{_FRAME}">{html.escape(str(fault))}</p>'
        yield f"<p>{html.escape(said.shapes)}</p>"
        for row in self._maps(step, said):
            beside = "".join(
                f'<div style="{_BESIDE}"><p>{html.escape(column)}</p>{each._repr_html_()}</div>'
                for column, each in zip(said.columns, row, strict=True)
            )
            yield f"<div>{beside}</div>"
        if said.by_hand:
            yield f"<p>{html.escape(said.by_hand)}</p>"

    def _maps(self, step: TracedStep, said: Told) -> Iterator[list[HeatMap]]:
        """Rows of heat maps: one row, or one for each head."""
        heads = max(len(x) if x.ndim == 3 else 1 for x in step.shown)
        for head in range(heads):
            row = []
            for name, shown, right in zip(said.matrices, step.shown, step.right, strict=True):
                split = shown.ndim == 3
                one, other = (x[head] if split else x for x in (shown, right))
                caption = f"{name}, head {head}" if split else name
                row.append(self._map(step, caption, one, other, head * one.shape[-1] * split))
            yield row

    def _map(
        self, step: TracedStep, caption: str, shown: Tensor, right: Tensor, start: int
    ) -> HeatMap:
        between_words = step.key in ("scores", "mask", "softmax")
        numbered = [str(start + i) for i in range(shown.shape[-1])]
        return HeatMap(
            shown.numpy(),
            self._labels,
            self._labels if between_words else numbered,
            caption,
            corner="query \\ key" if between_words else "word",
            marked=_unlike(shown.numpy(), right.numpy()),
            span=(0.0, 1.0) if step.key == "softmax" else None,
        )


def trace(
    sentence: str | Sequence[str] = "the cat sat",
    heads: int = 2,
    variables: Mapping[str, Any] | None = None,
) -> Trace:
    """Take a sentence through attention, step by step, by the functions that you have written.

    They are looked for among `variables`, by default those of the notebook that calls. What is
    right comes from torch's own operators.
    """
    try:
        words = sentence.split() if isinstance(sentence, str) else [str(word) for word in sentence]
    except TypeError:  # nothing that holds words
        kind = type(sentence).__name__
        return Trace([], notes=[f'No sentence is of type {kind}. Type one: trace("the cat sat").'])
    if not words:
        return Trace([], notes=['There is no word to trace. Type some: trace("the cat sat").'])
    if heads not in HEADS:
        return Trace(
            [],
            notes=[
                f"heads = {heads} cannot share the {WIDTH} numbers of a word: take "
                f"{', '.join(map(str, HEADS[:-1]))} or {HEADS[-1]}."
            ],
        )
    notes = []
    if len(words) > MOST_WORDS:
        notes.append(f"Only the first {MOST_WORDS} of the {len(words)} words are traced.")
        words = words[:MOST_WORDS]
    if variables is None:
        variables = sys._getframe(1).f_globals
    return Trace(words, follow(vectors(words), heads, variables), notes)


def _unlike(shown: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
    """Where the two differ by more than rounding."""
    if shown.dtype == np.bool_:
        return np.asarray(shown != right)
    size = float(np.abs(right[np.isfinite(right)]).max(initial=0.0)) or 1.0
    with np.errstate(invalid="ignore"):
        same = (np.abs(shown - right) <= 1e-4 * size) | (shown == right)
    return np.asarray(~same)

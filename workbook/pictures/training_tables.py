"""Training step by step, as tables: numbers of each step, and one that grows while one waits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from types import TracebackType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbook.result_table import Marked, Table, Words

MOST_ROWS = 13
SECONDS_BETWEEN = 0.5
LINES_OF_LOSS = 8
SAMPLES = 4  # how many equal parts of the training end with a piece of writing


def show_steps(numbers: Mapping[str, Sequence[float]]) -> Table:
    """Show numbers of each step side by side: a column for each name, and a row for some steps.

    Rows are evenly spread; the first and the last step are among them.
    """
    steps = max((len(column) for column in numbers.values()), default=0)
    rows: list[list[Words]] = [
        [step, *(_short(column[step]) if step < len(column) else "" for column in numbers.values())]
        for step in _spread(steps)
    ]
    below = [] if len(rows) == steps else [f"{len(rows)} of {steps} steps are shown."]
    caption = "Step by step" if rows else "There was no step."
    return Table(caption, ["step", *numbers], rows, below)


class watch_training:
    """A table that grows while a model is trained: how far it is, the loss, and what it writes.

    Inside the block each call of the model with gradients counts as one of `steps`. `write` makes
    a text of the model; it is asked before, three times during the training, and after.
    `losses` are those of the inputs' own next tokens; `norms` are of all gradients together, as
    backward left them.
    """

    def __init__(
        self, model: nn.Module, steps: int, write: Callable[[nn.Module], str] | None = None
    ) -> None:
        self.losses: list[float] = []
        self.norms: list[float] = []
        self._model = model
        self._steps = steps
        self._write = write
        self._texts: dict[int, str] = {}
        self._squares: dict[str, float] = {}
        self._handles: list[Any] = []
        self._display: Any = None
        self._shown = self._begun = monotonic()
        self._is_over = False

    def __enter__(self) -> watch_training:
        self._written(0)
        self._handles = [self._model.register_forward_hook(self._called)]
        for name, parameter in self._model.named_parameters():
            if parameter.requires_grad:
                self._handles.append(parameter.register_hook(self._measured(name)))
        self._begun = monotonic()
        self._show()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._norm_ends()
        self._is_over = True
        if kind is None and self.losses:
            self._written(len(self.losses))
        self._show()

    def _called(self, model: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        """Before the update of a step: what the model gave, and how far the training is."""
        if not torch.is_grad_enabled():
            return  # it is written with, or tried out
        self._norm_ends()
        logits = result[0] if isinstance(result, tuple) else result
        self.losses.append(_loss(logits, given[0]))
        done = len(self.losses) - 1
        if done and done * SAMPLES // self._steps > (done - 1) * SAMPLES // self._steps:
            self._written(done)
        if monotonic() - self._shown >= SECONDS_BETWEEN:
            self._show()

    def _measured(self, name: str) -> Callable[[Tensor], None]:
        def note(grad: Tensor) -> None:
            self._squares[name] = float(grad.detach().double().square().sum())

        return note

    def _norm_ends(self) -> None:
        if len(self.norms) < len(self.losses):
            self.norms.append(sum(self._squares.values()) ** 0.5)
        self._squares = {}

    def _written(self, step: int) -> None:
        if self._write is None:
            return
        was_training = self._model.training
        self._model.eval()
        try:
            with torch.no_grad():
                self._texts[step] = self._write(self._model)
        finally:
            self._model.train(was_training)

    def table(self) -> Table:
        """What is known by now."""
        done = len(self.losses)
        wanted = {*_spread(done, LINES_OF_LOSS), *self._texts}
        rows: list[list[Words]] = [
            [
                step,
                _short(self.losses[step]) if step < done else "",
                Marked(repr(self._texts[step]), "code") if step in self._texts else "",
            ]
            for step in sorted(wanted)
        ]
        columns = ["step", "loss", "what the model writes"]
        return Table("The training so far", columns, rows, above=[self._progress(done)])

    def _progress(self, done: int) -> str:
        passed = monotonic() - self._begun
        if self._is_over:
            ended = "All" if done >= self._steps else "Ended early:"
            return f"{ended} {done} of {self._steps} steps, in {_time(passed)}."
        part = done / self._steps if self._steps else 1.0
        left = f", about {_time(passed / done * (self._steps - done))} left" if done else ""
        return f"Step {done} of {self._steps}, {100 * part:.0f} %: {_time(passed)} so far{left}."

    def _show(self) -> None:
        """Draw the table anew in its place; where nothing can be drawn again, say a line."""
        self._shown = monotonic()
        if "IPython" in sys.modules:
            from IPython.core.getipython import get_ipython
            from IPython.display import display

            if hasattr(get_ipython(), "kernel"):
                if self._display is None:
                    self._display = display(self.table(), display_id=True)
                else:
                    self._display.update(self.table())
                return
        if self._is_over:
            print(self.table())
        else:
            print(self._progress(len(self.losses)))


def _loss(logits: Tensor, ids: Tensor) -> float:
    """The loss of the tokens that the inputs themselves hold; NaN where there is none."""
    with torch.no_grad():
        if ids.ndim != 2 or ids.shape[1] < 2:
            return float("nan")
        guessed = logits[:, :-1].flatten(0, 1).float()
        return F.cross_entropy(guessed, ids[:, 1:].flatten()).item()


def _spread(count: int, most: int = MOST_ROWS) -> list[int]:
    if count <= most:
        return list(range(count))
    return [round(number * (count - 1) / (most - 1)) for number in range(most)]


def _short(number: float) -> str:
    return f"{number:.3g}"


def _time(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"

"""Tables of a training, in a terminal, in a notebook and aloud."""

from __future__ import annotations

import pytest
import torch
from bs4 import BeautifulSoup
from torch import Tensor, nn

from autograder.verdict.present import clean_html
from workbook import show_steps, watch_training
from workbook.pictures import training_tables


def cells(table: object) -> list[list[str]]:
    """The rows of the HTML, as a screen reader meets them."""
    page = BeautifulSoup(table._repr_html_(), "html.parser")  # type: ignore[attr-defined]
    return [[each.text for each in row.find_all(["th", "td"])] for row in page.find_all("tr")]


class Pairs(nn.Module):
    """Scores of the next token by a table."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(3, 3))

    def forward(self, ids: Tensor) -> tuple[Tensor, None]:
        return self.table[ids], None


def trained(
    steps: int, many: int | None = None, at: int = -1
) -> tuple[watch_training, list[tuple[bool, bool]]]:
    """A training of some steps under watch, and the modes in which the model wrote."""
    model, modes = Pairs(), []

    def write(model: nn.Module) -> str:
        modes.append((model.training, torch.is_grad_enabled()))
        model(torch.tensor([[0, 1]]))
        return f"text {len(modes)}"

    with watch_training(model, steps, write) as watched:
        for step in range(steps if many is None else many):
            if step == at:
                raise KeyboardInterrupt
            model.zero_grad()
            logits, _ = model(torch.tensor([[0, 1, 2]]))
            (2.0 * logits[0, 0, 0]).backward()
    assert model.training
    return watched, modes


def test_some_steps_stand_side_by_side() -> None:
    """All of a few; of many the first, the last, and some between."""
    few = show_steps({"loss": [4.0, 3.0], "norm": [0.123456, 2]})
    many = show_steps({"loss": [1 / (step + 1) for step in range(100)], "rate": [0.5] * 100})

    assert cells(few) == [["step", "loss", "norm"], ["0", "4", "0.123"], ["1", "3", "2"]]
    rows = cells(many)[1:]
    assert (rows[0][0], rows[-1], len(rows)) == ("0", ["99", "0.01", "0.5"], 13)
    assert "13 of 100 steps are shown." in repr(many)
    assert "There was no step." in repr(show_steps({"loss": []}))


def test_columns_of_other_lengths_leave_places_empty() -> None:
    """As a training that was interrupted gives them."""
    assert cells(show_steps({"a": [1.0, 2.0], "b": [3.0]}))[2] == ["1", "2", ""]


def test_the_model_writes_before_during_and_after(capsys: pytest.CaptureFixture[str]) -> None:
    """In evaluation and without gradients, which is put back; writing is no step."""
    watched, modes = trained(8)

    assert modes == [(False, False)] * 5
    assert len(watched.losses) == len(watched.norms) == 8
    assert watched.losses[0] == pytest.approx(1.0986, abs=1e-4)
    assert watched.norms == [2.0] * 8
    written = {row[0]: row[2] for row in cells(watched.table())[1:] if row[2]}
    assert list(written) == ["0", "2", "4", "6", "8"]
    assert written["8"] == "'text 5'"
    assert "All 8 of 8 steps, in 0 s." in capsys.readouterr().out


def test_progress_says_how_long_it_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the steps that are done."""
    watched = watch_training(Pairs(), 600)
    watched.losses = [1.0] * 150
    watched._begun = 0.0
    monkeypatch.setattr(training_tables, "monotonic", lambda: 30.0)

    assert "Step 150 of 600, 25 %: 30 s so far, about 1 min 30 s left." in repr(watched.table())


def test_an_interrupted_training_says_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    """The interrupt goes on, and the hooks are gone."""
    with pytest.raises(KeyboardInterrupt):
        trained(8, at=3)

    assert "Ended early: 3 of 8 steps" in capsys.readouterr().out


def test_the_table_is_safe_to_show() -> None:
    """A sanitiser changes nothing of it, and what a model writes is text."""
    watched, _ = trained(4)
    watched._texts[0] = "<b>bold</b>"
    page = watched.table()._repr_html_()

    assert "<b>" not in page
    text = BeautifulSoup(page, "html.parser").text
    assert BeautifulSoup(clean_html(page), "html.parser").text == text

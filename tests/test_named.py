"""A slip in a parameter's name costs its own check; the numbers are judged as ever."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autograder.observe import asked_for, collecting, observe, parameters_of, randomise
from tests import diagnosing, harness


class Mix(nn.Module):
    """Two layers and a scale under names of any kind, made in any order."""

    def __init__(self, **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


NAMES = ["one.weight", "one.bias", "two.weight", "two.bias"]


def drawn(**parts: nn.Module | nn.Parameter) -> list[Tensor]:
    """What an observation gives to the parameters, in the order of the names asked for."""
    with collecting():
        asked_for(Mix=NAMES)
        with observe("the same"):
            module = randomise(Mix(**parts))
        return [each.detach() for each in parameters_of(module)]


def test_what_is_asked_for_ends_with_its_cell() -> None:
    """The next cell, or a student's check, draws by the names that are there."""
    drawn(**RIGHT)
    renamed = Mix(first=linear(), second=linear())

    with collecting(), observe("the same"):
        other = dict(randomise(renamed).named_parameters())["first.weight"].detach().clone()

    assert not torch.equal(other, drawn(**RIGHT)[0])


def linear() -> nn.Linear:
    return nn.Linear(3, 3)


RIGHT = {"one": linear(), "two": linear()}


@pytest.mark.parametrize(
    "parts",
    [
        {"two": linear(), "one": linear()},
        {"first": linear(), "second": linear()},
        {"net": nn.Sequential(linear(), nn.ReLU(), linear())},
        {"other": linear(), "one": linear()},
        {"w1": linear().weight, "w2": linear().weight, "b1": linear().bias, "b2": linear().bias},
    ],
)
def test_other_names_get_the_same_numbers_by_their_order(parts: dict[str, Any]) -> None:
    """Names that are right go first, whatever the order that they were made in."""
    for one, other in zip(drawn(**parts), drawn(**RIGHT), strict=True):
        assert torch.equal(one, other)


def test_one_layer_for_several_gets_their_numbers_one_below_the_other() -> None:
    """As many libraries keep the layers for queries, keys and values."""
    right = drawn(**RIGHT)

    weight, bias = drawn(both=nn.Linear(3, 6))

    assert torch.equal(weight, torch.cat(right[0::2]))
    assert torch.equal(bias, torch.cat(right[1::2]))


@pytest.mark.parametrize(
    "parts",
    [
        {"one": linear()},
        {"one": linear(), "two": linear(), "three": linear()},
        {"first": nn.Linear(3, 4), "second": nn.Linear(4, 3), "third": linear()},
        {"temperature": nn.Parameter(torch.tensor(1.0)), "one": linear()},
    ],
)
def test_parameters_that_stand_for_no_others_are_set_by_their_own_names(
    parts: dict[str, Any],
) -> None:
    """Nothing is guessed where shapes and numbers do not say it."""
    known = drawn(**RIGHT)[0]
    with collecting():
        asked_for(Mix=NAMES)
        with observe("the same"):
            module = randomise(Mix(**parts))

        if "one" in parts:
            assert torch.equal(dict(module.named_parameters())["one.weight"], known)
        assert len(parameters_of(module)) == len(list(module.parameters()))


GAMMA = """class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(d_model))
        self.beta = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
        return (x - mean) / (variance + self.eps).sqrt() * self.{gain} + self.{shift}"""


@pytest.mark.parametrize(
    ("gain", "shift", "failed"),
    [
        ("gamma", "beta", {"the parameters and their first values"}),
        ("weight", "bias", None),  # there are none of these names, so nothing works
        ("beta", "gamma", None),  # the wrong one multiplies
    ],
)
def test_another_name_is_priced_once_and_no_wrong_use_of_it(
    gain: str, shift: str, failed: set[str] | None
) -> None:
    """What reads a name that it did not make, or mixes two up, stays wrong in every number."""
    source = harness.solution_source("05-transformer-block").replace(
        harness.definition_source("05-transformer-block", "LayerNorm"),
        GAMMA.format(gain=gain, shift=shift),
    )

    (result,) = diagnosing.diagnosed("05-transformer-block", source, "test-LayerNorm").values()

    if failed is None:
        assert result.score == 0
    else:
        assert {check.name for check in result.checks if not check.passed} == failed
        assert result.score == pytest.approx(result.max_score * 10 / 11, abs=0.01)
        assert diagnosing.names(result) == ["norm-under-other-names"]

"""What the observations of notebook 01 do not show: more sizes and types, and calculus."""

from __future__ import annotations

import warnings
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autograder.observe import randn
from solutions.scaled_dot_product_attention import (
    attention_scores,
    attention_shapes,
    scaled_dot_product_attention,
    softmax,
)
from tests.solutions.oracles import Case, assert_agree

agree = partial(assert_agree, "01-scaled-dot-product-attention")
few = settings(deadline=None, max_examples=40)
leads = st.sampled_from([(), (1,), (2,), (2, 3), (2, 1, 3), (0,), (3, 0)])
sizes = st.integers(1, 9)
dtypes = st.sampled_from([torch.float64, torch.float32, torch.float16, torch.bfloat16])


def qkv(
    *lead: int, dtype: torch.dtype = torch.float64, shape: tuple[int, int, int, int] = (5, 7, 8, 11)
) -> tuple[Tensor, Tensor, Tensor]:
    length, keys, size, width = shape
    ends = (length, size), (keys, size), (keys, width)
    query, key, value = (randn(*lead, *end, dtype=dtype) for end in ends)
    return query, key, value


def odds(dtype: torch.dtype, lead: float) -> tuple[Tensor, Tensor, Tensor]:
    """One row of scores near 8,192 and one near -8,192, exact in 16 bits."""
    query = torch.tensor([[64.0, 2.0, 0.0, 0.0], [-64.0, 2.0, 0.0, 0.0]], dtype=dtype)
    key = torch.tensor([[256.0, 0.0, 0.0, 0.0], [256.0, lead, 0.0, 0.0]], dtype=dtype)
    return query, key, key


INTEGERS = np.array([[0, 1, 2], [100, 1, 0]])
FORTY = torch.full((1, 64), 40.0, dtype=torch.float16)
CASES: dict[str, Case] = {
    "softmax hides no NaN": lambda my: my.softmax(np.array([0.0, np.nan])),
    "softmax of int32": lambda my: my.softmax(INTEGERS.astype(np.int32)),
    "softmax of uint8": lambda my: my.softmax(INTEGERS.astype(np.uint8)),
    "softmax of bool": lambda my: my.softmax(INTEGERS.astype(np.bool_)),
    "softmax of rows without entries": lambda my: my.softmax(np.zeros((3, 0))),
    "softmax of no rows without entries": lambda my: my.softmax(np.zeros((2, 0, 3)), axis=1),
    "softmax of a broadcast view": lambda my: my.softmax(
        np.broadcast_to(np.arange(5.0), (4, 5)), axis=0
    ),
    # A dot product of 81,920 is past float16's 65,504; the scaled score 10,240 is not.
    "scores near the end of float16": lambda my: my.attention_scores(FORTY - 8, FORTY),
    "huge scores, float64": lambda my: my.scaled_dot_product_attention(*odds(torch.float64, 1.0)),
    "huge scores, float16": lambda my: my.scaled_dot_product_attention(*odds(torch.float16, 8.0)),
    "huge scores, bfloat16": lambda my: my.scaled_dot_product_attention(
        *odds(torch.bfloat16, 64.0)
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@few
@given(st.tuples(sizes, sizes, sizes), st.integers(-3, 2), st.sampled_from([1.0, 30.0, 1e4]))
def test_softmax_along_every_axis(shape: tuple[int, ...], axis: int, scale: float) -> None:
    agree(lambda my: my.softmax(scale * randn(*shape, dtype=torch.float64).numpy(), axis=axis))


@few
@given(leads, st.tuples(sizes, sizes, sizes, sizes), dtypes)
def test_attention_of_all_sizes(
    lead: tuple[int, ...], shape: tuple[int, int, int, int], dtype: torch.dtype
) -> None:
    def attended(my: SimpleNamespace) -> object:
        query, key, value = qkv(*lead, dtype=dtype, shape=shape)
        # Differences are relative to the size of the result, and values may cancel to nearly 0.
        return my.scaled_dot_product_attention(query, key, 1 + value.abs())

    def scored(my: SimpleNamespace) -> object:
        query, key, _ = qkv(*lead, dtype=dtype, shape=shape)
        return my.attention_scores(query.abs(), 1 + key.abs())

    agree(attended)
    agree(scored)


@few
@given(st.tuples(st.integers(0, 4), st.integers(0, 9), sizes, sizes, st.none() | sizes))
def test_shapes_of_all_sizes(five: tuple[int, ...]) -> None:
    agree(lambda my: my.attention_shapes(*five))


@pytest.mark.parametrize("size", [1, 7, 9])
def test_refusals(size: int) -> None:
    """Smaller, larger, and 1, which would broadcast."""
    query, key, value = torch.ones(5, 8), torch.ones(8, 8), torch.ones(8, 11)
    agree(lambda my: my.attention_scores(query, key[:, :1].repeat(1, size)), "key")
    other = torch.ones(8, size)
    agree(lambda my: my.scaled_dot_product_attention(query, other, value), "key")
    agree(lambda my: my.scaled_dot_product_attention(query, key, torch.ones(size, 11)), "value")


@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_minus_infinity_warns_of_nothing(axis: int) -> None:
    x = np.array([[0.0, -np.inf, 1.0], [-np.inf] * 3, [2.0, -np.inf, -np.inf]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (softmax(x, axis=axis).sum(axis) == 0).sum() == 1


def test_gradients_are_right_to_second_order() -> None:
    """Autograd's derivative of both results equals finite differences, and so does its own."""
    inputs = tuple(x[..., :3, :].clone().requires_grad_() for x in qkv(2))
    assert torch.autograd.gradcheck(scaled_dot_product_attention, inputs)
    assert torch.autograd.gradgradcheck(scaled_dot_product_attention, inputs)
    with torch.no_grad():
        assert not any(result.requires_grad for result in scaled_dot_product_attention(*inputs))


def test_numbers_worked_by_hand() -> None:
    """Shares 1 : 2 : 5; the root of E as the score of ones; the paper's base model (3.2.2)."""
    np.testing.assert_allclose(softmax(np.log([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625], rtol=1e-15)
    assert attention_scores(torch.ones(1, 16), torch.ones(1, 16)).item() == 4
    assert attention_shapes(25_000, 1, 512, 64)["W_V"] == (512, 64)

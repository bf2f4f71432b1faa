"""What the observations of notebook 03 do not show: more sizes, masks and types, and calculus."""

from __future__ import annotations

import itertools
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autograder.observe import exactly, gradients, randn, randomise
from solutions.multi_head_attention import MultiHeadAttention, attention_parameter_count
from tests.solutions.oracles import Case, assert_agree

agree = partial(assert_agree, "03-multi-head-attention")
few = settings(deadline=None, max_examples=40)
ALL = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def qkv(
    batch: int = 2, length: int = 5, keys: int = 7, d_model: int = 12, **how: Any
) -> tuple[Tensor, Tensor, Tensor]:
    how = {"dtype": torch.float64, **how}
    query, key, value = (randn(batch, n, d_model, **how) for n in (length, keys, keys))
    return query, key, value


def attend(
    my: SimpleNamespace, inputs: tuple[Tensor, ...], mask: Tensor | None = None, heads: int = 3
) -> tuple[Tensor, Tensor]:
    module = randomise(my.MultiHeadAttention(inputs[0].shape[-1], heads).to(inputs[0].dtype))
    result: tuple[Tensor, Tensor] = module(*inputs, mask)
    return result


def gradients_beside_an_empty_row(my: SimpleNamespace) -> object:
    module = randomise(my.MultiHeadAttention(12, 3).double())
    inputs, mask = qkv(requires_grad=True), randn(2, 3, 5, 7) > 0
    mask[1, :, 2], mask[0, 1, 3] = False, False
    # The gradient of the keys' bias alone is zero but for rounding.
    named = sorted(module.named_parameters())
    return gradients(module(*inputs, mask), [*inputs, *(p for n, p in named if n != "k_proj.bias")])


CASES: dict[str, Case] = {
    "gradients beside an empty row": gradients_beside_an_empty_row,
    **{f"{dtype} without a mask": lambda my, d=dtype: attend(my, qkv(dtype=d)) for dtype in ALL},
    **{
        f"a mask of shape {shape}": lambda my, shape=shape: attend(my, qkv(3), randn(*shape) > 0)
        for shape in [(1, 5, 7), (1, 3, 1, 7), (3, 3, 5, 1), (3, 1, 5, 7), (1, 1)]
    },
    **{
        f"sizes {sizes} with a mask": lambda my, sizes=sizes: attend(
            my, qkv(*sizes), torch.ones(*sizes[1:], dtype=torch.bool)
        )
        for sizes in [(0, 5, 7), (2, 0, 7), (2, 5, 0), (0, 0, 0)]
    },
}
NO_MASKS = [torch.ones(5, 7, dtype=dtype) for dtype in (torch.float64, torch.int64, torch.uint8)]
NO_FIT = [(7, 5), (5, 6), (4, 7), (3, 5, 7), (2, 2, 5, 7), (4, 3, 5, 7), (1, 2, 3, 5, 7)]
NO_MASKS += [torch.ones(shape, dtype=torch.bool) for shape in NO_FIT]


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@pytest.mark.parametrize("mask", NO_MASKS, ids=lambda mask: f"{mask.dtype}-{tuple(mask.shape)}")
def test_masks_that_are_refused(mask: Tensor) -> None:
    agree(lambda my: attend(my, qkv(), mask), "mask")


@pytest.mark.parametrize("heads", [5, 16, 0, -2])
def test_numbers_of_heads_that_are_refused(heads: int) -> None:
    agree(lambda my: my.split_heads(torch.zeros(3, 8), heads), "num_heads")
    agree(lambda my: my.MultiHeadAttention(8, heads), "num_heads")


@few
@given(
    st.sampled_from([(), (2,), (2, 3), (0,)]),
    st.tuples(st.integers(0, 5), st.integers(1, 4), st.integers(1, 5)),
    st.sampled_from(ALL),
)
def test_heads_of_all_sizes(
    lead: tuple[int, ...], sizes: tuple[int, int, int], dtype: torch.dtype
) -> None:
    """Bit for bit, of transposed inputs too; and merging undoes splitting."""
    length, heads, dim = sizes

    def cut(my: SimpleNamespace, whole: bool) -> object:
        x = randn(*lead, heads * dim, length, dtype=dtype).mT
        x = x.contiguous() if whole else x
        parts = my.split_heads(x, heads)
        return exactly(parts), exactly(my.merge_heads(parts)), torch.equal(my.merge_heads(parts), x)

    agree(partial(cut, whole=False))
    agree(partial(cut, whole=True))


@few
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from([torch.float64, torch.float32]),
)
def test_attention_of_all_sizes(
    sizes: tuple[int, int, int], heads: tuple[int, int], dtype: torch.dtype
) -> None:
    """The oracle's results; and what is blocked weighs exactly 0."""

    def attended(my: SimpleNamespace) -> object:
        inputs, mask = qkv(*sizes, heads[0] * heads[1], dtype=dtype), randn(*sizes) > 0
        output, weights = attend(my, inputs, mask, heads[0])
        return output, weights, weights.transpose(0, 1)[:, ~mask].any()

    agree(attended)


def test_gradients_agree_with_differences() -> None:
    """In float64, through output and weights, with an empty row in the mask."""
    module = randomise(MultiHeadAttention(4, 2).double())
    mask = torch.tensor([[True, False, True], [False, False, False]])
    inputs = qkv(2, 2, 3, 4, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *three: module(*three, mask), inputs)


def test_no_layer_starts_as_a_copy_of_another() -> None:
    module = MultiHeadAttention(12, 3)
    layers = (module.q_proj, module.k_proj, module.v_proj, module.out_proj)
    assert not any(torch.equal(a.weight, b.weight) for a, b in itertools.combinations(layers, 2))


def test_counts_the_papers_projections() -> None:
    """The base model: W^Q, W^K, W^V in R^(512 x 64) for 8 heads, W^O in R^(512 x 512)."""
    assert attention_parameter_count(512, 8, bias=False) == 8 * 3 * 512 * 64 + 512 * 512
    for sizes in itertools.product([8, 24, 40], [1, 4, 8], [True, False]):
        agree(lambda my, sizes=sizes: my.attention_parameter_count(*sizes))

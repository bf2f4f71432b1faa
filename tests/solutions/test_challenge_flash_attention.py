"""What the observations of the flash challenge do not show: more sizes, calculus, the theorem."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autograder.observe import close, exactly, gradients, randn
from solutions.challenge_flash_attention import (
    flash_attention,
    hbm_traffic,
    online_softmax_statistics,
)
from tests.solutions.oracles import Case, assert_agree

agree = partial(assert_agree, "challenge-flash-attention")
few = settings(deadline=None, max_examples=40)
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5, torch.float16: 2e-2, torch.bfloat16: 4e-2}
dtypes = st.sampled_from(list(TOLERANCE))
leads = st.sampled_from([(), (2,), (2, 3), (0,), (2, 0)])
lengths = st.tuples(st.integers(0, 9), st.integers(0, 9))
widths = st.tuples(st.integers(1, 8), st.integers(1, 8))


def qkv(
    lead: tuple[int, ...], lengths: tuple[int, int], widths: tuple[int, int], dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    query = randn(*lead, lengths[0], widths[0], dtype=dtype)
    key = randn(*lead, lengths[1], widths[0], dtype=dtype)
    return query, key, randn(*lead, lengths[1], widths[1], dtype=dtype)


def many_keys(my: SimpleNamespace) -> object:
    """Sums over 2,200 blocks of one key; those of float16 would stall at 2,048."""
    key, value = randn(2200, 2, dtype=torch.float16), torch.ones(2200, 3, dtype=torch.float16)
    return my.flash_attention(torch.zeros(1, 2, dtype=torch.float16), key, value, block_size=1)


def an_empty_row(my: SimpleNamespace) -> object:
    """More queries than keys, causal: 0, -inf and gradients 0, none of them NaN."""
    three = [randn(n, 4, dtype=torch.float64, requires_grad=True) for n in (7, 3, 3)]
    output, logsumexp = my.flash_attention(*three, block_size=3, causal=True)
    of_query, *others = gradients((output, logsumexp[4:]), three)
    return exactly((output[:4], logsumexp[:4], of_query[:4])), output, of_query, others


CASES: dict[str, Case] = {
    "many keys in float16": many_keys,
    "an empty row": an_empty_row,
    "1000 equal logits in bfloat16": lambda my: my.online_softmax_statistics(
        torch.zeros(1000, dtype=torch.bfloat16).split(1)
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@few
@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), dtypes)
def test_statistics_of_all_sizes(sizes: list[int], dtype: torch.dtype) -> None:
    agree(
        lambda my: my.online_softmax_statistics(iter(randn(sum(sizes), dtype=dtype).split(sizes)))
    )


@few
@given(leads, lengths, widths, st.integers(1, 11), st.booleans(), dtypes)
def test_attention_of_all_sizes(
    lead: tuple[int, ...],
    lengths: tuple[int, int],
    widths: tuple[int, int],
    block_size: int,
    causal: bool,
    dtype: torch.dtype,
) -> None:
    """Forward and backward, however the rows are cut."""
    tolerance = TOLERANCE[dtype]

    def forward(my: SimpleNamespace) -> object:
        query, key, value = qkv(lead, lengths, widths, dtype)
        # Differences are relative to the size of the result, which may be nearly 0.
        output, logsumexp = my.flash_attention(query, key, 1 + value.abs(), block_size, causal)
        return output, logsumexp.dtype, close(logsumexp.double().exp(), 2e-5)

    def backward(my: SimpleNamespace) -> object:
        three = qkv(lead, lengths, widths, dtype)
        known = flash_attention(*three, 3, causal)
        grad_output = randn(*known[0].shape, dtype=dtype)
        found = my.flash_attention_backward(grad_output, *three, *known, block_size, causal)
        # Gradients can cancel to nearly nothing; their error is that of the terms.
        together = torch.cat([torch.ones(1).double(), *(g.double().flatten() for g in found)])
        kinds = [(gradient.dtype, tuple(gradient.shape)) for gradient in found]
        return kinds, close(together, 2 * tolerance)

    agree(forward)
    agree(backward)


@few
@given(st.integers(0, 5000), st.integers(1, 128), st.integers(1, 200_000))
def test_traffic_of_all_sizes(n: int, d: int, m: int) -> None:
    agree(lambda my: my.hbm_traffic(n, d, m))


@pytest.mark.parametrize("block_size", [0, -1])
def test_block_sizes_below_one_are_refused(block_size: int) -> None:
    x, row = torch.zeros(3, 2), torch.zeros(3)
    agree(lambda my: my.flash_attention(x, x, x, block_size), "block_size")
    agree(lambda my: my.flash_attention_backward(x, x, x, x, x, row, block_size), "block_size")


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("lengths", [(5, 7), (7, 5), (3, 3)])
def test_gradients_agree_with_differences(lengths: tuple[int, int], causal: bool) -> None:
    """Of output and logsumexp in float64, through the blocks; and of the statistics."""
    three = [x.requires_grad_() for x in qkv((2,), lengths, (4, 3), torch.float64)]
    first = max(0, lengths[0] - lengths[1]) if causal else 0  # rows before it are empty

    def without_empty_rows(*inputs: Tensor) -> tuple[Tensor, Tensor]:
        output, logsumexp = flash_attention(*inputs, block_size=2, causal=causal)
        return output, logsumexp[..., first:]

    assert torch.autograd.gradcheck(without_empty_rows, three)
    blocks = [randn(n, dtype=torch.float64, requires_grad=True) for n in (3, 1, 4)]
    assert torch.autograd.gradcheck(lambda *xs: online_softmax_statistics(iter(xs)), blocks)


def test_the_gradient_beside_minus_infinity() -> None:
    """Of 1 + exp(1 - 2), with the maximum 2 in it; a blocked logit has none."""
    row = torch.tensor([-math.inf, 1.0, 2.0], requires_grad=True)
    (found,) = torch.autograd.grad(online_softmax_statistics(row.split(1))[1], row)
    share = math.exp(-1)
    torch.testing.assert_close(found, torch.tensor([0.0, share, -share]))


def test_traffic_by_hand_and_by_the_theorem() -> None:
    """N = 10, d = 4, M = 32: 5 blocks of 2 columns. Theorem 2: O(N^2 d^2 / M)."""
    assert hbm_traffic(10, 4, 32) == {"standard": 160 + 400, "flash": 80 + 5 * (120 + 40)}
    assert hbm_traffic(10, 4, 33)["flash"] == 80 + 4 * (120 + 40)
    small, large = (hbm_traffic(2**16, 64, m)["flash"] for m in (2**16, 2**18))
    assert small / large == pytest.approx(4, rel=0.05)

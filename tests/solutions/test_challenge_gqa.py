"""What the observations of the GQA challenge do not show: sizes, types, calculus."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autograder.observe import close, exactly, gradients, randn, randomise
from solutions.challenge_gqa import (
    GroupedQueryAttention,
    grouped_query_attention,
    kv_cache_bytes,
)
from tests.solutions.oracles import Case, assert_agree

agree = partial(assert_agree, "challenge-gqa")
few = settings(deadline=None, max_examples=40)
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5, torch.float16: 2e-2, torch.bfloat16: 4e-2}
dtypes = st.sampled_from(list(TOLERANCE))


def inputs(
    batch: int = 2,
    groups: int = 4,
    heads: int = 3,
    length: int = 5,
    keys: int = 7,
    dim: int = 8,
    width: int = 11,
    **how: Any,
) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value with pairwise different sizes."""
    how = {"dtype": torch.float64, **how}
    query = randn(batch, heads * groups, length, dim, **how)
    return query, randn(batch, heads, keys, dim, **how), randn(batch, heads, keys, width, **how)


def nothing_seen(dtype: torch.dtype, my: SimpleNamespace) -> object:
    three = inputs(dtype=dtype, requires_grad=True)
    output = my.grouped_query_attention(*three, torch.zeros(5, 7, dtype=torch.bool))
    return exactly(output), exactly(gradients(output, three))


FORTY = torch.full((1, 2, 1, 64), 40.0, dtype=torch.float16)
RANKS = [(5, 1), (1, 5, 7), (1, 1, 1), (2, 1, 1, 7), (1, 12, 5, 1), (1, 1, 5, 7)]
CASES: dict[str, Case] = {
    "products past 65,504 in float16": lambda my: my.grouped_query_attention(
        FORTY, FORTY[:, :1], torch.full((1, 1, 1, 3), 2.0, dtype=torch.float16)
    ),
    **{f"nothing seen in {dtype}": partial(nothing_seen, dtype) for dtype in TOLERANCE},
    **{
        f"a mask of shape {shape}": lambda my, shape=shape: my.grouped_query_attention(
            *inputs(), randn(*shape) < 0.5
        )
        for shape in RANKS
    },
}
NO_MASKS = [torch.ones(5, 7), torch.ones(5, 7, dtype=torch.int64)]
NO_FIT = [(5, 6), (7, 5), (12, 5, 7), (2, 3, 5, 7), (1, 2, 12, 5, 7)]
NO_MASKS += [torch.ones(shape, dtype=torch.bool) for shape in NO_FIT]


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@pytest.mark.parametrize("mask", NO_MASKS, ids=lambda mask: f"{mask.dtype}-{tuple(mask.shape)}")
def test_masks_that_are_refused(mask: Tensor) -> None:
    agree(lambda my: my.grouped_query_attention(*inputs(), mask), "mask")


def test_numbers_of_heads_that_are_refused() -> None:
    for heads in (5, 24, 0):
        key = torch.ones(2, heads, 7, 8)
        agree(
            lambda my, key=key: my.grouped_query_attention(torch.ones(2, 12, 5, 8), key, key), "key"
        )
    for sizes, naming in (((10, 4, 2), "num_heads"), ((12, 6, 4), "num_kv_heads")):
        agree(lambda my, sizes=sizes: my.GroupedQueryAttention(*sizes), naming)


@few
@given(
    st.tuples(*(st.integers(low, high) for low, high in [(0, 3), (1, 4), (1, 3), (0, 5), (1, 7)])),
    st.tuples(st.integers(1, 8), st.integers(1, 5)),
    dtypes,
    st.booleans(),
)
def test_attention_of_all_sizes(
    sizes: tuple[int, ...], widths: tuple[int, int], dtype: torch.dtype, strided: bool
) -> None:
    def attended(my: SimpleNamespace) -> object:
        query, key, value = inputs(*sizes, *widths, dtype=dtype)
        value = 1 + value.abs()  # differences are relative to the size of the result
        if strided:
            query, key, value = (x.mT.contiguous().mT for x in (query, key, value))
        return my.grouped_query_attention(query, key, value)

    agree(attended)


@few
@given(st.tuples(*[st.integers(0, 4)] * 4), st.integers(1, 4), dtypes)
def test_copies_and_caches_of_all_sizes(
    sizes: tuple[int, ...], n_rep: int, dtype: torch.dtype
) -> None:
    agree(lambda my: exactly(my.repeat_kv(randn(*sizes, dtype=dtype), n_rep)))
    agree(lambda my: my.kv_cache_bytes(*sizes, n_rep, dtype.itemsize))


def test_equals_the_grouped_operator_of_torch() -> None:
    """F.scaled_dot_product_attention with enable_gqa; rows without a key are exactly 0."""
    query, key, value = inputs()
    mask = randn(2, 12, 5, 7) < 0.4
    mask[:, :, 2] = False
    found = grouped_query_attention(query, key, value, mask)
    expected = F.scaled_dot_product_attention(query, key, value, mask, enable_gqa=True)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    assert not found[~mask.any(-1)].any()


def test_published_caches() -> None:
    """Kwon et al. (2023), section 3: OPT-13B takes 800 KiB per token; Touvron et al. (2023)."""
    assert kv_cache_bytes(1, 1, 40, 40, 128) == 819_200
    # Llama 2 70B: 80 layers, 64 query heads, 8 key/value heads of size 128.
    assert kv_cache_bytes(1, 4096, 80, 64, 128) == 10 * 2**30
    assert kv_cache_bytes(1, 4096, 80, 8, 128) == 10 * 2**30 // 8


@few
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=5),
    st.sampled_from([torch.float64, torch.float32]),
    st.sampled_from([1, 2, 6]),
)
def test_chunks_with_a_cache_equal_one_causal_pass(
    chunks: list[int], dtype: torch.dtype, kv_heads: int
) -> None:
    """However the text is cut, with its slice of the causal mask, and as the oracle does it."""
    total = sum(chunks)
    causal = torch.ones(total, total).tril().bool()

    def in_chunks(my: SimpleNamespace) -> object:
        module = randomise(my.GroupedQueryAttention(24, 6, kv_heads).to(dtype))
        x, cache = randn(2, total, 24, dtype=dtype), None
        outputs, start = [], 0
        for chunk in chunks:
            end = start + chunk
            output, cache = module(x[:, start:end], causal[start:end, :end], cache)
            outputs.append(output)
            start = end
        apart, (whole, _) = torch.cat(outputs, dim=1), module(x, causal)
        size = float(whole.detach().abs().amax()) if total else 1.0
        same = torch.allclose(apart, whole, rtol=0, atol=TOLERANCE[dtype] * size)
        return close(apart, 2 * TOLERANCE[dtype]), cache, same

    agree(in_chunks)
    assert in_chunks(SimpleNamespace(GroupedQueryAttention=GroupedQueryAttention))[2]


def test_gradients_agree_with_differences() -> None:
    """In float64, with an empty row; and through the module, with two cached positions."""
    mask = torch.tensor([[False] * 4, [True, True, False, True], [False, True, False, False]])
    three = inputs(1, 2, 2, 3, 4, 2, 3, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *t: grouped_query_attention(*t, mask), three)
    module = randomise(GroupedQueryAttention(8, 4, 2, bias=True).double())
    shapes = (1, 2, 8), (1, 2, 2, 2), (1, 2, 2, 2)
    x, key, value = (randn(*s, dtype=torch.float64, requires_grad=True) for s in shapes)

    def run(x: Tensor, key: Tensor, value: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
        output, grown = module(x, torch.ones(2, 4).tril(2).bool(), (key, value))
        return output, *grown

    assert torch.autograd.gradcheck(run, (x, key, value, *module.parameters()))

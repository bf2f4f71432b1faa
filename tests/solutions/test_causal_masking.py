"""What the observations of notebook 02 do not show: more sizes and types, calculus, exact zeros."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.attention.bias import causal_lower_right

from autograder.observe import gradients, randn
from solutions.causal_masking import causal_mask, decode_step, masked_attention, padding_mask
from tests.solutions.oracles import Case, assert_agree

agree = partial(assert_agree, "02-causal-masking")
few = settings(deadline=None, max_examples=30)
lengths = st.integers(0, 9)
leads = st.sampled_from([(), (2,), (2, 3), (0,), (1,)])
ALL = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def qkv(
    *lead: int, length: int = 5, keys: int = 7, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    shapes = (length, 8), (keys, 8), (keys, 11)
    query, key, value = (randn(*lead, *shape, dtype=dtype) for shape in shapes)
    return query, key, value


def an_empty_row(dtype: torch.dtype, my: SimpleNamespace) -> object:
    mask = causal_mask(5, 7)
    mask[2] = False
    inputs = [x.requires_grad_() for x in qkv(2, dtype=dtype)]
    results = my.masked_attention(*inputs, mask)
    return results, gradients(results, inputs)


CASES: dict[str, Case] = {
    **{f"an empty row in {dtype}": partial(an_empty_row, dtype) for dtype in ALL},
    **{
        f"a mask of shape {shape}": lambda my, shape=shape: my.masked_attention(
            *qkv(2), randn(*shape) > -0.5
        )
        for shape in [(5, 1), (1, 1), (1, 5, 7), (2, 1, 1)]
    },
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@few
@given(lengths, lengths, st.lists(st.integers(0, 7), max_size=5), st.booleans())
def test_masks_of_all_sizes(queries: int, keys: int, tokens: list[int], short: bool) -> None:
    agree(lambda my: my.causal_mask(queries, keys))
    given_lengths = torch.tensor(tokens, dtype=torch.int32 if short else torch.int64)
    agree(lambda my: my.padding_mask(given_lengths, 7 + keys))
    if queries <= keys:
        bias = causal_lower_right(queries, keys)._materialize()
        assert torch.equal(causal_mask(queries, keys), bias.to(torch.bool))


@few
@given(leads, st.integers(0, 6), lengths, st.sampled_from(ALL), st.booleans())
def test_attention_of_all_sizes(
    lead: tuple[int, ...], length: int, keys: int, dtype: torch.dtype, masked: bool
) -> None:
    """The oracle's results; and what is blocked weighs exactly 0."""

    def attended(my: SimpleNamespace) -> object:
        query, key, value = qkv(*lead, length=length, keys=keys, dtype=dtype)
        mask = randn(*lead, length, keys) > 0 if masked else torch.ones(keys, dtype=torch.bool)
        # Differences are relative to the size of the result, and values may cancel to nearly 0.
        result = my.masked_attention(query, key, 1 + value.abs(), mask if masked else None)
        allowed = mask.expand(result[1].shape)
        return result, result[1][~allowed].any(), result[0][~allowed.any(-1)].any()

    agree(attended)


@pytest.mark.parametrize("shape", [(5,), (3, 1, 7), (2, 2, 5, 7)])
def test_refusals(shape: tuple[int, ...]) -> None:
    agree(lambda my: my.masked_attention(*qkv(2), torch.ones(shape, dtype=torch.bool)), "mask")


def test_padding_mask_is_the_key_padding_mask_of_torch_inverted() -> None:
    """nn.MultiheadAttention with key_padding_mask = not mask attends alike."""
    counts, x = torch.tensor([2, 5, 3]), randn(3, 5, 8, dtype=torch.float64)
    layer = nn.MultiheadAttention(8, 1, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.eye(8).repeat(3, 1))
        layer.out_proj.weight.copy_(torch.eye(8))
    mask = padding_mask(counts, 5)
    theirs = layer(x, x, x, key_padding_mask=~mask[:, 0], attn_mask=~causal_mask(5))
    torch.testing.assert_close(masked_attention(x, x, x, mask & causal_mask(5)), theirs)


@pytest.mark.parametrize("empty", [[], [0], [1, 3], [0, 1, 2, 3]])
def test_gradients_agree_with_differences(empty: list[int]) -> None:
    """In float64, with empty rows too; and those of a step, for the new token and the cache."""
    inputs = [x[..., :3].clone().requires_grad_() for x in qkv(2, length=4, keys=5)]
    mask = causal_mask(4, 5)
    mask[empty] = False
    assert torch.autograd.gradcheck(lambda *three: masked_attention(*three, mask), inputs)
    new = [x[:, :1].detach().clone().requires_grad_() for x in inputs]
    assert torch.autograd.gradcheck(
        lambda q, k, v, *cache: decode_step(q, k, v, cache)[0], (*new, *inputs[1:])
    )


def test_the_future_cannot_be_seen() -> None:
    """New keys and values after position t change nothing up to t, not by one bit."""
    query, key, value = qkv(length=6, keys=6)
    output, _ = masked_attention(query, key, value, causal_mask(6))
    key[4:], value[4:] = 1e3, -1e3
    changed, _ = masked_attention(query, key, value, causal_mask(6))
    assert torch.equal(changed[:4], output[:4])
    assert not torch.equal(changed[4:], output[4:])


@few
@given(leads, st.integers(1, 6))
def test_decoding_equals_one_causal_pass(lead: tuple[int, ...], length: int) -> None:
    """Step t gives row t of F.scaled_dot_product_attention with is_causal=True."""
    whole, cache, outputs = qkv(*lead, length=length, keys=length), None, []
    for t in range(length):
        output, cache = decode_step(*(x[..., t : t + 1, :] for x in whole), cache)
        outputs.append(output)
    expected = F.scaled_dot_product_attention(*whole, is_causal=True)
    torch.testing.assert_close(torch.cat(outputs, -2), expected, rtol=0, atol=1e-10)
    assert all(map(torch.equal, cache, whole[1:]))


@few
@given(leads, lengths, st.sampled_from(ALL))
def test_steps_in_every_dtype(lead: tuple[int, ...], past: int, dtype: torch.dtype) -> None:
    def stepped(my: SimpleNamespace) -> object:
        query, key, value = qkv(*lead, length=1, keys=1, dtype=dtype)
        _, keys, values = qkv(*lead, keys=past, dtype=dtype)
        return my.decode_step(query, key, 1 + value.abs(), (keys, 1 + values.abs()))

    agree(stepped)

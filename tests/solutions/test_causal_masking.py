"""The masks and masked attention against torch's own operators, autograd and the definitions."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.attention.bias import causal_lower_right, causal_upper_left

from solutions.causal_masking import causal_mask, decode_step, masked_attention, padding_mask

few = settings(deadline=None, max_examples=30)
sizes = st.integers(0, 9)
leads = st.sampled_from([(), (2,), (2, 3), (0,), (1,)])
TOLERANCE = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.float16: 2e-2,
    torch.bfloat16: 4e-2,
}
dtypes = st.sampled_from(list(TOLERANCE))


def drawn(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Close to within the workbook's tolerance for the dtype of `found`."""
    assert found.shape == expected.shape
    found, expected = found.detach(), expected.detach()
    size = max(1.0, float(expected.abs().amax())) if expected.numel() else 1.0
    allowed = TOLERANCE[found.dtype] * size
    torch.testing.assert_close(found.double(), expected.double(), rtol=0, atol=allowed)


# causal_mask


@few
@given(sizes, sizes)
def test_causal_mask_allows_the_keys_up_to_the_query_s_own_place(length: int, keys: int) -> None:
    """Entry (i, j) is True when key j is not later than query i, both counted from the end."""
    mask = causal_mask(length, keys)

    assert mask.dtype == torch.bool
    assert mask.shape == (length, keys)
    assert all(
        bool(mask[i, j]) == (keys - 1 - j >= length - 1 - i)
        for i in range(length)
        for j in range(keys)
    )


@few
@given(st.integers(1, 9), st.integers(0, 5))
def test_causal_mask_is_the_lower_right_bias_of_torch(length: int, more: int) -> None:
    """torch.nn.attention.bias.causal_lower_right holds the same truth values."""
    keys = length + more
    oracle = causal_lower_right(length, keys)._materialize()

    assert torch.equal(causal_mask(length, keys), oracle.to(torch.bool))


def test_causal_mask_differs_from_the_upper_left_bias() -> None:
    """The alignment of is_causal=True is another one when L and S differ."""
    upper_left = causal_upper_left(2, 4)._materialize().to(torch.bool)

    assert not torch.equal(causal_mask(2, 4), upper_left)


def test_causal_mask_is_square_when_one_length_is_given() -> None:
    """key_len None means query_len; 0 means 0."""
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True] * 3]
    assert causal_mask(3, 0).shape == (3, 0)


def test_causal_mask_is_made_on_the_device() -> None:
    """The mask lies where the caller asks."""
    assert causal_mask(2, 3, device="meta").device.type == "meta"


def test_causal_mask_belongs_to_the_caller() -> None:
    """Changing a mask does not change the next one."""
    causal_mask(4).zero_()

    assert causal_mask(4).sum() == 10


# padding_mask


@few
@given(st.lists(st.integers(0, 7), max_size=5), st.integers(7, 9), st.booleans())
def test_padding_mask_counts_the_tokens(lengths: list[int], longest: int, short: bool) -> None:
    """Row b is True at its first lengths[b] positions, for either integer type."""
    given_lengths = torch.tensor(lengths, dtype=torch.int32 if short else torch.int64)

    mask = padding_mask(given_lengths, longest)

    assert mask.dtype == torch.bool
    assert mask.shape == (len(lengths), 1, longest)
    assert mask.tolist() == [[[j < n for j in range(longest)]] for n in lengths]
    assert given_lengths.tolist() == lengths


def test_padding_mask_of_no_positions() -> None:
    """max_len 0 leaves no key."""
    assert padding_mask(torch.tensor([0, 0]), 0).shape == (2, 1, 0)


def test_padding_mask_is_the_key_padding_mask_of_torch_inverted() -> None:
    """nn.MultiheadAttention with key_padding_mask = not mask attends alike."""
    lengths, x = torch.tensor([2, 5, 3]), drawn(1, 3, 5, 8)
    layer = nn.MultiheadAttention(8, 1, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.eye(8, dtype=torch.float64).repeat(3, 1))
        layer.out_proj.weight.copy_(torch.eye(8, dtype=torch.float64))
    mask = padding_mask(lengths, 5)

    output, weights = masked_attention(x, x, x, mask & causal_mask(5))

    oracle, oracle_weights = layer(x, x, x, key_padding_mask=~mask[:, 0], attn_mask=~causal_mask(5))
    assert_near(output, oracle)
    assert_near(weights, oracle_weights)


@pytest.mark.parametrize("lengths", [[3, 6], [-1, 2]])
def test_padding_mask_refuses_lengths_out_of_range(lengths: list[int]) -> None:
    """A length above max_len or below 0 is named in the error."""
    with pytest.raises(ValueError, match=r"\blengths\b"):
        padding_mask(torch.tensor(lengths), 5)


# masked_attention


@few
@given(leads, st.integers(0, 6), st.integers(1, 7), dtypes, st.integers(0, 99))
def test_masked_attention_is_that_of_torch(
    lead: tuple[int, ...], length: int, keys: int, dtype: torch.dtype, seed: int
) -> None:
    """F.scaled_dot_product_attention with the same bool mask gives the same output."""
    query = drawn(seed, *lead, length, 8, dtype=dtype)
    key = drawn(seed + 1, *lead, 8, keys, dtype=dtype).mT
    value = drawn(seed + 2, *lead, keys, 2 * 11, dtype=dtype)[..., ::2]
    mask = drawn(seed + 3, *lead, length, keys) > 0
    mask[..., 0] = True

    output, weights = masked_attention(query, key, value, mask)

    wide = query.double(), key.double(), value.double()
    assert output.dtype == weights.dtype == dtype
    assert_near(output, F.scaled_dot_product_attention(*wide, attn_mask=mask))
    eye = torch.eye(keys, dtype=torch.float64).expand(*lead, keys, keys)
    assert_near(weights, F.scaled_dot_product_attention(*wide[:2], eye, attn_mask=mask))
    assert bool((weights[~mask] == 0).all())


@few
@given(leads, st.integers(0, 5), sizes)
def test_masked_attention_without_a_mask(lead: tuple[int, ...], length: int, keys: int) -> None:
    """mask None is attention to every key, and equals a mask that allows every key."""
    query, key, value = (
        drawn(1, *lead, length, 8),
        drawn(2, *lead, keys, 8),
        drawn(3, *lead, keys, 3),
    )

    output, weights = masked_attention(query, key, value)

    all_allowed = masked_attention(query, key, value, torch.ones(length, keys, dtype=torch.bool))
    assert output.shape == (*lead, length, 3)
    assert weights.shape == (*lead, length, keys)
    assert torch.equal(output, all_allowed[0])
    assert torch.equal(weights, all_allowed[1])
    if keys:
        assert_near(output, F.scaled_dot_product_attention(query, key, value))
    else:
        assert torch.equal(output, torch.zeros(*lead, length, 3, dtype=torch.float64))


@pytest.mark.parametrize(
    "shape", [(7,), (1, 7), (5, 1), (5, 7), (1, 1), (2, 1, 7), (2, 5, 7), (2, 1, 1), (1, 5, 7)]
)
def test_masked_attention_broadcasts_the_mask(shape: tuple[int, ...]) -> None:
    """A mask with sizes of 1 acts like the same mask written out, and stays unchanged."""
    query, key, value = drawn(1, 2, 5, 8), drawn(2, 2, 7, 8), drawn(3, 2, 7, 11)
    mask = drawn(4, *shape) > 0
    before = mask.clone()

    output, weights = masked_attention(query, key, value, mask)

    full = masked_attention(query, key, value, mask.expand(2, 5, 7).clone())
    assert torch.equal(output, full[0])
    assert torch.equal(weights, full[1])
    assert torch.equal(mask, before)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_query_that_may_attend_to_nothing_gets_zero(dtype: torch.dtype) -> None:
    """An empty row has weights 0 and output 0; the others attend as if it were not there."""
    query, key, value = (drawn(i, 2, n, 8, dtype=dtype) for i, n in enumerate((5, 7, 7)))
    mask = causal_mask(5, 7)
    mask[2] = False

    output, weights = masked_attention(query, key, value, mask)

    others = [0, 1, 3, 4]
    expected = masked_attention(query[:, others], key, value, mask[others])
    assert bool((output[:, 2] == 0).all())
    assert bool((weights[:, 2] == 0).all())
    assert_near(output[:, others], expected[0])
    assert_near(weights[:, others], expected[1])


@pytest.mark.parametrize("empty", [(), (0,), (1, 3), (0, 1, 2, 3)])
def test_gradients_of_masked_attention(empty: tuple[int, ...]) -> None:
    """gradcheck agrees in float64, with empty rows too; no NaN."""
    inputs = [
        drawn(i, 2, n, e).requires_grad_() for i, (n, e) in enumerate([(4, 3), (5, 3), (5, 2)])
    ]
    mask = causal_mask(4, 5).repeat(2, 1, 1)
    mask[:, list(empty)] = False

    def attend(*tensors: Tensor) -> tuple[Tensor, Tensor]:
        return masked_attention(*tensors, mask)

    assert torch.autograd.gradcheck(attend, inputs)


def test_gradients_flow_through_the_weights_too() -> None:
    """The weights as torch's own operator gives them, with an identity as values, agree."""
    query, key = drawn(1, 4, 3).requires_grad_(), drawn(2, 5, 3).requires_grad_()
    mask, cotangent = causal_mask(4, 5), drawn(3, 4, 5)
    _, weights = masked_attention(query, key, drawn(4, 5, 2), mask)

    found = torch.autograd.grad(weights, (query, key), cotangent)

    eye = torch.eye(5, dtype=torch.float64)
    oracle = F.scaled_dot_product_attention(query, key, eye, attn_mask=mask)
    for one, other in zip(found, torch.autograd.grad(oracle, (query, key), cotangent), strict=True):
        assert_near(one, other)


@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_scores_far_from_zero(logit: float) -> None:
    """A shift of all scores, and a huge score behind the mask, change no weight."""
    query, key, value = drawn(1, 4, 8), drawn(2, 6, 8), drawn(3, 6, 5)
    query[:, 0], key[:, 0] = math.sqrt(8), 0
    mask = causal_mask(4, 6)
    shifted, far = key.clone(), key.clone()
    shifted[:, 0] += logit
    far[-1, 0] += logit

    plain = masked_attention(query, key, value, mask)[1]

    assert_near(masked_attention(query, shifted, value, mask)[1], plain)
    assert_near(masked_attention(query, far, value, mask)[1][:-1], plain[:-1])


def test_numbers_that_one_can_check_by_head() -> None:
    """Exponentials 1, 3, 4 with the last key blocked give weights 1/4, 3/4, 0."""
    key = torch.tensor([[1.0], [3.0], [4.0]]).log()

    output, weights = masked_attention(
        torch.ones(1, 1),
        key,
        torch.tensor([[4.0], [8.0], [99.0]]),
        torch.tensor([True, True, False]),
    )

    assert_near(weights, torch.tensor([[0.25, 0.75, 0.0]]))
    assert_near(output, torch.tensor([[7.0]]))


def test_the_future_cannot_be_seen() -> None:
    """New keys and values after position t change nothing up to t, not by one bit."""
    query, key, value = drawn(1, 6, 8), drawn(2, 6, 8), drawn(3, 6, 8)
    output, _ = masked_attention(query, key, value, causal_mask(6))
    key[4:], value[4:] = 1e3, -1e3

    changed, _ = masked_attention(query, key, value, causal_mask(6))

    assert torch.equal(changed[:4], output[:4])
    assert not torch.equal(changed[4:], output[4:])


def test_nan_in_the_input_stays_visible() -> None:
    """A NaN in a query makes its output NaN, so that trouble upstream is not hidden."""
    query, key, value = drawn(1, 3, 8), drawn(2, 3, 8), drawn(3, 3, 8)
    query[1, 0] = math.nan

    output, _ = masked_attention(query, key, value, causal_mask(3))

    assert output.isnan().any(-1).tolist() == [False, True, False]


@pytest.mark.parametrize(
    "mask",
    [
        torch.ones(5, 7),
        torch.ones(5, 7, dtype=torch.int64),
        torch.ones(7, 5, dtype=torch.bool),
        torch.ones(5, dtype=torch.bool),
        torch.ones(3, 1, 7, dtype=torch.bool),
    ],
    ids=str,
)
def test_masked_attention_refuses_other_masks(mask: Tensor) -> None:
    """A mask that is not bool or does not broadcast is named in the error."""
    with pytest.raises(ValueError, match=r"\bmask\b"):
        masked_attention(drawn(1, 2, 5, 8), drawn(2, 2, 7, 8), drawn(3, 2, 7, 8), mask)


# decode_step


@few
@given(leads, st.integers(1, 6), dtypes)
def test_decoding_equals_one_causal_pass(
    lead: tuple[int, ...], length: int, dtype: torch.dtype
) -> None:
    """Step t gives row t of F.scaled_dot_product_attention with is_causal=True."""
    query, key, value = (drawn(i, *lead, length, e, dtype=dtype) for i, e in enumerate((8, 8, 11)))
    oracle = F.scaled_dot_product_attention(
        query.double(), key.double(), value.double(), is_causal=True
    )
    cache = None

    for t in range(length):
        now = slice(t, t + 1)
        output, cache = decode_step(query[..., now, :], key[..., now, :], value[..., now, :], cache)

        assert output.dtype == dtype
        assert_near(output, oracle[..., now, :])
        assert torch.equal(cache[0], key[..., : t + 1, :])
        assert torch.equal(cache[1], value[..., : t + 1, :])


def test_decoding_from_an_empty_cache() -> None:
    """A cache of no tokens is the same as no cache."""
    query, key, value = drawn(1, 2, 1, 8), drawn(2, 2, 1, 8), drawn(3, 2, 1, 11)

    output, cache = decode_step(query, key, value, (key[:, :0], value[:, :0]))

    assert torch.equal(output, value)
    assert torch.equal(cache[0], key)
    assert torch.equal(cache[1], value)


def test_one_cache_can_be_continued_twice() -> None:
    """Neither the given cache nor the one returned first is overwritten by another step."""
    cache = drawn(1, 2, 3, 8), drawn(2, 2, 3, 11)
    before = cache[0].clone(), cache[1].clone()
    one, other = ([drawn(i + j, 2, 1, e) for j, e in enumerate((8, 8, 11))] for i in (10, 20))

    _, first = decode_step(*one, cache)
    kept = first[0].clone(), first[1].clone()
    decode_step(*other, cache)

    assert torch.equal(cache[0], before[0])
    assert torch.equal(cache[1], before[1])
    assert torch.equal(first[0], kept[0])
    assert torch.equal(first[1], kept[1])


def test_gradients_of_decoding() -> None:
    """gradcheck agrees for the new token and for the cache."""
    inputs = [
        drawn(i, 2, n, e).requires_grad_()
        for i, (n, e) in enumerate([(1, 3), (1, 3), (1, 2), (4, 3), (4, 2)])
    ]

    def step(query: Tensor, key: Tensor, value: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return decode_step(query, key, value, (keys, values))[0]

    assert torch.autograd.gradcheck(step, inputs)


@pytest.mark.parametrize("length", [0, 2])
def test_decoding_refuses_anything_but_one_token(length: int) -> None:
    """A query of another length is named in the error."""
    x = drawn(1, 2, length, 8)

    with pytest.raises(ValueError, match=r"\bquery\b"):
        decode_step(x, x, x)

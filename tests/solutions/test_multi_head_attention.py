"""Multi-head attention against torch's own module, torch's operators and the paper's formula."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from solutions.multi_head_attention import (
    MultiHeadAttention,
    attention_parameter_count,
    merge_heads,
    split_heads,
)

TOLERANCE = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.float16: 2e-2,
    torch.bfloat16: 4e-2,
}
DTYPES = sorted(TOLERANCE, key=str)
LEADING = [(), (2,), (2, 3), (0,)]

examples = settings(deadline=None, max_examples=40)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Every test draws the same numbers in every run."""
    with torch.random.fork_rng():
        torch.manual_seed(20)
        yield


def assert_close(actual: Tensor, expected: Tensor) -> None:
    """As close as exercises.md asks for, relative to the size of the expected result."""
    size = float(expected.detach().abs().max()) if expected.numel() else 0.0
    torch.testing.assert_close(
        actual, expected, rtol=0, atol=TOLERANCE[expected.dtype] * (size or 1)
    )


def random_module(
    d_model: int, num_heads: int, bias: bool = True, dtype: torch.dtype = torch.float64
) -> MultiHeadAttention:
    """A module of which no bias is 0 and no two layers are alike."""
    module = MultiHeadAttention(d_model, num_heads, bias).to(dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape) / parameter.shape[-1] ** (1 / 2))
    return module


def torch_twin(module: MultiHeadAttention, bias: bool = True) -> nn.MultiheadAttention:
    """torch's module with the same weights."""
    layers = (module.q_proj, module.k_proj, module.v_proj)
    d_model = module.out_proj.in_features
    twin = nn.MultiheadAttention(
        d_model, module.num_heads, bias=bias, batch_first=True, dtype=module.q_proj.weight.dtype
    )
    with torch.no_grad():
        twin.in_proj_weight.copy_(torch.cat([layer.weight for layer in layers]))
        twin.out_proj.weight.copy_(module.out_proj.weight)
        if bias:
            twin.in_proj_bias.copy_(torch.cat([layer.bias for layer in layers]))
            twin.out_proj.bias.copy_(module.out_proj.bias)
    return twin


def inputs(
    batch: int = 2, query_len: int = 5, key_len: int = 7, d_model: int = 12, **options: object
) -> tuple[Tensor, Tensor, Tensor]:
    options = {"dtype": torch.float64, **options}
    return (
        torch.randn(batch, query_len, d_model, **options),
        torch.randn(batch, key_len, d_model, **options),
        torch.randn(batch, key_len, d_model, **options),
    )


def open_mask(*shape: int) -> Tensor:
    """A random mask with at least one key for every query."""
    mask = torch.rand(shape) < 0.5
    mask[..., 0] = True
    return mask


# --- split_heads and merge_heads ---------------------------------------------------------------


@examples
@given(
    leading=st.sampled_from(LEADING),
    length=st.integers(0, 5),
    num_heads=st.integers(1, 4),
    head_dim=st.integers(1, 5),
    dtype=st.sampled_from(DTYPES),
    contiguous=st.booleans(),
)
def test_split_heads_is_chunk_and_stack(
    leading: tuple[int, ...],
    length: int,
    num_heads: int,
    head_dim: int,
    dtype: torch.dtype,
    contiguous: bool,
) -> None:
    """Head h holds the h-th of the chunks that torch cuts the last dimension into."""
    d_model = num_heads * head_dim
    x = torch.randn(*leading, d_model, length).to(dtype).mT
    x = x.contiguous() if contiguous else x
    before = x.clone()

    heads = split_heads(x, num_heads)

    assert heads.dtype == dtype
    assert torch.equal(heads, torch.stack(x.chunk(num_heads, dim=-1), dim=-3))
    assert torch.equal(x, before)


@examples
@given(
    leading=st.sampled_from(LEADING),
    length=st.integers(0, 5),
    num_heads=st.integers(1, 4),
    head_dim=st.integers(1, 5),
    dtype=st.sampled_from(DTYPES),
    contiguous=st.booleans(),
)
def test_merge_heads_is_unbind_and_cat(
    leading: tuple[int, ...],
    length: int,
    num_heads: int,
    head_dim: int,
    dtype: torch.dtype,
    contiguous: bool,
) -> None:
    """The heads' pieces stand side by side, in the order of the heads."""
    x = torch.randn(*leading, num_heads, head_dim, length).to(dtype).mT
    x = x.contiguous() if contiguous else x
    before = x.clone()

    merged = merge_heads(x)

    assert merged.dtype == dtype
    assert torch.equal(merged, torch.cat(x.unbind(-3), dim=-1))
    assert torch.equal(merged, x.movedim(-3, -2).reshape(merged.shape))
    assert torch.equal(split_heads(merged, num_heads), x)
    assert torch.equal(x, before)


def test_splitting_and_merging_pass_the_gradient_on() -> None:
    """Both have the gradients that differences give."""
    x = torch.randn(2, 3, 8, dtype=torch.float64, requires_grad=True)
    heads = torch.randn(2, 4, 3, 2, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(lambda x: split_heads(x, 4), (x,))
    assert torch.autograd.gradcheck(merge_heads, (heads,))


@pytest.mark.parametrize("num_heads", [5, 16, 0, -2])
def test_a_number_of_heads_that_does_not_divide_is_refused(num_heads: int) -> None:
    """The error names the argument, in the function and in the module."""
    with pytest.raises(ValueError, match=r"\bnum_heads\b"):
        split_heads(torch.zeros(3, 8), num_heads)
    with pytest.raises(ValueError, match=r"\bnum_heads\b"):
        MultiHeadAttention(8, num_heads)


# --- MultiHeadAttention ------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
def test_the_parameters_are_those_of_four_linear_layers(bias: bool) -> None:
    """Exactly the named parameters, each D -> D, with a bias everywhere or nowhere."""
    state = MultiHeadAttention(12, 3, bias=bias).state_dict()

    layers = ["q_proj", "k_proj", "v_proj", "out_proj"]
    shapes = {f"{layer}.weight": (12, 12) for layer in layers}
    if bias:
        shapes |= {f"{layer}.bias": (12,) for layer in layers}
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == shapes


def test_no_layer_starts_as_a_copy_of_another() -> None:
    """Queries, keys and values have projections of their own."""
    module = MultiHeadAttention(12, 3)

    weights = [module.q_proj.weight, module.k_proj.weight, module.v_proj.weight]
    assert not any(torch.equal(weights[i], weights[i - 1]) for i in range(3))


@examples
@given(
    batch=st.integers(1, 3),
    query_len=st.integers(1, 5),
    key_len=st.integers(1, 5),
    num_heads=st.integers(1, 4),
    head_dim=st.integers(1, 4),
    bias=st.booleans(),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    seed=st.integers(0, 2**31),
)
def test_agrees_with_torchs_module(
    batch: int,
    query_len: int,
    key_len: int,
    num_heads: int,
    head_dim: int,
    bias: bool,
    dtype: torch.dtype,
    seed: int,
) -> None:
    """Same weights, same output and the same weights of every head as nn.MultiheadAttention."""
    torch.manual_seed(seed)
    module = random_module(num_heads * head_dim, num_heads, bias, dtype)
    qkv = inputs(batch, query_len, key_len, num_heads * head_dim, dtype=dtype)

    output, weights = module(*qkv)

    expected, expected_weights = torch_twin(module, bias)(*qkv, average_attn_weights=False)
    assert_close(output, expected)
    assert_close(weights, expected_weights)


@pytest.mark.parametrize(
    "shape",
    [
        (5, 7),
        (1, 7),
        (3, 5, 7),
        (3, 1, 7),
        (1, 5, 7),
        (3, 3, 5, 7),
        (3, 1, 5, 7),
        (1, 3, 1, 7),
        (3, 3, 5, 1),
    ],
)
def test_masks_of_every_rank_agree_with_torchs_module(shape: tuple[int, ...]) -> None:
    """With as many sentences as heads, a 3-D mask is still one per sentence."""
    module = random_module(12, 3)
    qkv = inputs(batch=3)
    mask = open_mask(*shape)
    before = mask.clone()

    output, weights = module(*qkv, mask)

    whole = mask.unsqueeze(1) if mask.ndim == 3 else mask
    inverted = ~whole.expand(3, 3, 5, 7).reshape(9, 5, 7)
    expected, expected_weights = torch_twin(module)(
        *qkv, attn_mask=inverted, average_attn_weights=False
    )
    assert_close(output, expected)
    assert_close(weights, expected_weights)
    assert torch.equal(mask, before)


def test_every_gradient_agrees_with_torchs_module() -> None:
    """All eight parameters and all three inputs get the gradient that torch's module gives."""
    module = random_module(12, 3)
    twin = torch_twin(module)
    qkv = inputs(requires_grad=True)
    mask = open_mask(5, 7)
    cotangent = torch.randn(2, 5, 12, dtype=torch.float64)

    layers = (module.q_proj, module.k_proj, module.v_proj)
    own = torch.autograd.grad(
        module(*qkv, mask)[0],
        (
            *qkv,
            *(layer.weight for layer in layers),
            *(layer.bias for layer in layers),
            module.out_proj.weight,
            module.out_proj.bias,
        ),
        cotangent,
    )

    expected = torch.autograd.grad(
        twin(*qkv, attn_mask=~mask)[0],
        (
            *qkv,
            twin.in_proj_weight,
            twin.in_proj_bias,
            twin.out_proj.weight,
            twin.out_proj.bias,
        ),
        cotangent,
    )
    for mine, theirs in zip(own[:3], expected[:3], strict=True):
        assert_close(mine, theirs)
    # Compared as one: the gradient of the keys' bias alone is zero but for rounding.
    assert_close(torch.cat(own[3:6]), expected[3])
    assert_close(torch.cat(own[6:9]), expected[4])
    assert_close(own[9], expected[5])
    assert_close(own[10], expected[6])


def test_gradients_agree_with_differences() -> None:
    """gradcheck in float64, through output and weights, with an empty row in the mask."""
    module = random_module(4, 2)
    mask = torch.tensor([[True, False, True], [False, False, False]])
    qkv = inputs(2, 2, 3, 4, requires_grad=True)

    assert torch.autograd.gradcheck(lambda q, k, v: module(q, k, v, mask), qkv)


def test_a_query_without_keys_gets_nothing() -> None:
    """Its weights are 0 and its output is what out_proj makes of 0, as in torch's operator."""
    module = random_module(12, 3)
    query, key, value = inputs(requires_grad=True)
    mask = open_mask(2, 5, 7)
    mask[1, 2] = False

    output, weights = module(query, key, value, mask)

    heads = [
        torch.stack(layer(x).chunk(3, -1), 1)
        for layer, x in ((module.q_proj, query), (module.k_proj, key), (module.v_proj, value))
    ]
    attended = F.scaled_dot_product_attention(*heads, attn_mask=mask.unsqueeze(1))
    assert_close(output, module.out_proj(torch.cat(attended.unbind(1), -1)))
    assert torch.equal(weights[1, :, 2], torch.zeros(3, 7, dtype=torch.float64))
    assert torch.equal(output[1, 2], module.out_proj.bias)
    found = torch.autograd.grad(
        output.square().sum() + weights.square().sum(),
        [query, key, value, *module.parameters()],
    )
    assert all(gradient.isfinite().all() for gradient in found)
    assert torch.equal(found[0][1, 2], torch.zeros(12, dtype=torch.float64))


def test_is_the_papers_formula() -> None:
    """Concat(head_1 ... head_h) W^O, each head by a projection of its own, written as a loop."""
    module = random_module(12, 3, bias=False)
    query, key, value = inputs()
    heads = []
    for head in range(3):
        rows = slice(4 * head, 4 * head + 4)
        q = query @ module.q_proj.weight[rows].T
        k = key @ module.k_proj.weight[rows].T
        v = value @ module.v_proj.weight[rows].T
        heads.append(torch.softmax(q @ k.mT / math.sqrt(4), dim=-1) @ v)

    output, _ = module(query, key, value)

    assert_close(output, torch.cat(heads, dim=-1) @ module.out_proj.weight.T)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("masked", [False, True])
def test_keeps_the_dtype(dtype: torch.dtype, masked: bool) -> None:
    """Output and weights have the inputs' dtype and are close to those of float64."""
    module = random_module(12, 3, dtype=dtype)
    qkv = inputs(dtype=dtype)
    mask = open_mask(2, 5, 7) if masked else None

    output, weights = module(*qkv, mask)

    wide, wide_weights = module.to(torch.float64)(*(x.double() for x in qkv), mask)
    assert output.dtype == weights.dtype == dtype
    assert_close(output, wide.to(dtype))
    assert_close(weights, wide_weights.to(dtype))


def test_large_scores_stay_finite_and_a_blocked_one_has_no_share() -> None:
    """Scores of thousands do not overflow, and a blocked one among them weighs exactly 0."""
    module = random_module(12, 3)
    query, key, value = inputs()
    mask = open_mask(5, 7)

    output, weights = module(1e4 * query, key, value, mask)

    expected, expected_weights = torch_twin(module)(
        1e4 * query, key, value, attn_mask=~mask, average_attn_weights=False
    )
    assert_close(output, expected)
    assert_close(weights, expected_weights)
    assert (weights[:, :, ~mask] == 0).all()


def test_inputs_may_be_views() -> None:
    """Transposed and expanded inputs give what their copies give, and none is changed."""
    module = random_module(12, 3)
    query = torch.randn(5, 2, 12, dtype=torch.float64).transpose(0, 1)
    key = torch.randn(2, 12, 7, dtype=torch.float64).mT
    value = torch.randn(7, 12, dtype=torch.float64).expand(2, 7, 12)
    copies = [x.clone(memory_format=torch.contiguous_format) for x in (query, key, value)]

    output, weights = module(query, key, value)

    expected, expected_weights = module(*copies)
    assert_close(output, expected)
    assert_close(weights, expected_weights)
    assert all(torch.equal(x, y) for x, y in zip((query, key, value), copies, strict=True))


@pytest.mark.parametrize(
    ("batch", "query_len", "key_len"), [(0, 5, 7), (2, 0, 7), (2, 5, 0), (0, 0, 0)]
)
@pytest.mark.parametrize("masked", [False, True])
def test_sizes_may_be_zero(batch: int, query_len: int, key_len: int, masked: bool) -> None:
    """No sentence, no query or no key at all; without keys every query gets the bias."""
    module = random_module(12, 3)
    qkv = inputs(batch, query_len, key_len)
    mask = torch.ones(query_len, key_len, dtype=torch.bool) if masked else None

    output, weights = module(*qkv, mask)

    assert weights.shape == (batch, 3, query_len, key_len)
    expected = torch.zeros(batch, query_len, 12, dtype=torch.float64) + module.out_proj.bias
    if key_len == 0:
        assert torch.equal(output, expected)
    assert output.shape == expected.shape


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.uint8])
def test_a_mask_that_is_not_bool_is_refused(dtype: torch.dtype) -> None:
    """Numbers would be read as additive by some and as yes and no by others."""
    with pytest.raises(ValueError, match=r"\bmask\b"):
        random_module(12, 3)(*inputs(), torch.ones(5, 7).to(dtype))


@pytest.mark.parametrize(
    "shape", [(7, 5), (5, 6), (4, 7), (3, 5, 7), (2, 2, 5, 7), (4, 3, 5, 7), (1, 2, 3, 5, 7)]
)
def test_a_mask_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    """(3, 5, 7) too: a 3-D mask is one mask per sentence, and there are two, of three heads."""
    with pytest.raises(ValueError, match=r"\bmask\b"):
        random_module(12, 3)(*inputs(), torch.ones(shape, dtype=torch.bool))


# --- attention_parameter_count -----------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("d_model", "num_heads"), [(8, 1), (8, 8), (12, 3), (30, 6)])
def test_counts_the_parameters_of_torchs_module(d_model: int, num_heads: int, bias: bool) -> None:
    """As many as nn.MultiheadAttention has, and as the module of this exercise."""
    theirs = nn.MultiheadAttention(d_model, num_heads, bias=bias)
    own = MultiHeadAttention(d_model, num_heads, bias)

    count = attention_parameter_count(d_model, num_heads, bias)

    assert sum(p.numel() for p in theirs.parameters()) == count
    assert sum(p.numel() for p in own.parameters()) == count


def test_counts_the_papers_projections() -> None:
    """The paper's base model: W^Q, W^K, W^V in R^(512 x 64) for 8 heads, W^O in R^(512 x 512)."""
    assert attention_parameter_count(512, 8, bias=False) == 8 * 3 * 512 * 64 + 512 * 512
    assert attention_parameter_count(512, 8) == attention_parameter_count(512, 8, bias=False) + 2048

"""The reference of challenge-gqa against torch's own attention and published sizes."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from solutions.challenge_gqa import (
    GroupedQueryAttention,
    grouped_query_attention,
    kv_cache_bytes,
    repeat_kv,
)

TOLERANCE = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.float16: 2e-2,
    torch.bfloat16: 4e-2,
}
ATTENTION = settings(deadline=None, max_examples=40)


class Made(TorchDispatchMode):
    """The size of the largest tensor that an operator made, views left out."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        view = any(out.alias_info is not None for out in func._schema.returns)
        if isinstance(result, Tensor) and not view:
            self.largest = max(self.largest, result.numel())
        return result


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Close relative to the size of the whole result, with the same dtype and shape."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    size = expected.abs().max().item() if expected.numel() else 0.0
    torch.testing.assert_close(
        found, expected, rtol=0.0, atol=TOLERANCE[found.dtype] * (size or 1.0)
    )


def inputs(
    batch: int = 2,
    groups: int = 4,
    heads: int = 3,
    length: int = 5,
    keys: int = 7,
    dim: int = 8,
    width: int = 11,
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value with pairwise different sizes."""
    torch.manual_seed(batch + 10 * groups + 100 * heads + 1000 * length + 10000 * keys)
    return (
        torch.randn(batch, heads * groups, length, dim, dtype=torch.float64).to(dtype),
        torch.randn(batch, heads, keys, dim, dtype=torch.float64).to(dtype),
        torch.randn(batch, heads, keys, width, dtype=torch.float64).to(dtype),
    )


def torch_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> Tensor:
    """torch's operator in float64, rounded to the dtype of the inputs; the mask has 4 axes."""
    double = (tensor.double() for tensor in (query, key, value))
    return F.scaled_dot_product_attention(*double, attn_mask=mask, enable_gqa=True).to(query.dtype)


def torch_module(ours: GroupedQueryAttention, d_model: int, num_heads: int) -> nn.Module:
    """nn.MultiheadAttention with our weights, each key/value head written out for its group."""
    theirs = nn.MultiheadAttention(
        d_model, num_heads, bias=ours.q_proj.bias is not None, batch_first=True
    ).to(ours.q_proj.weight.dtype)
    head_dim, groups = d_model // num_heads, num_heads // ours.num_kv_heads

    def written_out(tensor: Tensor) -> Tensor:
        heads = [tensor[h // groups * head_dim :][:head_dim] for h in range(num_heads)]
        return torch.cat(heads)

    with torch.no_grad():
        for name in ("weight", "bias"):
            parts = [getattr(layer, name) for layer in (ours.q_proj, ours.k_proj, ours.v_proj)]
            if parts[0] is not None:
                together = torch.cat([parts[0], written_out(parts[1]), written_out(parts[2])])
                getattr(theirs, "in_proj_" + name).copy_(together)
                getattr(theirs.out_proj, name).copy_(getattr(ours.out_proj, name))
    return theirs


def module(
    d_model: int = 96,
    num_heads: int = 12,
    num_kv_heads: int = 3,
    bias: bool = True,
    dtype: torch.dtype = torch.float64,
) -> GroupedQueryAttention:
    """A module all of whose parameters are random."""
    torch.manual_seed(11)
    made = GroupedQueryAttention(d_model, num_heads, num_kv_heads, bias).to(dtype)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made


# --- kv_cache_bytes


def test_the_cache_of_opt_13b_is_800_kib_per_token() -> None:
    """Kwon et al. (2023), section 3: 2 x 5120 x 40 x 2 bytes for one token of OPT-13B."""
    assert kv_cache_bytes(1, 1, 40, 40, 128) == 819_200


def test_the_cache_of_llama_2_70b_is_an_eighth_of_that_of_64_heads() -> None:
    """80 layers, 64 query heads, 8 key/value heads of size 128 (Touvron et al. 2023)."""
    assert kv_cache_bytes(1, 4096, 80, 64, 128) == 10 * 2**30
    assert kv_cache_bytes(1, 4096, 80, 8, 128) == 10 * 2**30 // 8


@ATTENTION
@given(st.tuples(*[st.integers(0, 5)] * 5), st.sampled_from([torch.float16, torch.float64]))
def test_the_bytes_are_those_of_the_tensors_themselves(
    sizes: tuple[int, ...], dtype: torch.dtype
) -> None:
    """Tensors of the cache, made for every layer, hold exactly that many bytes."""
    batch, seq_len, layers, heads, dim = sizes
    cache = [torch.zeros(batch, heads, seq_len, dim, dtype=dtype) for _ in range(2 * layers)]

    found = kv_cache_bytes(batch, seq_len, layers, heads, dim, dtype.itemsize)

    assert sum(tensor.nbytes for tensor in cache) == found
    assert type(found) is int


# --- repeat_kv


def test_each_head_stands_n_rep_times_in_a_row() -> None:
    """Heads a, b become a, a, a, b, b, b, not a, b, a, b, a, b."""
    x = torch.tensor([10.0, 20.0]).reshape(1, 2, 1, 1)

    assert repeat_kv(x, 3).flatten().tolist() == [10, 10, 10, 20, 20, 20]


@ATTENTION
@given(st.tuples(*[st.integers(0, 4)] * 4), st.integers(1, 4), st.sampled_from(list(TOLERANCE)))
def test_head_h_is_a_copy_of_head_h_over_n_rep(
    sizes: tuple[int, ...], n_rep: int, dtype: torch.dtype
) -> None:
    """Every output head equals its source, for every size, empty ones included."""
    x = torch.randn(sizes).to(dtype)

    repeated = repeat_kv(x, n_rep)

    assert (sizes[0], sizes[1] * n_rep, *sizes[2:]) == tuple(repeated.shape)
    assert dtype == repeated.dtype
    for head in range(repeated.shape[1]):
        assert torch.equal(x[:, head // n_rep], repeated[:, head])


def test_the_gradient_of_a_head_is_the_sum_over_its_copies() -> None:
    """gradcheck in float64, on a non-contiguous input."""
    x = torch.randn(2, 5, 3, 4, dtype=torch.float64).transpose(1, 2).requires_grad_()

    assert torch.autograd.gradcheck(lambda tensor: repeat_kv(tensor, 2), (x,))


# --- grouped_query_attention


@ATTENTION
@given(
    st.tuples(
        st.integers(0, 3),
        st.integers(1, 4),
        st.integers(1, 3),
        st.integers(0, 5),
        st.integers(1, 7),
        st.integers(1, 8),
        st.integers(1, 5),
    ),
    st.sampled_from(list(TOLERANCE)),
    st.booleans(),
)
def test_equals_the_operator_of_torch(
    sizes: tuple[int, ...], dtype: torch.dtype, strided: bool
) -> None:
    """F.scaled_dot_product_attention with enable_gqa, over sizes, dtypes and memory layouts."""
    query, key, value = inputs(*sizes, dtype=dtype)
    expected = torch_attention(query, key, value)
    if strided:
        query, key, value = (
            t.transpose(1, 2).contiguous().transpose(1, 2) for t in (query, key, value)
        )

    assert_near(grouped_query_attention(query, key, value), expected)


@ATTENTION
@given(
    st.sampled_from([torch.float64, torch.float32]),
    st.sampled_from([(5, 7), (1, 7), (5, 1), (2, 5, 7), (2, 1, 7), (1, 5, 7), (1, 1, 1)])
    | st.sampled_from([(2, 12, 5, 7), (2, 1, 1, 7), (1, 12, 5, 1), (1, 1, 5, 7)]),
    st.integers(0, 1000),
)
def test_masks_of_every_rank_equal_the_operator_of_torch(
    dtype: torch.dtype, shape: tuple[int, ...], seed: int
) -> None:
    """A 3-D mask counts for every head; rows without a key are 0, as torch's own are."""
    query, key, value = inputs(dtype=dtype)
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.4
    four = mask.unsqueeze(1) if mask.ndim == 3 else mask

    found = grouped_query_attention(query, key, value, mask)

    assert_near(found, torch_attention(query, key, value, four.expand(2, 12, 5, 7)))
    assert (found[~four.expand(2, 12, 5, 7).any(-1)] == 0).all()


def test_a_mask_of_three_axes_is_per_batch_even_where_the_sizes_fit_the_heads() -> None:
    """With as many heads as batch items, the mask (B, L, S) must still not land on the heads."""
    query, key, value = inputs(batch=6, heads=3, groups=2)
    mask = torch.rand(6, 5, 7) < 0.6

    found = grouped_query_attention(query, key, value, mask)

    assert_near(found, torch_attention(query, key, value, mask[:, None]))


def test_gradients_equal_those_of_finite_differences() -> None:
    """gradcheck in float64, with a mask that has an empty row."""
    query, key, value = inputs(batch=1, groups=2, heads=2, length=3, keys=4, dim=2, width=3)
    mask = torch.rand(3, 4) < 0.5
    mask[0], mask[1:, 1] = False, True
    leaves = [tensor.requires_grad_() for tensor in (query, key, value)]

    assert torch.autograd.gradcheck(lambda *three: grouped_query_attention(*three, mask), leaves)


def test_gradients_equal_those_of_the_operator_of_torch() -> None:
    """Every key/value head collects the gradients of its whole group, empty rows give none."""
    ours, theirs = ([t.requires_grad_() for t in inputs()] for _ in range(2))
    mask = torch.rand(2, 12, 5, 7) < 0.5
    mask[:, :, 2] = False
    cotangent = torch.randn(2, 12, 5, 11, dtype=torch.float64)

    grouped_query_attention(*ours, mask).backward(cotangent)
    torch_attention(*theirs, mask).backward(cotangent)

    for one, other in zip(ours, theirs, strict=True):
        assert_near(one.grad, other.grad)


def test_empty_rows_have_finite_gradients_in_every_dtype() -> None:
    """A query that sees nothing leaves no NaN behind, forward or backward."""
    for dtype in TOLERANCE:
        leaves = [tensor.requires_grad_() for tensor in inputs(dtype=dtype)]
        output = grouped_query_attention(*leaves, torch.zeros(5, 7, dtype=torch.bool))
        output.sum().backward()

        assert (output == 0).all()
        assert all(torch.isfinite(leaf.grad).all() for leaf in leaves)


def test_no_keys_at_all_give_zero() -> None:
    """S = 0: nothing to attend to, with and without a mask."""
    query, key, value = inputs(keys=0)
    for mask in (None, torch.ones(5, 0, dtype=torch.bool)):
        output = grouped_query_attention(query, key, value, mask)

        assert tuple(output.shape) == (2, 12, 5, 11)
        assert (output == 0).all()


def test_large_logits_stay_finite() -> None:
    """Scores of about 1e4 in float64, and products over 65,504 in float16."""
    query, key, value = inputs()
    assert_near(
        grouped_query_attention(query * 1e4, key, value), torch_attention(query * 1e4, key, value)
    )
    ones = torch.full((1, 2, 1, 64), 40.0, dtype=torch.float16)
    value = torch.full((1, 1, 1, 3), 2.0, dtype=torch.float16)
    assert (grouped_query_attention(ones, ones[:, :1], value) == 2).all()


def test_blocked_keys_get_nothing_however_low_the_other_scores_are() -> None:
    """Scores of about -1e5 still win against blocked ones, as with torch's operator."""
    query, key, value = inputs()
    query[..., 0], key[..., 0] = 1e3, -3e2
    mask = torch.rand(5, 7) < 0.5

    found = grouped_query_attention(query, key, value, mask)

    torch.testing.assert_close(found, torch_attention(query, key, value, mask), rtol=0.0, atol=1e-8)


@pytest.mark.parametrize(("batch", "heads", "groups"), [(2, 3, 4), (1, 3, 4), (2, 1, 12)])
def test_keys_and_values_are_never_repeated(batch: int, heads: int, groups: int) -> None:
    """At L = 1 the largest tensor made is far below the repeated keys."""
    query, key, value = inputs(batch, groups, heads, length=1, keys=33)
    with Made() as ours:
        grouped_query_attention(query, key, value, torch.ones(1, 33, dtype=torch.bool))
    with Made() as repeated:
        query @ repeat_kv(key, groups).mT

    assert ours.largest <= max(key.numel(), value.numel(), batch * heads * groups * 33)
    assert ours.largest < batch * heads * groups * 33 * 8 == repeated.largest


def test_inputs_are_left_alone() -> None:
    """Neither the tensors nor the mask change."""
    before = (*inputs(), torch.rand(2, 5, 7) < 0.5)
    given_to_it = tuple(tensor.clone() for tensor in before)

    grouped_query_attention(*given_to_it)

    assert all(map(torch.equal, before, given_to_it))


@pytest.mark.parametrize("heads", [5, 24, 0])
def test_heads_of_keys_that_do_not_divide_are_refused(heads: int) -> None:
    """Raises: key."""
    query, _, _ = inputs()
    key = torch.randn(2, heads, 7, 8, dtype=torch.float64)

    with pytest.raises(ValueError, match=r"\bkey\b"):
        grouped_query_attention(query, key, key)


@pytest.mark.parametrize(
    "mask",
    [
        torch.ones(5, 7),
        torch.ones(5, 7, dtype=torch.int64),
        torch.ones(5, 6, dtype=torch.bool),
        torch.ones(7, 5, dtype=torch.bool),
        torch.ones(12, 5, 7, dtype=torch.bool),
        torch.ones(2, 3, 5, 7, dtype=torch.bool),
        torch.ones(1, 2, 12, 5, 7, dtype=torch.bool),
    ],
)
def test_a_mask_that_is_not_bool_or_does_not_broadcast_is_refused(mask: Tensor) -> None:
    """Raises: mask."""
    with pytest.raises(ValueError, match=r"\bmask\b"):
        grouped_query_attention(*inputs(), mask)


# --- GroupedQueryAttention


def test_the_parameters_are_the_four_layers() -> None:
    """k_proj and v_proj are narrower, and there is no bias unless it is asked for."""
    shapes = {"q_proj": (96, 96), "k_proj": (24, 96), "v_proj": (24, 96), "out_proj": (96, 96)}
    plain, biased = GroupedQueryAttention(96, 12, 3), GroupedQueryAttention(96, 12, 3, bias=True)

    assert {f"{name}.weight": shape for name, shape in shapes.items()} == {
        name: tuple(parameter.shape) for name, parameter in plain.named_parameters()
    }
    assert {f"{name}.bias" for name in shapes} == set(biased.state_dict()) - set(plain.state_dict())


@pytest.mark.parametrize("num_kv_heads", [1, 3, 12])
@pytest.mark.parametrize("bias", [False, True])
def test_equals_multihead_attention_with_written_out_heads(num_kv_heads: int, bias: bool) -> None:
    """nn.MultiheadAttention with the key/value weights repeated gives the same, masked too."""
    ours = module(num_kv_heads=num_kv_heads, bias=bias)
    theirs = torch_module(ours, 96, 12)
    x = torch.randn(2, 5, 96, dtype=torch.float64)
    mask = torch.rand(2, 5, 5) < 0.6
    mask |= torch.eye(5, dtype=torch.bool)

    for ours_mask, their_mask in (
        (None, None),
        (mask, ~mask.repeat_interleave(12, dim=0)),
        (mask[:, None].expand(2, 12, 5, 5), ~mask.repeat_interleave(12, dim=0)),
        (mask[0], ~mask[0]),
    ):
        output, cache = ours(x, ours_mask)
        expected, _ = theirs(x, x, x, attn_mask=their_mask, need_weights=False)

        assert_near(output, expected)
        assert [(2, num_kv_heads, 5, 8)] * 2 == [tuple(tensor.shape) for tensor in cache]


@ATTENTION
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=5),
    st.sampled_from([torch.float64, torch.float32]),
    st.sampled_from([1, 2, 6]),
)
def test_chunks_with_a_cache_equal_one_causal_pass_of_torch(
    chunks: list[int], dtype: torch.dtype, num_kv_heads: int
) -> None:
    """However the text is cut, each chunk with its slice of the causal mask gives the same rows."""
    ours = module(24, 6, num_kv_heads, dtype=dtype)
    theirs = torch_module(ours, 24, 6)
    total = sum(chunks)
    x = torch.randn(2, total, 24, dtype=dtype)
    causal = torch.ones(total, total).tril().bool()

    empty = torch.zeros(2, num_kv_heads, 0, 4, dtype=dtype)
    cache, outputs, start = (empty, empty), [], 0
    for chunk in chunks:
        end = start + chunk
        output, cache = ours(x[:, start:end], causal[start:end, :end], cache)
        outputs.append(output)
        start = end

    if total:
        expected, _ = theirs(x, x, x, attn_mask=~causal, need_weights=False)
        assert_near(torch.cat(outputs, dim=1), expected)
    assert (2, num_kv_heads, total, 4) == tuple(cache[0].shape) == tuple(cache[1].shape)


def test_no_mask_means_every_key_of_the_cache_too() -> None:
    """Two new positions after four cached ones see all six, as torch's layer without a mask."""
    ours = module()
    theirs = torch_module(ours, 96, 12)
    x = torch.randn(2, 6, 96, dtype=torch.float64)
    _, cache = ours(x[:, :4])

    output, _ = ours(x[:, 4:], cache=cache)

    expected, _ = theirs(x[:, 4:], x, x, need_weights=False)
    assert_near(output, expected)


@torch.no_grad()
def test_an_old_cache_stays_usable() -> None:
    """Two continuations of one cache do not disturb each other, nor the cache."""
    ours = module()
    x = torch.randn(2, 6, 96, dtype=torch.float64)
    _, cache = ours(x[:, :4])
    before = [tensor.clone() for tensor in cache]
    first, grown = ours(x[:, 4:5], cache=cache)
    kept = [tensor.clone() for tensor in grown]
    ours(x[:, 5:6], cache=cache)
    again, _ = ours(x[:, 4:5], cache=cache)

    assert torch.equal(first, again)
    assert all(map(torch.equal, before, cache))
    assert all(map(torch.equal, kept, grown))


def test_a_query_without_a_key_gives_the_bias_of_the_output_layer() -> None:
    """Its attention is 0, so only the bias of out_proj is left."""
    ours = module()

    output, _ = ours(torch.randn(2, 5, 96).double(), torch.zeros(2, 1, 5, dtype=torch.bool))

    torch.testing.assert_close(output, ours.out_proj.bias.expand(2, 5, 96))


def test_gradients_reach_the_input_the_cache_and_every_parameter() -> None:
    """gradcheck in float64, with two cached positions before the two new ones."""
    ours = module(8, 4, 2)
    x = torch.randn(1, 2, 8, dtype=torch.float64, requires_grad=True)
    cache = [torch.randn(1, 2, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    mask = torch.ones(2, 4).tril(2).bool()

    def run(x: Tensor, key: Tensor, value: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
        output, grown = ours(x, mask, (key, value))
        return output, *grown

    assert torch.autograd.gradcheck(run, (x, *cache, *ours.parameters()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_lower_precisions_are_near_the_float64_result(dtype: torch.dtype) -> None:
    """The module, its output and its cache stay in the dtype of x."""
    ours = module(dtype=dtype)
    x = torch.randn(2, 5, 96).to(dtype).transpose(0, 1)
    output, cache = ours(x)
    expected, expected_cache = ours.double()(x.double())

    assert_near(output, expected.to(dtype))
    for one, other in zip(cache, expected_cache, strict=True):
        assert_near(one, other.to(dtype))


@pytest.mark.parametrize(
    ("sizes", "named"),
    [((10, 4, 2), "num_heads"), ((12, 6, 4), "num_kv_heads"), ((12, 3, 6), "num_kv_heads")],
)
def test_heads_that_do_not_divide_are_refused(sizes: tuple[int, ...], named: str) -> None:
    """Raises: num_heads, num_kv_heads."""
    with pytest.raises(ValueError, match=rf"\b{named}\b"):
        GroupedQueryAttention(*sizes)

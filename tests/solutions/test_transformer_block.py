"""The reference Transformer block against PyTorch's own modules, calculus and published sizes."""

import copy
import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from solutions.multi_head_attention import MultiHeadAttention
from solutions.transformer_block import (
    FeedForward,
    LayerNorm,
    TransformerBlock,
    TransformerEncoder,
    transformer_parameter_count,
)
from tests import harness

CLOSE = {torch.float64: 1e-10, torch.float32: 1e-5, torch.float16: 2e-2, torch.bfloat16: 4e-2}
LEADING = st.sampled_from([(), (5,), (2, 5), (2, 3, 5), (0, 5), (2, 0)])
DTYPES = st.sampled_from([torch.float64, torch.float32, torch.bfloat16])
SEEDS = st.integers(0, 10_000)
few = settings(deadline=None, max_examples=25)


def close(found: Tensor, expected: Tensor, dtype: torch.dtype | None = None) -> None:
    """Compare values to within the tolerance of the dtype, relative to the largest one."""
    tolerance = CLOSE[dtype or found.dtype]
    size = max(1.0, expected.abs().max().item()) if expected.numel() else 1.0
    torch.testing.assert_close(
        found.double(), expected.double(), rtol=0.0, atol=tolerance * size, equal_nan=False
    )


def randomised(module: Any, dtype: torch.dtype = torch.float64) -> Any:
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=1.0 if parameter.ndim == 1 else parameter.shape[-1] ** -0.5)
    return module.to(dtype)


def torch_state(block: TransformerBlock) -> dict[str, Tensor]:
    """The block's parameters under the names of nn.TransformerEncoderLayer."""
    own = block.state_dict()
    state = {
        name.replace("feed_forward.", "").replace("attention.", "self_attn."): own[name]
        for name in own
        if not any(part in name for part in ("q_proj", "k_proj", "v_proj"))
    }
    for kind in ("weight", "bias"):
        state[f"self_attn.in_proj_{kind}"] = torch.cat(
            [own[f"attention.{part}_proj.{kind}"] for part in "qkv"]
        )
    return state


def torch_layer(block: TransformerBlock, norm_first: bool, d_ff: int) -> nn.Module:
    d_model, num_heads = block.norm1.weight.numel(), block.attention.num_heads
    layer = nn.TransformerEncoderLayer(
        d_model, num_heads, d_ff, 0.0, "gelu", batch_first=True, norm_first=norm_first
    ).double()
    layer.load_state_dict(torch_state(block))
    return layer


def blocked_for_torch(mask: Tensor, batch: int, heads: int, length: int) -> Tensor:
    """The same mask for nn.MultiheadAttention: True blocks, one matrix a text and head."""
    whole = mask[:, None] if mask.ndim == 3 else mask
    return ~whole.expand(batch, heads, length, length).reshape(batch * heads, length, length)


# LayerNorm


@few
@given(LEADING, st.integers(1, 9), DTYPES, st.sampled_from([1e-5, 0.1]), SEEDS)
def test_layer_norm_is_torchs(
    leading: tuple[int, ...], d_model: int, dtype: torch.dtype, eps: float, seed: int
) -> None:
    """LayerNorm equals nn.LayerNorm of the same weights, in values, shape and dtype."""
    torch.manual_seed(seed)
    norm = randomised(LayerNorm(d_model, eps), dtype)
    oracle = nn.LayerNorm(d_model, eps).to(dtype)
    oracle.load_state_dict(norm.state_dict())
    x = torch.randn(*leading, d_model, dtype=dtype)

    output = norm(x)

    assert output.dtype == dtype
    assert output.shape == x.shape
    if dtype != torch.bfloat16 or d_model > 5:  # few coarse numbers may lie too close together
        close(output, oracle(x))


def test_layer_norm_in_float16() -> None:
    """Float16 in, float16 out, near float64's values."""
    torch.manual_seed(0)
    norm = randomised(LayerNorm(16))
    x = torch.randn(2, 5, 16, dtype=torch.float64)

    half = copy.deepcopy(norm).half()(x.half())

    assert half.dtype == torch.float16
    close(half, norm(x), torch.float16)


def test_layer_norm_of_a_small_row_by_hand() -> None:
    """The row 0, 2 has mean 1 and (biased) variance 1; eps stands inside the root."""
    row = torch.tensor([0.0, 2.0], dtype=torch.float64)

    assert LayerNorm(2, eps=0.0).double()(row).tolist() == [-1.0, 1.0]
    assert LayerNorm(2, eps=3.0).double()(row).tolist() == [-0.5, 0.5]


def test_layer_norm_starts_neutral_with_two_parameters() -> None:
    """A fresh LayerNorm has weight 1, bias 0 and nothing else."""
    state = dict(LayerNorm(3).named_parameters())

    assert {name: p.tolist() for name, p in state.items()} == {"weight": [1.0] * 3, "bias": [0] * 3}
    assert LayerNorm(3).state_dict().keys() == state.keys()


def test_layer_norm_of_a_constant_row_is_its_bias() -> None:
    """A row of equal numbers gives the bias, and a finite gradient."""
    norm = randomised(LayerNorm(8))
    x = torch.full((2, 8), 3.0, dtype=torch.float64, requires_grad=True)

    output = norm(x)
    (gradient,) = torch.autograd.grad(output, x, torch.randn_like(output))

    assert torch.equal(output, norm.bias.expand(2, 8))
    assert gradient.isfinite().all()


def test_layer_norm_far_from_zero() -> None:
    """Around 10,000 float32 keeps the digits that its inputs have."""
    torch.manual_seed(0)
    x = torch.randn(4, 16) + 1e4

    output = LayerNorm(16)(x)

    expected = nn.LayerNorm(16).double()(x.double())
    torch.testing.assert_close(output.double(), expected, rtol=0, atol=2e-3)


def test_layer_norm_gradients() -> None:
    """Autograd agrees with finite differences for the input, weight and bias."""
    torch.manual_seed(0)
    norm = randomised(LayerNorm(4))
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(
        lambda x, weight, bias: torch.func.functional_call(
            norm, {"weight": weight, "bias": bias}, (x,)
        ),
        (x, norm.weight, norm.bias),
    )


@few
@given(st.floats(0.1, 10), st.floats(-10, 10), SEEDS)
def test_layer_norm_forgets_scale_and_shift(scale: float, shift: float, seed: int) -> None:
    """Ba et al., section 5.1: scaling and shifting a whole row changes nothing (eps apart)."""
    torch.manual_seed(seed)
    x = torch.randn(3, 8, dtype=torch.float64)
    norm = LayerNorm(8, eps=0.0).double()

    torch.testing.assert_close(norm(x), norm(scale * x + shift), rtol=0, atol=1e-7)


# FeedForward


@few
@given(LEADING, st.integers(1, 7), st.integers(1, 11), DTYPES, SEEDS)
def test_feed_forward_is_two_linear_layers_with_gelu(
    leading: tuple[int, ...], d_model: int, d_ff: int, dtype: torch.dtype, seed: int
) -> None:
    """FeedForward equals linear, exact GELU, linear, with any leading dimensions."""
    torch.manual_seed(seed)
    network = randomised(FeedForward(d_model, d_ff), dtype)
    x = torch.randn(*leading, d_model, dtype=dtype)

    output = network(x)

    wide = x.double() @ network.linear1.weight.double().T + network.linear1.bias.double()
    wide = wide * 0.5 * torch.erfc(-wide / math.sqrt(2))
    expected = wide @ network.linear2.weight.double().T + network.linear2.bias.double()
    assert output.dtype == dtype
    assert output.shape == x.shape
    close(output, expected, dtype)


def test_feed_forward_in_float16() -> None:
    """Float16 in, float16 out, near float64's values."""
    torch.manual_seed(0)
    network = randomised(FeedForward(7, 13))
    x = torch.randn(2, 5, 7, dtype=torch.float64)

    half = copy.deepcopy(network).half()(x.half())

    assert half.dtype == torch.float16
    close(half, network(x), torch.float16)


def test_feed_forward_treats_positions_alone() -> None:
    """A position's result is the same without its neighbours."""
    torch.manual_seed(0)
    network = randomised(FeedForward(7, 13))
    x = torch.randn(2, 5, 7, dtype=torch.float64)

    alone = torch.stack([torch.stack([network(row) for row in text]) for text in x])

    close(network(x), alone)


def test_feed_forward_dropout_is_between_gelu_and_linear2() -> None:
    """With everything dropped, linear2's bias is left; in evaluation nothing is dropped."""
    network = randomised(FeedForward(7, 13, dropout=1.0))
    x = torch.randn(2, 5, 7, dtype=torch.float64)

    assert torch.equal(network.train()(x), network.linear2.bias.expand(2, 5, 7))

    plain = FeedForward(7, 13).double()
    plain.load_state_dict(network.state_dict())
    assert torch.equal(network.eval()(x), plain(x))


def test_feed_forward_dropout_keeps_the_mean_of_the_activations() -> None:
    """Kept activations are divided by 1 - p: with linear2 the identity, the ratios show it."""
    torch.manual_seed(0)
    network = FeedForward(6, 6, dropout=0.25).double()
    for linear in (network.linear1, network.linear2):
        nn.init.eye_(linear.weight)
        nn.init.zeros_(linear.bias)
    x = 1 + torch.rand(50, 6, dtype=torch.float64)

    ratio = network.train()(x) / nn.functional.gelu(x)

    assert set(ratio.mul(1e6).round().int().flatten().tolist()) == {0, 1_333_333}


def test_feed_forward_names() -> None:
    """The parameters are those of linear1 and linear2."""
    shapes = {name: tuple(p.shape) for name, p in FeedForward(3, 5).named_parameters()}

    assert shapes == {
        "linear1.weight": (5, 3),
        "linear1.bias": (5,),
        "linear2.weight": (3, 5),
        "linear2.bias": (3,),
    }


def test_feed_forward_gradients() -> None:
    """Autograd agrees with finite differences for the input and all parameters."""
    torch.manual_seed(0)
    network = randomised(FeedForward(3, 5))
    names, parameters = zip(*network.named_parameters(), strict=True)
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(
        lambda x, *p: torch.func.functional_call(network, dict(zip(names, p, strict=True)), (x,)),
        (x, *parameters),
    )


# TransformerBlock


@few
@given(
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 6),
    st.sampled_from([(6, 1), (6, 2), (6, 3), (6, 6), (8, 4)]),
    st.integers(1, 9),
    st.sampled_from(["none", "causal", "per text", "per head"]),
    SEEDS,
)
def test_a_block_is_torchs_encoder_layer(
    norm_first: bool,
    batch: int,
    length: int,
    widths: tuple[int, int],
    d_ff: int,
    kind: str,
    seed: int,
) -> None:
    """A block equals nn.TransformerEncoderLayer with copied weights and the inverted mask."""
    torch.manual_seed(seed)
    d_model, heads = widths
    block = randomised(TransformerBlock(d_model, heads, d_ff, norm_first=norm_first))
    x = torch.randn(batch, length, d_model, dtype=torch.float64)
    mask, theirs = None, None
    if kind != "none":
        shape = {"causal": (), "per text": (batch,), "per head": (batch, heads)}[kind]
        mask = torch.rand(*shape, length, length) < 0.5
        mask |= torch.eye(length, dtype=torch.bool)  # torch's layer makes NaN of an empty row
        theirs = blocked_for_torch(mask, batch, heads, length)

    output = block(x, mask)

    close(output, torch_layer(block, norm_first, d_ff)(x, src_mask=theirs))


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_block_of_everything_dropped(norm_first: bool) -> None:
    """With dropout 1, pre-norm is the identity and post-norm norm2(norm1(x)), as in torch."""
    torch.manual_seed(0)
    block = randomised(TransformerBlock(6, 2, 9, dropout=1.0, norm_first=norm_first)).train()
    x = torch.randn(2, 5, 6, dtype=torch.float64)

    expected = x if norm_first else block.norm2(block.norm1(x))
    close(block(x), expected)
    close(block.feed_forward(x), block.feed_forward.linear2.bias.expand(2, 5, 6))

    layer = nn.TransformerEncoderLayer(
        6, 2, 9, 1.0, "gelu", batch_first=True, norm_first=norm_first
    ).double()
    layer.load_state_dict(torch_state(block))
    close(block(x), layer.train()(x))


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_block_drops_nothing_in_evaluation(norm_first: bool) -> None:
    """In evaluation the dropout rate makes no difference."""
    block = randomised(TransformerBlock(6, 2, 9, dropout=0.5, norm_first=norm_first)).eval()
    plain = TransformerBlock(6, 2, 9, norm_first=norm_first).double()
    plain.load_state_dict(block.state_dict())
    x = torch.randn(2, 5, 6, dtype=torch.float64)

    assert torch.equal(block(x), plain(x))


def test_a_query_that_sees_nothing_adds_only_the_output_bias() -> None:
    """An empty row of the mask gives out_proj's bias to the stream, and finite gradients."""
    torch.manual_seed(0)
    block = randomised(TransformerBlock(6, 2, 9))
    x = torch.randn(2, 5, 6, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(5, 5, dtype=torch.bool).tril(-1)

    output = block(x, mask)
    found = torch.autograd.grad(output, (x, *block.parameters()), torch.randn_like(output))

    heard = x[:, 0] + block.attention.out_proj.bias
    close(output[:, 0], heard + block.feed_forward(block.norm2(heard)))
    assert all(gradient.isfinite().all() for gradient in found)


@few
@given(st.booleans(), st.sampled_from([torch.float32, torch.bfloat16, torch.float16]), SEEDS)
def test_a_block_keeps_the_dtype(norm_first: bool, dtype: torch.dtype, seed: int) -> None:
    """The result has the input's dtype and is near float64's."""
    torch.manual_seed(seed)
    block = randomised(TransformerBlock(12, 3, 13, norm_first=norm_first))
    x = torch.randn(2, 5, 12, dtype=torch.float64)

    output = copy.deepcopy(block).to(dtype)(x.to(dtype))

    assert output.dtype == dtype
    close(output, block(x), dtype)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("shape", [(0, 5, 6), (2, 0, 6), (1, 1, 6)])
def test_a_block_of_empty_texts(norm_first: bool, shape: tuple[int, ...]) -> None:
    """No text and no position are no special cases."""
    block = TransformerBlock(6, 2, 9, norm_first=norm_first)

    assert block(torch.randn(shape)).shape == shape


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_block_reads_transposed_inputs_and_changes_none(norm_first: bool) -> None:
    """A non-contiguous input gives the same result, and is the same afterwards."""
    torch.manual_seed(0)
    block = randomised(TransformerBlock(6, 2, 9, norm_first=norm_first))
    x = torch.randn(5, 2, 6, dtype=torch.float64).transpose(0, 1)
    mask = torch.rand(5, 5) < 0.5
    x_before, mask_before = x.clone(), mask.clone()

    output = block(x, mask)

    close(output, block(x.contiguous(), mask))
    assert torch.equal(x, x_before)
    assert torch.equal(mask, mask_before)


@pytest.mark.parametrize(
    "mask",
    [
        torch.ones(5, 5),
        torch.zeros(5, 5, dtype=torch.int64),
        torch.ones(5, 4, dtype=torch.bool),
        torch.ones(3, 5, 5, dtype=torch.bool),
        torch.ones(2, 3, 5, 5, dtype=torch.bool),
    ],
)
def test_a_wrong_mask_is_refused(mask: Tensor) -> None:
    """Neither block nor encoder takes a mask of numbers or of sizes that do not broadcast."""
    x = torch.randn(2, 5, 6)

    for model in (TransformerBlock(6, 2, 9), TransformerEncoder(1, 6, 2, 9)):
        with pytest.raises(ValueError, match="mask"):
            model(x, mask)


@pytest.mark.parametrize("norm_first", [True, False])
def test_gradients_of_a_block(norm_first: bool) -> None:
    """Autograd agrees with finite differences, also beside an empty row of the mask."""
    torch.manual_seed(0)
    block = randomised(TransformerBlock(4, 2, 3, norm_first=norm_first))
    names, parameters = zip(*block.named_parameters(), strict=True)
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[False, False, False], [True, False, True], [True, True, True]])

    assert torch.autograd.gradcheck(
        lambda x, *p: torch.func.functional_call(
            block, dict(zip(names, p, strict=True)), (x, mask)
        ),
        (x, *parameters),
        atol=1e-4,
    )


# TransformerEncoder


@few
@given(st.booleans(), st.integers(0, 3), st.integers(1, 5), SEEDS)
def test_an_encoder_is_torchs_encoder(
    norm_first: bool, num_layers: int, length: int, seed: int
) -> None:
    """A stack equals nn.TransformerEncoder with copied weights and a last norm for pre-norm."""
    torch.manual_seed(seed)
    encoder = randomised(TransformerEncoder(num_layers, 6, 3, 9, norm_first=norm_first))
    x = torch.randn(2, length, 6, dtype=torch.float64)
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    expected = x
    for block in encoder.layers:
        expected = torch_layer(block, norm_first, 9)(expected, src_mask=~causal)
    if norm_first:
        last = nn.LayerNorm(6).double()
        last.load_state_dict(encoder.norm.state_dict())
        expected = last(expected)

    output = encoder(x, causal)

    close(output, expected)


def test_an_encoder_has_blocks_of_its_own() -> None:
    """Every layer is another object with other initial weights."""
    encoder = TransformerEncoder(3, 6, 2, 9)
    first = [block.feed_forward.linear1.weight for block in encoder.layers]

    assert len({p.data_ptr() for p in encoder.parameters()}) == 3 * 16 + 2
    assert not any(torch.equal(a, b) for a, b in itertools.pairwise(first))


def test_names_of_an_encoder() -> None:
    """Only the pre-norm encoder has a last norm with parameters."""
    pre = {name.split(".")[0] for name, _ in TransformerEncoder(1, 6, 2, 9).named_parameters()}
    post = TransformerEncoder(1, 6, 2, 9, norm_first=False)

    assert pre == {"layers", "norm"}
    assert isinstance(post.norm, nn.Identity)
    assert {name.split(".")[0] for name, _ in post.named_parameters()} == {"layers"}
    assert {name.split(".")[2] for name, _ in post.named_parameters()} == {
        "attention",
        "feed_forward",
        "norm1",
        "norm2",
    }


def test_an_encoder_passes_dropout_on() -> None:
    """With dropout 1 a pre-norm stack is its last norm."""
    encoder = randomised(TransformerEncoder(2, 6, 2, 9, dropout=1.0)).train()
    x = torch.randn(2, 5, 6, dtype=torch.float64)

    close(encoder(x), encoder.norm(x))


def test_a_causal_encoder_never_looks_ahead() -> None:
    """The gradient of a position with respect to later inputs is exactly 0."""
    torch.manual_seed(0)
    encoder = randomised(TransformerEncoder(2, 6, 2, 9))
    x = torch.randn(1, 5, 6, dtype=torch.float64, requires_grad=True)

    output = encoder(x, torch.ones(5, 5, dtype=torch.bool).tril())
    (gradient,) = torch.autograd.grad(output[0, 2].square().sum(), x)

    assert torch.equal(gradient[0, 3:], torch.zeros(2, 6, dtype=torch.float64))
    assert (gradient[0, :3].abs().sum(-1) > 0).all()


# transformer_parameter_count


@pytest.mark.parametrize(
    ("published", "sizes", "options"),
    [
        (109_482_240, (30_522, 512, 768, 12, 3_072), {"type_vocab_size": 2, "pooler": True}),
        (335_141_888, (30_522, 512, 1_024, 24, 4_096), {"type_vocab_size": 2, "pooler": True}),
        (124_439_808, (50_257, 1_024, 768, 12, 3_072), {}),
        (354_823_168, (50_257, 1_024, 1_024, 24, 4_096), {}),
    ],
)
def test_published_sizes(published: int, sizes: tuple[int, ...], options: dict[str, Any]) -> None:
    """BERT-base, BERT-large, GPT-2 small and GPT-2 medium come out to the last parameter."""
    assert published == transformer_parameter_count(*sizes, **options)


@few
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([2, 4, 6]),
    st.integers(0, 3),
    st.integers(1, 20),
    st.integers(0, 3),
    st.booleans(),
)
def test_the_count_is_that_of_torchs_modules(
    vocab: int, max_len: int, d_model: int, layers: int, d_ff: int, types: int, pooler: bool
) -> None:
    """The formula counts what a model made of torch's own modules holds."""
    with torch.device("meta"):
        parts: list[nn.Module] = [nn.Embedding(n, d_model) for n in (vocab, max_len, types)]
        parts += [nn.TransformerEncoderLayer(d_model, 2, d_ff) for _ in range(layers)]
        parts += [nn.LayerNorm(d_model)]
        parts += [nn.Linear(d_model, d_model)] if pooler else []

    count = transformer_parameter_count(
        vocab, max_len, d_model, layers, d_ff, type_vocab_size=types, pooler=pooler
    )

    assert type(count) is int
    assert sum(p.numel() for part in parts for p in part.parameters()) == count


# The attention that the notebook provides


def provided_attention() -> Any:
    namespace: dict[str, Any] = {}
    for cell in harness.notebook("05-transformer-block").cells:
        if cell.id in ("imports", "provided-attention"):
            exec(cell.source, namespace)
    return namespace["MultiHeadAttention"]


MASKS: list[tuple[int, ...] | None] = [
    None,
    (5, 7),
    (1, 7),
    (2, 5, 7),
    (2, 1, 7),
    (1, 5, 1),
    (2, 3, 5, 7),
    (2, 1, 5, 7),
    (1, 3, 1, 1),
]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", MASKS)
def test_the_provided_attention_is_the_one_of_03(
    shape: tuple[int, ...] | None, dtype: torch.dtype
) -> None:
    """Same names, outputs, weights and gradients, with every rank of mask and empty rows."""
    torch.manual_seed(0)
    ours = randomised(MultiHeadAttention(12, 3), dtype)
    provided = provided_attention()(12, 3).to(dtype)
    provided.load_state_dict(ours.state_dict())
    inputs = [torch.randn(2, n, 12, dtype=dtype, requires_grad=True) for n in (5, 7, 7)]
    mask = None if shape is None else torch.rand(shape) < 0.5
    if mask is not None:
        mask[..., 0, :] = False
    results = []
    for attention in (ours, provided):
        output, weights = attention(*inputs, mask)
        # The key bias has gradient 0 up to rounding, which is nothing to compare.
        wanted = [p for name, p in attention.named_parameters() if name != "k_proj.bias"]
        cotangent = torch.linspace(-1, 1, output.numel(), dtype=dtype).reshape(output.shape)
        gradients = torch.autograd.grad(output, (*inputs, *wanted), cotangent)
        results.append((output, weights, *gradients))

    for expected, found in zip(*results, strict=True):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert found.isfinite().all()
        close(found, expected)


def test_the_provided_attention_is_torchs() -> None:
    """The provided module equals nn.MultiheadAttention with copied weights, weights included."""
    torch.manual_seed(0)
    provided = randomised(provided_attention()(12, 3))
    theirs = nn.MultiheadAttention(12, 3, batch_first=True).double()
    state = provided.state_dict()
    theirs.load_state_dict(
        {
            f"in_proj_{kind}": torch.cat([state[f"{part}_proj.{kind}"] for part in "qkv"])
            for kind in ("weight", "bias")
        }
        | {f"out_proj.{kind}": state[f"out_proj.{kind}"] for kind in ("weight", "bias")}
    )
    query, key = (torch.randn(2, n, 12, dtype=torch.float64) for n in (5, 7))

    output, weights = provided(query, key, key)
    expected, expected_weights = theirs(query, key, key, average_attn_weights=False)

    close(output, expected)
    close(weights, expected_weights)


def test_the_provided_attention_refuses_what_03_refuses() -> None:
    """Wrong masks and head counts raise a ValueError that names the argument."""
    attention = provided_attention()
    x = torch.randn(2, 5, 12)

    with pytest.raises(ValueError, match="num_heads"):
        attention(12, 5)
    for mask in (torch.ones(5, 5), torch.ones(3, 5, 5, dtype=torch.bool)):
        with pytest.raises(ValueError, match="mask"):
            attention(12, 3)(x, x, x, mask)

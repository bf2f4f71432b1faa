"""What the observations of notebook 05 do not show: torch's layer, published sizes, calculus."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call

from autograder.observe import gradients, randn, randomise
from solutions.transformer_block import (
    FeedForward,
    LayerNorm,
    TransformerBlock,
    TransformerEncoder,
    transformer_parameter_count,
)
from tests import harness
from tests.solutions.oracles import Case, assert_agree, disagreements, reference
from tests.solutions.test_multi_head_attention import CASES as CASES_OF_03
from tests.solutions.test_multi_head_attention import NO_MASKS, attend, qkv

agree = partial(assert_agree, "05-transformer-block")
few = settings(deadline=None, max_examples=25)
leads = st.sampled_from([(), (5,), (2, 5), (2, 3, 5), (0, 5), (2, 0)])
dtypes = st.sampled_from([torch.float64, torch.float32, torch.bfloat16])
ALL = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def block(
    my: SimpleNamespace, x: Tensor, mask: Tensor | None = None, norm_first: bool = True
) -> Tensor:
    made = my.TransformerBlock(x.shape[-1], 2, 9, norm_first=norm_first).to(x.dtype)
    result: Tensor = randomise(made)(x, mask)
    return result


def gradients_beside_an_empty_row(my: SimpleNamespace) -> object:
    made = randomise(my.TransformerBlock(6, 2, 9).double())
    x, mask = randn(2, 5, 6, dtype=torch.float64, requires_grad=True), torch.ones(5, 5).tril(-1)
    # The gradient of the keys' bias alone is zero but for rounding.
    parameters = [p for name, p in sorted(made.named_parameters()) if "k_proj.bias" not in name]
    return gradients(made(x, mask.bool()), [x, *parameters])


def mask_after(my: SimpleNamespace) -> Tensor:
    block(my, randn(2, 5, 6), mask := randn(5, 5) > 0)
    return mask


CASES: dict[str, Case] = {
    "gradients beside an empty row": gradients_beside_an_empty_row,
    "the mask stays": mask_after,
    **{
        f"{dtype}, norm first {first}": lambda my, dtype=dtype, first=first: block(
            my, randn(2, 5, 6, dtype=dtype), norm_first=first
        )
        for dtype in ALL
        for first in (True, False)
    },
    **{
        f"x of {shape}, norm last": lambda my, shape=shape: block(my, randn(*shape), None, False)
        for shape in [(0, 5, 6), (2, 0, 6), (1, 1, 6)]
    },
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@pytest.mark.parametrize(
    "mask",
    [
        torch.zeros(5, 5, dtype=torch.int64),
        torch.ones(5, 5),
        *(torch.ones(n, dtype=torch.bool) for n in [(5, 4), (3, 5, 5), (2, 3, 5, 5)]),
    ],
)
def test_masks_that_are_refused(mask: Tensor) -> None:
    agree(lambda my: my.TransformerBlock(6, 2, 9)(randn(2, 5, 6), mask), "mask")
    agree(lambda my: my.TransformerEncoder(1, 6, 2, 9)(randn(2, 5, 6), mask), "mask")


@few
@given(leads, st.integers(2, 9), st.integers(1, 11), dtypes, st.sampled_from([1e-5, 0.1]))
def test_parts_of_all_sizes(
    lead: tuple[int, ...], d_model: int, d_ff: int, dtype: torch.dtype, eps: float
) -> None:
    def widened(my: SimpleNamespace) -> object:
        return randomise(my.FeedForward(d_model, d_ff).to(dtype))(x())

    def normalised(my: SimpleNamespace) -> object:
        return randomise(my.LayerNorm(d_model, eps).to(dtype))(x())

    def x() -> Tensor:
        return randn(*lead, d_model, dtype=dtype)

    agree(widened)
    if dtype != torch.bfloat16 or d_model > 5:  # few coarse numbers may lie too close together
        agree(normalised)


@few
@given(st.booleans(), st.integers(0, 3), st.sampled_from([(6, 1), (6, 3), (6, 6), (8, 4)]))
def test_stacks_of_all_sizes(norm_first: bool, layers: int, widths: tuple[int, int]) -> None:
    def stacked(my: SimpleNamespace) -> object:
        made = my.TransformerEncoder(layers, *widths, 9, norm_first=norm_first).double()
        x, causal = randn(2, 5, widths[0], dtype=torch.float64), torch.ones(5, 5).tril().bool()
        return randomise(made)(x, causal)

    agree(stacked)


@few
@given(st.booleans(), st.sampled_from([(6, 1), (6, 2), (6, 3), (8, 4)]), st.integers(0, 2))
def test_a_block_is_torchs_encoder_layer(norm_first: bool, widths: tuple[int, int], n: int) -> None:
    """nn.TransformerEncoderLayer whole, with copied weights and the inverted mask."""
    (d_model, heads), shape = widths, [(5, 5), (2, 5, 5), (2, widths[1], 5, 5)][n]
    made = randomise(TransformerBlock(d_model, heads, 9, norm_first=norm_first).double())
    own = {name.replace("feed_forward.", ""): p for name, p in made.state_dict().items()}
    state = {k.replace("attention.", "self_attn."): p for k, p in own.items() if "_proj" not in k}
    for kind in ("weight", "bias"):
        state[f"self_attn.out_proj.{kind}"] = own[f"attention.out_proj.{kind}"]
        state[f"self_attn.in_proj_{kind}"] = torch.cat(
            [own[f"attention.{part}_proj.{kind}"] for part in "qkv"]
        )
    theirs = nn.TransformerEncoderLayer(
        d_model, heads, 9, 0.0, "gelu", batch_first=True, norm_first=norm_first
    ).double()
    theirs.load_state_dict(state)
    # torch's layer makes NaN of an empty row, and has one mask for each sentence and head.
    mask = (torch.rand(shape) < 0.5) | torch.eye(5, dtype=torch.bool)
    whole = (mask[:, None] if mask.ndim == 3 else mask).expand(2, heads, 5, 5).flatten(0, 1)
    x = torch.randn(2, 5, d_model, dtype=torch.float64)
    torch.testing.assert_close(made(x, mask), theirs(x, src_mask=~whole), rtol=0, atol=1e-9)


def test_layer_norm_and_gelu_by_their_formulas() -> None:
    """The row 0, 2 has mean 1 and variance 1, eps inside the root; GELU is x times Phi(x)."""
    row = torch.tensor([0.0, 2.0], dtype=torch.float64)
    assert LayerNorm(2, eps=0.0).double()(row).tolist() == [-1.0, 1.0]
    assert LayerNorm(2, eps=3.0).double()(row).tolist() == [-0.5, 0.5]
    network, x = randomise(FeedForward(3, 5).double()), torch.randn(4, 3, dtype=torch.float64)
    hidden = network.linear1(x)
    expected = network.linear2(hidden * 0.5 * torch.erfc(-hidden / math.sqrt(2)))
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-10)


@few
@given(st.floats(0.1, 10), st.floats(-10, 10))
def test_layer_norm_forgets_scale_and_shift(scale: float, shift: float) -> None:
    """Ba et al., section 5.1: scaling and shifting a whole row changes nothing (eps apart)."""
    norm, x = LayerNorm(8, eps=0.0).double(), torch.linspace(-1, 1, 24).double().view(3, 8).sin()
    torch.testing.assert_close(norm(x), norm(scale * x + shift), rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("module", "mask"),
    [
        (LayerNorm(4), None),
        (FeedForward(4, 5), None),
        (TransformerBlock(4, 2, 3), torch.ones(3, 3).tril(-1).bool()),
        (TransformerBlock(4, 2, 3, norm_first=False), torch.ones(3, 3).tril(-1).bool()),
    ],
)
def test_gradients_agree_with_differences(module: nn.Module, mask: Tensor | None) -> None:
    """In float64, for the input and all parameters, also beside an empty row of the mask."""
    named = dict(randomise(module.double()).named_parameters())
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    more = () if mask is None else (mask,)

    def call(x: Tensor, *values: Tensor) -> Any:
        return functional_call(module, dict(zip(named, values, strict=True)), (x, *more))

    assert torch.autograd.gradcheck(call, (x, *named.values()), atol=1e-4)


def test_a_causal_encoder_never_looks_ahead() -> None:
    """The gradient of a position with respect to later inputs is exactly 0."""
    encoder = randomise(TransformerEncoder(2, 6, 2, 9).double())
    x = torch.randn(1, 5, 6, dtype=torch.float64, requires_grad=True)
    output = encoder(x, torch.ones(5, 5, dtype=torch.bool).tril())
    (gradient,) = torch.autograd.grad(output[0, 2].square().sum(), x)
    assert gradient[0].abs().sum(-1).gt(0).tolist() == [True] * 3 + [False] * 2


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


def provided() -> dict[str, Any]:
    """Notebook 03's definitions, with the attention that notebook 05 provides."""
    names: dict[str, Any] = {}
    for cell in harness.notebook("05-transformer-block").cells:
        if cell.id in ("imports", "provided-attention"):
            exec(cell.source, names)
    given = {"MultiHeadAttention": names["MultiHeadAttention"]}
    return {**reference("03-multi-head-attention"), **given}


def test_the_provided_attention_is_the_one_of_03() -> None:
    """On 03's observations and examples, and on what its tests add."""
    name, own = "03-multi-head-attention", provided()
    assert disagreements(name, reference(name), 1, "MultiHeadAttention", beside=own) == []
    for case in CASES_OF_03.values():
        assert_agree(name, case, beside=own)
    for mask in NO_MASKS:
        assert_agree(name, lambda my, mask=mask: attend(my, qkv(), mask), "mask", beside=own)

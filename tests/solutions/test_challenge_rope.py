"""What the observations of the RoPE challenge do not show: properties, published code, calculus."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autograder.observe import close, exactly, randint, randn
from solutions.challenge_rope import (
    apply_rope,
    rope_attention,
    rope_frequencies,
    rope_half_to_interleaved,
)
from tests.solutions.oracles import Case, assert_agree

agree = partial(assert_agree, "challenge-rope")
few = settings(deadline=None, max_examples=40)
TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 4e-2}
leads = st.sampled_from([(), (3,), (2, 3), (0,), (2, 0, 3)])
dtypes = st.sampled_from([torch.float64, torch.float32, *TOLERANCE])
head_dims = st.sampled_from([2, 4, 6, 8, 10])
bases = st.sampled_from([3.0, 100.0, 10_000.0, 500_000.0])


def turned(positions: Tensor, my: SimpleNamespace, x: Tensor | None = None) -> object:
    return close(my.apply_rope(randn(2, 5, 8) if x is None else x, positions), 2e-5)


FAR = torch.tensor([131_072, 131_071, 100_003])
CASES: dict[str, Case] = {
    "one position for all": partial(turned, torch.tensor([9])),
    "a position without a dimension": partial(turned, torch.tensor(9)),
    "one position for each sequence": partial(turned, torch.tensor([[9], [3]])),
    "int16 positions": partial(turned, torch.tensor([-3, 0, 5, 64, -64], dtype=torch.int16)),
    "an expanded input": lambda my: turned(torch.arange(5), my, randn(1, 8).expand(5, 8)),
    "float64 very far along": lambda my: close(
        my.apply_rope(randn(3, 64, dtype=torch.float64), FAR), 2e-5 + 2e-7 * 131_072
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@few
@given(leads, st.integers(0, 6), head_dims, bases, dtypes, st.booleans())
def test_all_sizes(
    lead: tuple[int, ...], length: int, dim: int, base: float, dtype: torch.dtype, causal: bool
) -> None:
    tolerance = TOLERANCE.get(dtype, 2e-5)

    def rope(my: SimpleNamespace) -> object:
        x, positions = randn(*lead, length, dim, dtype=dtype), randint(-63, 64, (length,))
        return close(my.apply_rope(x, positions, base), tolerance)

    def attention(my: SimpleNamespace) -> object:
        query, key, value = (randn(*lead, length, dim, dtype=dtype) for _ in range(3))
        positions = randint(-63, 64, (length,))
        # Differences are relative to the size of the result, and values may cancel to nearly 0.
        value = 1 + value.abs()
        return close(my.rope_attention(query, key, value, positions, causal, base), tolerance)

    agree(rope)
    agree(attention)


@few
@given(st.integers(1, 4), head_dims, st.integers(0, 5), dtypes)
def test_weights_of_all_sizes(heads: int, dim: int, columns: int, dtype: torch.dtype) -> None:
    def reordered(my: SimpleNamespace) -> object:
        weight = randn(heads * dim, columns, dtype=dtype)
        return exactly(my.rope_half_to_interleaved(weight, heads))

    agree(reordered)


@pytest.mark.parametrize("dim", [1, 7])
def test_odd_sizes_are_refused(dim: int) -> None:
    x, positions = torch.zeros(3, dim), torch.arange(3)
    agree(lambda my: my.rope_frequencies(dim), "head_dim")
    agree(lambda my: my.apply_rope(x, positions), "head_dim")
    agree(lambda my: my.rope_attention(x, x, x, positions), "head_dim")


@few
@given(st.integers(1, 64), bases)
def test_frequencies_are_powers_of_the_base(half: int, base: float) -> None:
    """base ** (-2i/E) by Python, number by number; the paper's 1, 0.1, 0.01, 0.001 at d = 8."""
    expected = torch.tensor([base ** (-2 * i / (2 * half)) for i in range(half)])
    torch.testing.assert_close(rope_frequencies(2 * half, base), expected, rtol=1e-7, atol=0)
    paper = torch.tensor([1.0, 0.1, 0.01, 0.001])
    torch.testing.assert_close(rope_frequencies(8), paper, rtol=1e-7, atol=0)


def test_the_default_dtype_and_the_device_are_those_of_the_input() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        assert rope_frequencies(8).dtype == torch.float32
        assert apply_rope(torch.ones(2, 8), torch.arange(2)).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    x, positions = torch.empty(2, 5, 8, device="meta"), torch.arange(5, device="meta")
    assert apply_rope(x, positions).device.type == "meta"
    assert rope_attention(x, x, x, positions).device.type == "meta"


@few
@given(st.integers(-40, 40), st.integers(-40, 40), head_dims, st.integers(0, 2**32))
def test_rotations_add_up(m: int, n: int, dim: int, seed: int) -> None:
    """R(m) R(n) = R(m + n), R(0) = 1 exactly, and lengths are kept."""
    x = torch.randn(3, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    at = partial(torch.full, (3,))
    twice = apply_rope(apply_rope(x, at(n)), at(m))
    size = float(x.abs().max())
    torch.testing.assert_close(twice, apply_rope(x, at(m + n)), rtol=0, atol=4e-5 * size)
    torch.testing.assert_close(twice.norm(dim=-1), x.norm(dim=-1), rtol=1e-6, atol=0)
    assert torch.equal(apply_rope(x, at(0)), x)


@few
@given(st.integers(-500, 500), st.booleans(), st.integers(0, 2**32))
def test_only_distance_counts(shift: int, causal: bool, seed: int) -> None:
    """Adding a constant to all positions changes nothing beyond rounding."""
    generator = torch.Generator().manual_seed(seed)
    query, key, value = torch.randn(3, 2, 5, 8, generator=generator)
    positions = torch.randint(0, 64, (5,), generator=generator)
    one, other = (
        rope_attention(query, key, value, p, causal) for p in (positions, positions + shift)
    )
    tolerance = 4e-5 + 2e-7 * (64 + abs(shift))
    torch.testing.assert_close(one, other, rtol=0, atol=tolerance * float(one.abs().max()))


def hugging_face(x: Tensor, positions: Tensor) -> Tensor:
    """`apply_rotary_pos_emb` of transformers' modeling_llama.py, for one tensor (..., L, E)."""
    dim = x.shape[-1]
    freqs = positions[..., None].float() * (1.0 / (1e4 ** (torch.arange(0, dim, 2).float() / dim)))
    emb = torch.cat((freqs, freqs), dim=-1)
    x1, x2 = x[..., : dim // 2], x[..., dim // 2 :]
    return x * emb.cos() + torch.cat((-x2, x1), dim=-1) * emb.sin()


def test_scores_are_those_of_the_checkpoint() -> None:
    """Split-half RoPE with the checkpoint's rows and interleaved RoPE with ours score alike."""
    generator = torch.Generator().manual_seed(0)
    x, positions = torch.randn(5, 13, generator=generator), torch.arange(5)
    theirs, ours = [], []
    for _ in range(2):
        weight = torch.randn(24, 13, generator=generator)
        bias = torch.randn(24, generator=generator)
        heads = F.linear(x, weight, bias).view(5, 3, 8).transpose(0, 1)
        theirs.append(hugging_face(heads, positions))
        rows = rope_half_to_interleaved(weight, 3), rope_half_to_interleaved(bias, 3)
        ours.append(apply_rope(F.linear(x, *rows).view(5, 3, 8).transpose(0, 1), positions))
    expected = theirs[0] @ theirs[1].mT
    size = float(expected.abs().max())
    torch.testing.assert_close(ours[0] @ ours[1].mT, expected, rtol=0, atol=2e-5 * size)


def test_gradients_agree_with_differences() -> None:
    """In float64; and the gradient of a rotation is the cotangent turned back."""
    three = [torch.randn(2, 4, 6, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    positions = torch.tensor([3, 0, 0, -2])
    for causal in (True, False):
        attention = partial(rope_attention, positions=positions, causal=causal)
        assert torch.autograd.gradcheck(attention, three)
    x, cotangent = three[0], torch.randn(2, 4, 6, dtype=torch.float64)
    (found,) = torch.autograd.grad(apply_rope(x, positions), x, cotangent)
    torch.testing.assert_close(found, apply_rope(cotangent, -positions))

"""The reference of challenge-rope against torch, the paper's matrices and published code."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from solutions.challenge_rope import (
    apply_rope,
    rope_attention,
    rope_frequencies,
    rope_half_to_interleaved,
)

PROPERTY = settings(deadline=None, max_examples=40)
TOLERANCE = {
    torch.float64: 2e-5,
    torch.float32: 2e-5,
    torch.float16: 2e-2,
    torch.bfloat16: 4e-2,
}

leading = st.sampled_from([(), (3,), (2, 3), (0,), (2, 0, 3)])
dtypes = st.sampled_from(list(TOLERANCE))
head_dims = st.sampled_from([2, 4, 6, 8, 10])
bases = st.sampled_from([3.0, 100.0, 10_000.0, 500_000.0])
seeds = st.integers(0, 2**32)


def paper_matrix(position: int, head_dim: int, base: float = 10_000.0) -> Tensor:
    """R of equation (15), as the matrix exponential of its generator, in float64."""
    generator = torch.zeros(head_dim, head_dim, dtype=torch.float64)
    for i in range(1, head_dim // 2 + 1):
        theta = base ** (-2 * (i - 1) / head_dim)
        row = 2 * (i - 1)
        generator[row + 1, row], generator[row, row + 1] = theta, -theta
    # Squaring keeps the norm small, which matrix_exp needs at large positions.
    return torch.matrix_exp(generator * position / 2**10).matrix_power(2**10)


def meta_llama(x: Tensor, positions: Tensor, base: float) -> Tensor:
    """`apply_rotary_emb` of Meta's llama/model.py, for one tensor (..., L, E)."""
    dim = x.shape[-1]
    freqs = 1.0 / (base ** (torch.arange(0, dim, 2).float() / dim))
    angles = positions.float()[..., None] * freqs
    cis = torch.polar(torch.ones_like(angles), angles)
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], dim // 2, 2))
    return torch.view_as_real(pairs * cis).flatten(-2).type_as(x)


def hugging_face(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """`apply_rotary_pos_emb` of transformers' modeling_llama.py, for one tensor (..., L, E)."""
    dim = x.shape[-1]
    inv_freq = 1.0 / (base ** (torch.arange(0, dim, 2).float() / dim))
    freqs = positions[..., None].float() * inv_freq
    emb = torch.cat((freqs, freqs), dim=-1)
    x1, x2 = x[..., : dim // 2], x[..., dim // 2 :]
    return x * emb.cos() + torch.cat((-x2, x1), dim=-1) * emb.sin()


def hugging_face_permute(weight: Tensor, num_heads: int) -> Tensor:
    """`permute` of transformers' convert_llama_weights_to_hf.py: interleaved to split halves."""
    dim1, dim2 = weight.shape
    return (
        weight.view(num_heads, dim1 // num_heads // 2, 2, dim2).transpose(1, 2).reshape(dim1, dim2)
    )


def assert_close(found: Tensor, expected: Tensor, tolerance: float) -> None:
    """Closeness of exercises.md: relative to the size of the result."""
    assert found.shape == expected.shape
    if found.numel():
        size = expected.abs().max().item() or 1.0
        torch.testing.assert_close(found.double(), expected.double(), rtol=0, atol=tolerance * size)


# rope_frequencies


def test_frequencies_of_the_paper() -> None:
    """Theta of the paper, 10000 ** (-2 (i - 1) / d), at d = 8 is 1, 0.1, 0.01, 0.001."""
    found = rope_frequencies(8)

    torch.testing.assert_close(found, torch.tensor([1.0, 0.1, 0.01, 0.001]), rtol=1e-7, atol=0)
    assert found.dtype == torch.float32


@PROPERTY
@given(half=st.integers(1, 64), base=bases)
def test_frequencies_are_powers_of_the_base(half: int, base: float) -> None:
    """Every frequency is base ** (-2i/E), computed here number by number by Python."""
    expected = torch.tensor([base ** (-2 * i / (2 * half)) for i in range(half)])

    torch.testing.assert_close(rope_frequencies(2 * half, base), expected, rtol=1e-7, atol=0)


@pytest.mark.parametrize("head_dim", [1, 7])
def test_an_odd_head_dim_is_refused(head_dim: int) -> None:
    """The error is a ValueError and names head_dim, from each function that rotates."""
    x = torch.zeros(3, head_dim)
    with pytest.raises(ValueError, match=r"\bhead_dim\b"):
        rope_frequencies(head_dim)
    with pytest.raises(ValueError, match=r"\bhead_dim\b"):
        apply_rope(x, torch.arange(3))
    with pytest.raises(ValueError, match=r"\bhead_dim\b"):
        rope_attention(x, x, x, torch.arange(3))


def test_a_returned_table_is_the_callers_own() -> None:
    """Changing a returned table changes no later one."""
    rope_frequencies(8).zero_()

    torch.testing.assert_close(rope_frequencies(8), torch.tensor([1.0, 0.1, 0.01, 0.001]))


def test_the_default_dtype_changes_nothing() -> None:
    """The table is float32 also where the default dtype is float64."""
    torch.set_default_dtype(torch.float64)
    try:
        assert rope_frequencies(8).dtype == torch.float32
        assert apply_rope(torch.ones(2, 8), torch.arange(2)).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


# apply_rope


def test_a_vector_computed_by_hand() -> None:
    """(1, 0, 0, 1) at position 1, with the frequencies 1 and 0.01."""
    expected = torch.tensor([[math.cos(1), math.sin(1), -math.sin(0.01), math.cos(0.01)]])

    found = apply_rope(torch.tensor([[1.0, 0.0, 0.0, 1.0]]), torch.tensor([1]))

    torch.testing.assert_close(found, expected)


@PROPERTY
@given(shape=leading, length=st.integers(0, 5), dim=head_dims, base=bases, dtype=dtypes, seed=seeds)
def test_the_matrices_of_the_paper(
    shape: tuple[int, ...], length: int, dim: int, base: float, dtype: torch.dtype, seed: int
) -> None:
    """Equation (14), R times x with R of equation (15), for every shape, dtype and base."""
    torch.manual_seed(seed)
    x = torch.randn(*shape, length, dim, dtype=torch.float64).to(dtype)
    positions = torch.randint(-63, 64, (length,))
    matrices = [paper_matrix(int(p), dim, base) for p in positions]
    matrix = torch.stack(matrices) if matrices else torch.zeros(0, dim, dim, dtype=torch.float64)

    found = apply_rope(x, positions, base)

    assert found.dtype == dtype
    assert_close(found, (matrix @ x.double()[..., None])[..., 0], TOLERANCE[dtype])


@PROPERTY
@given(shape=leading, length=st.integers(1, 5), dim=head_dims, base=bases, seed=seeds)
def test_the_complex_numbers_of_meta(
    shape: tuple[int, ...], length: int, dim: int, base: float, seed: int
) -> None:
    """Meta's Llama turns pairs as complex numbers, which is the same."""
    torch.manual_seed(seed)
    x, positions = torch.randn(*shape, length, dim), torch.randint(0, 64, (*shape, length))

    assert_close(apply_rope(x, positions, base), meta_llama(x, positions, base), 2e-5)


def test_equation_34_of_the_paper() -> None:
    """The form without a matrix: x * cos + (-x2, x1, -x4, x3 ...) * sin."""
    x, positions = torch.randn(5, 8), torch.arange(5)
    angles = (positions[:, None] * rope_frequencies(8)).repeat_interleave(2, dim=-1)
    swapped = torch.stack([-x[:, 1::2], x[:, 0::2]], dim=-1).flatten(-2)

    torch.testing.assert_close(
        apply_rope(x, positions), x * angles.cos() + swapped * angles.sin(), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_far_positions_against_float64(dtype: torch.dtype) -> None:
    """Position 131,072 is right to within 2e-5 + 2e-7 * position."""
    positions = torch.tensor([131_072, 131_071, 100_003])
    x = torch.randn(3, 64, dtype=dtype)
    theta = 10_000.0 ** (-torch.arange(0, 64, 2, dtype=torch.float64) / 64)
    cis = torch.polar(torch.ones(3, 32, dtype=torch.float64), positions[:, None] * theta)
    pairs = torch.view_as_complex(x.double().reshape(3, 32, 2))
    expected = torch.view_as_real(pairs * cis).flatten(-2)

    assert_close(apply_rope(x, positions), expected, 2e-5 + 2e-7 * 131_072)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sixteen_bits_keep_positions_apart(dtype: torch.dtype) -> None:
    """The angles of 16-bit inputs are float32: position 70,001 is neither 70,000 nor infinite."""
    x, positions = torch.randn(4, 8).to(dtype), torch.tensor([257, 2049, 70_001, 70_002])

    found = apply_rope(x, positions)

    assert found.dtype == dtype
    assert_close(found, apply_rope(x.double(), positions), TOLERANCE[dtype])


def test_positions_of_each_sequence() -> None:
    """Positions (B, 1, L) turn every head of a sequence alike, each sequence by its own."""
    x, positions = torch.randn(2, 3, 5, 8), torch.randint(0, 64, (2, 1, 5))

    found = apply_rope(x, positions)

    for b in range(2):
        for h in range(3):
            torch.testing.assert_close(found[b, h], apply_rope(x[b, h], positions[b, 0]))


def test_sizes_of_one_in_positions_are_broadcast() -> None:
    """A single position serves a whole sequence; also without any dimension."""
    x = torch.randn(2, 5, 8)
    expected = apply_rope(x, torch.full((5,), 9))

    torch.testing.assert_close(apply_rope(x, torch.tensor([9])), expected)
    torch.testing.assert_close(apply_rope(x, torch.tensor(9)), expected)
    torch.testing.assert_close(apply_rope(x, torch.full((2, 1), 9)), expected)


@PROPERTY
@given(m=st.integers(-40, 40), n=st.integers(-40, 40), dim=head_dims, seed=seeds)
def test_rotations_add_up(m: int, n: int, dim: int, seed: int) -> None:
    """R(m) R(n) = R(m + n), R(0) = 1 exactly, and lengths are kept."""
    torch.manual_seed(seed)
    x = torch.randn(3, dim, dtype=torch.float64)

    twice = apply_rope(apply_rope(x, torch.full((3,), n)), torch.full((3,), m))

    assert_close(twice, apply_rope(x, torch.full((3,), m + n)), 4e-5)
    assert torch.equal(apply_rope(x, torch.zeros(3, dtype=torch.int64)), x)
    assert_close(twice.norm(dim=-1), x.norm(dim=-1), 1e-6)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.int16])
def test_any_whole_numbers_are_positions(dtype: torch.dtype) -> None:
    """The integer type of the positions changes nothing."""
    x, positions = torch.randn(5, 8), torch.randint(-64, 64, (5,))

    assert torch.equal(apply_rope(x, positions.to(dtype)), apply_rope(x, positions))


def test_inputs_are_not_changed() -> None:
    """x and positions stay as they were, also where x is not contiguous."""
    x, positions = torch.randn(2, 8, 5).mT, torch.arange(5)
    x_before, positions_before = copy.deepcopy((x, positions))

    found = apply_rope(x, positions)

    assert torch.equal(x, x_before)
    assert torch.equal(positions, positions_before)
    assert torch.equal(found, apply_rope(x.contiguous(), positions))


def test_expanded_inputs() -> None:
    """An expanded x, of stride 0, gives what its copy gives."""
    x = torch.randn(1, 8).expand(5, 8)

    assert torch.equal(apply_rope(x, torch.arange(5)), apply_rope(x.clone(), torch.arange(5)))


def test_gradient_turns_back() -> None:
    """gradcheck in float64; and the gradient is the cotangent turned by the opposite angle."""
    x = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    positions, cotangent = torch.tensor([3, 0, -2]), torch.randn(2, 3, 6, dtype=torch.float64)

    assert torch.autograd.gradcheck(lambda x: apply_rope(x, positions), (x,))
    (found,) = torch.autograd.grad(apply_rope(x, positions), x, cotangent)
    torch.testing.assert_close(found, apply_rope(cotangent, -positions))


def test_the_device_of_the_input() -> None:
    """Everything happens on the device of the inputs (meta stands for any that is not the CPU)."""
    x, positions = torch.empty(2, 5, 8, device="meta"), torch.arange(5, device="meta")

    assert apply_rope(x, positions).device.type == "meta"
    assert rope_attention(x, x, x, positions).device.type == "meta"


# rope_half_to_interleaved


def test_the_rows_of_one_head_of_eight() -> None:
    """Row i and row i + 4 become neighbours."""
    found = rope_half_to_interleaved(torch.arange(8), 1)

    assert found.tolist() == [0, 4, 1, 5, 2, 6, 3, 7]


@PROPERTY
@given(heads=st.integers(1, 4), dim=head_dims, columns=st.integers(0, 5), dtype=dtypes, seed=seeds)
def test_the_inverse_of_hugging_face(
    heads: int, dim: int, columns: int, dtype: torch.dtype, seed: int
) -> None:
    """It undoes, bit for bit, what transformers' conversion does to Meta's weights."""
    torch.manual_seed(seed)
    weight = torch.randn(heads * dim, columns).to(dtype)

    found = rope_half_to_interleaved(hugging_face_permute(weight, heads), heads)

    assert found.dtype == dtype
    assert torch.equal(found, weight)


def test_bias_and_further_dimensions() -> None:
    """Each column of a weight, of whatever shape, moves as a bias does."""
    weight = torch.randn(24, 5, 2)

    found = rope_half_to_interleaved(weight, 3)

    for i in range(5):
        assert torch.equal(found[:, i, 1], rope_half_to_interleaved(weight[:, i, 1], 3))


def test_scores_are_those_of_the_checkpoint() -> None:
    """Split-half RoPE with the checkpoint's rows and interleaved RoPE with ours score alike."""
    heads, dim, width, length = 3, 8, 13, 5
    x, positions = torch.randn(length, width), torch.arange(length)
    rows = [(torch.randn(heads * dim, width), torch.randn(heads * dim)) for _ in range(2)]

    def per_head(weight: Tensor, bias: Tensor) -> Tensor:
        return F.linear(x, weight, bias).view(length, heads, dim).transpose(0, 1)

    theirs = [hugging_face(per_head(w, b), positions) for w, b in rows]
    ours = [
        apply_rope(
            per_head(rope_half_to_interleaved(w, heads), rope_half_to_interleaved(b, heads)),
            positions,
        )
        for w, b in rows
    ]

    assert_close(ours[0] @ ours[1].mT, theirs[0] @ theirs[1].mT, 2e-5)


def test_weights_keep_gradient_and_are_not_changed() -> None:
    """Parameters can be reordered in a graph; a transposed weight needs no copy first."""
    weight = torch.randn(5, 24).mT.requires_grad_()
    before = weight.detach().clone()
    cotangent = torch.randn(24, 5)

    (found,) = torch.autograd.grad(rope_half_to_interleaved(weight, 3), weight, cotangent)

    assert torch.equal(found, hugging_face_permute(cotangent, 3))
    assert torch.equal(weight.detach(), before)


# rope_attention


@PROPERTY
@given(
    shape=leading, length=st.integers(1, 6), dim=head_dims, causal=st.booleans(), dtype=dtypes,
    seed=seeds,
)  # fmt: skip
def test_torchs_attention_on_turned_vectors(
    shape: tuple[int, ...], length: int, dim: int, causal: bool, dtype: torch.dtype, seed: int
) -> None:
    """torch's attention on queries and keys turned by the paper's matrices, values as they are."""
    torch.manual_seed(seed)
    query, key, value = torch.randn(3, *shape, length, dim, dtype=torch.float64).to(dtype)
    positions = torch.randint(-63, 64, (length,))
    matrix = torch.stack([paper_matrix(int(p), dim) for p in positions])
    turned_query, turned_key = ((matrix @ x.double()[..., None])[..., 0] for x in (query, key))

    found = rope_attention(query, key, value, positions, causal)

    assert found.dtype == dtype
    if found.numel():
        expected = F.scaled_dot_product_attention(
            turned_query, turned_key, value.double(), is_causal=causal
        )
        assert_close(found, expected, TOLERANCE[dtype])


@PROPERTY
@given(shift=st.integers(-500, 500), causal=st.booleans(), seed=seeds)
def test_only_distance_counts(shift: int, causal: bool, seed: int) -> None:
    """Adding a constant to all positions changes nothing beyond rounding."""
    torch.manual_seed(seed)
    query, key, value = torch.randn(3, 2, 5, 8)
    positions = torch.randint(0, 64, (5,))

    found = rope_attention(query, key, value, positions + shift, causal)

    tolerance = 4e-5 + 2e-7 * (64 + abs(shift))
    assert_close(found, rope_attention(query, key, value, positions, causal), tolerance)


def test_causal_goes_by_index() -> None:
    """With positions that run backwards, entry i still sees the entries 0 ... i only."""
    query, key, value = torch.randn(3, 5, 8)
    positions = torch.tensor([9, 7, 7, 2, 0])
    whole = rope_attention(query, key, value, positions)

    for i in range(1, 6):
        part = rope_attention(query[:i], key[:i], value[:i], positions[:i])
        torch.testing.assert_close(part, whole[:i])


def test_base_reaches_queries_and_keys() -> None:
    """Another base is the same as turning by it before and attending at position 0."""
    query, key, value = torch.randn(3, 5, 8)
    positions, still = torch.arange(5), torch.zeros(5, dtype=torch.int64)

    found = rope_attention(query, key, value, positions, base=100.0)

    turned = apply_rope(query, positions, 100.0), apply_rope(key, positions, 100.0)
    torch.testing.assert_close(found, rope_attention(*turned, value, still))


def test_attention_of_no_positions() -> None:
    """A sequence of length 0 has an output of length 0."""
    empty = torch.zeros(2, 0, 8)

    assert rope_attention(empty, empty, empty, torch.arange(0)).shape == (2, 0, 8)


def test_attention_keeps_inputs_and_gives_gradients() -> None:
    """gradcheck in float64 through all three inputs; none of them is changed."""
    inputs = [torch.randn(2, 4, 6, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    before = [x.detach().clone() for x in inputs]
    positions = torch.tensor([3, 0, 0, -2])

    for causal in (True, False):
        assert torch.autograd.gradcheck(
            lambda q, k, v, causal=causal: rope_attention(q, k, v, positions, causal), inputs
        )
    assert all(torch.equal(x, y) for x, y in zip(inputs, before, strict=True))


def test_attention_of_non_contiguous_inputs() -> None:
    """Transposed inputs give what their copies give."""
    inputs = [torch.randn(2, 8, 5).mT for _ in range(3)]

    found = rope_attention(*inputs, torch.arange(5))

    copies = [x.contiguous() for x in inputs]
    torch.testing.assert_close(found, rope_attention(*copies, torch.arange(5)))

"""The flash attention reference against torch's own operators, autograd and the papers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autograder.observe import tensors_made
from solutions.challenge_flash_attention import (
    flash_attention,
    flash_attention_backward,
    hbm_traffic,
    online_softmax_statistics,
)

FEW = settings(deadline=None, max_examples=40)
TOLERANCE = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.float16: 2e-2,
    torch.bfloat16: 4e-2,
}
leading_sizes = st.sampled_from([(), (2,), (2, 3), (0,), (2, 0)])
dtypes = st.sampled_from(list(TOLERANCE))


def normal(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def bottom_right(query_len: int, key_len: int) -> Tensor:
    """True where a query may attend, from torch's `tril` alone."""
    return torch.ones(query_len, key_len, dtype=torch.bool).tril(key_len - query_len)


def expected(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> tuple[Tensor, Tensor]:
    """Output and logsumexp by torch's own operators; rows without a key are set apart."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    mask = torch.ones(scores.shape[-2:], dtype=torch.bool)
    if causal:
        mask = bottom_right(*mask.shape)
    output = F.scaled_dot_product_attention(query, key, value, mask)
    output = output.where(mask.any(-1)[:, None], torch.zeros(()).to(output))
    return output, scores.masked_fill(~mask, -math.inf).logsumexp(-1)


def assert_close(actual: Tensor, wanted: Tensor, tolerance: float | None = None) -> None:
    """Equal shape and dtype, and close relative to the largest entry."""
    tolerance = TOLERANCE[actual.dtype] if tolerance is None else tolerance
    finite = wanted[wanted.isfinite()]
    size = float(finite.abs().max()) if finite.numel() else 1.0
    torch.testing.assert_close(actual, wanted, rtol=0, atol=tolerance * max(size, 1e-30))


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6), dtype=dtypes, seed=st.integers(0, 99)
)
@FEW
def test_statistics_agree_with_max_and_logsumexp(
    sizes: list[int], dtype: torch.dtype, seed: int
) -> None:
    """However the row is cut, maximum + log(total) is torch's logsumexp of the whole row."""
    row = normal(sum(sizes), seed=seed, dtype=dtype)

    maximum, total = online_softmax_statistics(iter(row.split(sizes)))

    assert maximum.dtype == total.dtype == dtype
    assert torch.equal(maximum, row.max())
    wanted = (row.double().logsumexp(0) - row.double().max()).exp()
    assert_close(total, wanted.to(dtype))


def test_statistics_of_the_example_in_the_lesson() -> None:
    """Logits log 2, log 4, log 8, log 1 sum to 15 eighths of the largest."""
    row = torch.tensor([2.0, 4.0, 8.0, 1.0], dtype=torch.float64).log()

    maximum, total = online_softmax_statistics(iter(row.split(2)))

    assert maximum.item() == math.log(8)
    assert total.item() == pytest.approx(15 / 8, abs=1e-15)


@pytest.mark.parametrize("sign", [-1, 1])
def test_statistics_stay_finite_at_huge_logits(sign: int) -> None:
    """Logits of +-1e4, whose exponentials overflow or vanish, give a total between 1 and n."""
    row = torch.tensor([1e4, 1e4 + 1, 1e4 + 2], dtype=torch.float64) * sign

    for order in (row, row.flip(0)):
        maximum, total = online_softmax_statistics(iter(order.split(1)))

        assert maximum == row.max()
        assert total.item() == pytest.approx(1 + math.exp(-1) + math.exp(-2), rel=1e-12)


def test_statistics_of_blocked_logits() -> None:
    """A row of -inf gives (-inf, 0), wherever finite logits start, and so does an empty row."""
    blocked = torch.full((3,), -math.inf)
    finite = torch.tensor([0.0, -math.inf, 0.0])

    assert online_softmax_statistics(iter([blocked, blocked])) == (-math.inf, 0)
    assert online_softmax_statistics(iter([])) == (-math.inf, 0)
    assert online_softmax_statistics(iter([blocked, finite, blocked])) == (0, 2)


def test_statistics_let_go_of_every_block() -> None:
    """While forty blocks pass, no more than a few are alive."""

    def passing() -> Iterator[Tensor]:
        for index in range(40):
            yield torch.full((64,), float(index))

    with tensors_made() as made:
        online_softmax_statistics(passing())

    assert made.held <= 6 * 64


def test_statistics_pass_gradcheck() -> None:
    """The gradient of maximum and total reaches every block, -inf in it or not."""
    blocks = tuple(normal(n, seed=n).requires_grad_() for n in (3, 1, 4))

    assert torch.autograd.gradcheck(lambda *xs: online_softmax_statistics(iter(xs)), blocks)

    row = torch.tensor([-math.inf, 1.0, 2.0], requires_grad=True)
    _, total = online_softmax_statistics(row.split(1))
    (gradient,) = torch.autograd.grad(total, row)
    assert torch.isfinite(gradient).all()


def test_statistics_add_small_terms_to_a_large_sum_in_16_bits() -> None:
    """A thousand equal logits sum to 1000 in bfloat16's rounding, although 256 + 1 = 256 there."""
    _, total = online_softmax_statistics(torch.zeros(1000, dtype=torch.bfloat16).split(1))

    assert total == torch.tensor(1000.0, dtype=torch.bfloat16)


@given(
    leading=leading_sizes,
    lengths=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    sizes=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    block_size=st.integers(1, 11),
    causal=st.booleans(),
    dtype=dtypes,
    seed=st.integers(0, 99),
)
@FEW
def test_forward_agrees_with_torch(
    leading: tuple[int, ...],
    lengths: tuple[int, int],
    sizes: tuple[int, int],
    block_size: int,
    causal: bool,
    dtype: torch.dtype,
    seed: int,
) -> None:
    """Output and logsumexp are those of torch's attention in float64, for every shape and dtype."""
    (query_len, key_len), (size, value_size) = lengths, sizes
    query = normal(*leading, query_len, size, seed=seed, dtype=dtype)
    key = normal(*leading, key_len, size, seed=seed + 1, dtype=dtype)
    value = normal(*leading, key_len, value_size, seed=seed + 2, dtype=dtype)

    output, logsumexp = flash_attention(query, key, value, block_size, causal)

    wanted, wanted_logsumexp = expected(query.double(), key.double(), value.double(), causal)
    statistics = torch.float64 if dtype == torch.float64 else torch.float32
    assert_close(output, wanted.to(dtype))
    assert logsumexp.dtype == statistics
    finite = wanted_logsumexp.isfinite()
    torch.testing.assert_close(logsumexp.isfinite(), finite)
    torch.testing.assert_close(
        logsumexp[finite].double(), wanted_logsumexp[finite], rtol=1e-5, atol=1e-5
    )


@given(
    leading=leading_sizes,
    lengths=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    sizes=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    block_size=st.integers(1, 11),
    causal=st.booleans(),
    dtype=dtypes,
    seed=st.integers(0, 99),
)
@FEW
def test_backward_agrees_with_autograd_through_torch(
    leading: tuple[int, ...],
    lengths: tuple[int, int],
    sizes: tuple[int, int],
    block_size: int,
    causal: bool,
    dtype: torch.dtype,
    seed: int,
) -> None:
    """The three gradients are those that autograd finds in dense float64 attention."""
    (query_len, key_len), (size, value_size) = lengths, sizes
    query = normal(*leading, query_len, size, seed=seed, dtype=dtype)
    key = normal(*leading, key_len, size, seed=seed + 1, dtype=dtype)
    value = normal(*leading, key_len, value_size, seed=seed + 2, dtype=dtype)
    grad_output = normal(*leading, query_len, value_size, seed=seed + 3, dtype=dtype)
    inputs = [tensor.double().requires_grad_() for tensor in (query, key, value)]

    wide = [tensor.detach() for tensor in inputs]
    wanted_output, logsumexp = expected(*wide, causal)
    # Through `where`, not through the operator: its gradients of empty rows are not the subject.
    mask = bottom_right(query_len, key_len) if causal else torch.ones(query_len, key_len) > 0
    scores = inputs[0] @ inputs[1].mT / math.sqrt(size)
    filled = scores.where(mask, torch.tensor(-1e300, dtype=torch.float64))
    weights = filled.softmax(-1).where(mask, torch.zeros((), dtype=torch.float64))
    wanted = torch.autograd.grad(weights @ inputs[2], inputs, grad_output.double())

    statistics = torch.promote_types(dtype, torch.float32)
    found = flash_attention_backward(
        grad_output,
        query,
        key,
        value,
        wanted_output.to(dtype),
        logsumexp.to(statistics),
        block_size,
        causal,
    )

    # Gradients can cancel to nearly nothing; their error is that of the terms.
    scale = max([1.0, *(float(gradient.abs().max()) for gradient in wanted if gradient.numel())])
    for gradient, tensor, truth in zip(found, (query, key, value), wanted, strict=True):
        assert gradient.dtype == tensor.dtype
        torch.testing.assert_close(
            gradient.double(), truth, rtol=0, atol=2 * TOLERANCE[dtype] * scale
        )


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("lengths", [(5, 7), (7, 5), (3, 3)])
def test_forward_passes_gradcheck(lengths: tuple[int, int], causal: bool) -> None:
    """Autograd through the blocks gives the derivative of output and logsumexp."""
    query_len, key_len = lengths
    query = normal(2, query_len, 4, seed=1).requires_grad_()
    key = normal(2, key_len, 4, seed=2).requires_grad_()
    value = normal(2, key_len, 3, seed=3).requires_grad_()
    first = max(0, query_len - key_len) if causal else 0  # rows before it are empty

    def without_empty_rows(*inputs: Tensor) -> tuple[Tensor, Tensor]:
        output, logsumexp = flash_attention(*inputs, block_size=2, causal=causal)
        return output, logsumexp[..., first:]

    assert torch.autograd.gradcheck(without_empty_rows, (query, key, value))


@pytest.mark.parametrize("causal", [False, True])
def test_backward_equals_autograd_through_the_forward(causal: bool) -> None:
    """What the backward computes by hand is what autograd finds, to the last digits."""
    query = normal(2, 3, 5, 8, seed=1).requires_grad_()
    key = normal(2, 3, 7, 8, seed=2).requires_grad_()
    value = normal(2, 3, 7, 11, seed=3).requires_grad_()
    output, logsumexp = flash_attention(query, key, value, 3, causal)
    grad_output = torch.ones((), dtype=torch.float64).expand_as(output)

    wanted = torch.autograd.grad(output, (query, key, value), grad_output)
    with torch.no_grad():
        found = flash_attention_backward(
            grad_output, query, key, value, output, logsumexp, 2, causal
        )

    for gradient, truth in zip(found, wanted, strict=True):
        assert_close(gradient, truth)


def test_forward_at_huge_logits() -> None:
    """Scaled scores of +-1e4 choose the right key, in whichever block it stands."""
    key = torch.eye(5, dtype=torch.float64) * 2e4
    query = torch.eye(5, dtype=torch.float64) * math.sqrt(5)
    value = normal(5, 3, seed=1)

    for sign, wanted in ((1, value), (-1, (value.sum(0) - value) / 4)):
        output, logsumexp = flash_attention(query, sign * key, value, block_size=2)

        assert_close(output, wanted)
        finite = torch.tensor(2e4 if sign == 1 else math.log(4), dtype=torch.float64)
        assert_close(logsumexp, finite.expand(5))

    # All scores near -1e4: a maximum that starts at 0 would leave nothing to divide by.
    output, _ = flash_attention(query * 0 + 1, key * 0 - 5e3, value, block_size=2)
    assert_close(output, value.mean(0).expand(5, 3))


def test_an_empty_row_is_zero_and_has_zero_gradient() -> None:
    """With more queries than keys, causal, the first rows see nothing: 0, -inf, gradients 0."""
    query, key, value = (normal(n, 4, seed=n).requires_grad_() for n in (7, 3, 3))

    output, logsumexp = flash_attention(query, key, value, block_size=3, causal=True)
    gradients = torch.autograd.grad(output.sum() + logsumexp[4:].sum(), (query, key, value))

    assert output[:4].eq(0).all()
    assert logsumexp[:4].eq(-math.inf).all()
    assert gradients[0][:4].eq(0).all()
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bit_inputs_are_accumulated_in_float32(dtype: torch.dtype) -> None:
    """Over 3000 blocks of one key the sums keep growing, where 16-bit sums would stall."""
    query = torch.zeros(1, 2, dtype=dtype)
    key = normal(3000, 2, seed=1, dtype=dtype)
    value = torch.ones(3000, 3, dtype=dtype)

    output, logsumexp = flash_attention(query, key, value, block_size=1)

    assert torch.equal(output, torch.ones(1, 3, dtype=dtype))
    torch.testing.assert_close(logsumexp, torch.tensor([math.log(3000)]))


def test_no_matrix_of_queries_by_keys_is_held() -> None:
    """Forward and backward hold a small part of what L * S elements would be."""
    query, key, value = normal(200, 4, seed=1), normal(240, 4, seed=2), normal(240, 4, seed=3)

    with torch.no_grad(), tensors_made() as forward:
        output, logsumexp = flash_attention(query, key, value, block_size=16)
    with torch.no_grad(), tensors_made() as backward:
        flash_attention_backward(output, query, key, value, output, logsumexp, block_size=16)

    assert max(forward.held, backward.held) < 200 * 240 / 5


@given(causal=st.booleans(), seed=st.integers(0, 99))
@FEW
def test_strides_do_not_matter_and_inputs_stay_as_they_are(causal: bool, seed: int) -> None:
    """Transposed, sliced and expanded inputs give what their copies give, and are not changed."""
    query = normal(2, 8, 5, seed=seed).mT
    key = normal(2, 7, 16, seed=seed + 1)[..., ::2]
    value = normal(1, 7, 11, seed=seed + 2).expand(2, 7, 11)
    grad_output = normal(2, 11, 5, seed=seed + 3).mT
    before = [tensor.clone() for tensor in (query, key, value, grad_output)]

    output, logsumexp = flash_attention(query, key, value, 3, causal)
    kept = [output.clone(), logsumexp.clone()]
    gradients = flash_attention_backward(
        grad_output, query, key, value, output, logsumexp, 3, causal
    )

    copies = [tensor.contiguous() for tensor in before]
    again, _ = flash_attention(*copies[:3], 3, causal)
    gradients_again = flash_attention_backward(copies[3], *copies[:3], output, logsumexp, 3, causal)
    assert_close(output, again)
    for one, other in zip(gradients, gradients_again, strict=True):
        assert_close(one, other)
    for one, other in zip((query, key, value, grad_output), before, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(output, kept[0])
    assert torch.equal(logsumexp, kept[1])


@pytest.mark.parametrize("block_size", [0, -1])
def test_a_block_size_below_one_is_refused(block_size: int) -> None:
    """The message names the argument and gives its value."""
    x, row = torch.zeros(3, 2), torch.zeros(3)

    with pytest.raises(ValueError, match=rf"block_size .*{block_size}"):
        flash_attention(x, x, x, block_size)
    with pytest.raises(ValueError, match=rf"block_size .*{block_size}"):
        flash_attention_backward(x, x, x, x, x, row, block_size)


def test_traffic_in_numbers_worked_by_hand() -> None:
    """N = 10, d = 4, M = 32: blocks of 2 columns, 5 of them."""
    assert hbm_traffic(10, 4, 32) == {"standard": 160 + 400, "flash": 80 + 5 * (120 + 40)}
    assert hbm_traffic(10, 4, 33)["flash"] == 80 + 4 * (120 + 40)
    assert hbm_traffic(0, 4, 32) == {"standard": 0, "flash": 0}


@given(st.integers(0, 5000), st.integers(1, 128), st.integers(1, 200_000))
@FEW
def test_traffic_is_what_the_algorithms_load_and_store(n: int, d: int, m: int) -> None:
    """Adding up line by line the loads and stores of the paper's algorithms gives the formulas."""
    standard = (2 * n * d + n * n) + (n * n + n * n) + (n * n + n * d) + n * d
    flash = 0
    columns = -(-m // (4 * d))
    for start in range(0, n, columns):
        width = min(columns, n - start)
        flash += 2 * width * d  # K_j and V_j are loaded
        flash += 2 * n * d + 2 * n  # Q_i, O_i, l_i and m_i of every block are loaded
        flash += n * d + 2 * n  # O_i, l_i and m_i are stored

    assert hbm_traffic(n, d, m) == {"standard": standard, "flash": flash}


def test_traffic_falls_with_the_fast_memory() -> None:
    """Theorem 2 of the paper: O(N^2 d^2 / M), so four times the memory is a quarter of it."""
    small, large = (hbm_traffic(2**16, 64, m)["flash"] for m in (2**16, 2**18))

    assert small / large == pytest.approx(4, rel=0.05)

"""The reference of assignment 01, against torch's own operators, autograd and the paper."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from solutions.scaled_dot_product_attention import (
    attention_scores,
    attention_shapes,
    scaled_dot_product_attention,
    softmax,
)

TOLERANCE = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.float16: 2e-2,
    torch.bfloat16: 4e-2,
}
LEADING = [(), (1,), (2,), (2, 3), (2, 1, 3), (0,), (3, 0)]
SIZES = st.integers(1, 9)
property_test = settings(deadline=None, max_examples=40)


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def inputs(
    leading: tuple[int, ...] = (2,), dtype: torch.dtype = torch.float64, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Query (..., 5, 8), key (..., 7, 8), value (..., 7, 11)."""
    return (
        drawn(*leading, 5, 8, seed=seed, dtype=dtype),
        drawn(*leading, 7, 8, seed=seed + 1, dtype=dtype),
        drawn(*leading, 7, 11, seed=seed + 2, dtype=dtype),
    )


def assert_near(actual: Tensor, expected: Tensor) -> None:
    """Same shape and dtype, and values within the pinned tolerance of the dtype."""
    assert expected.shape == actual.shape
    assert expected.dtype == actual.dtype

    tolerance = TOLERANCE[actual.dtype] * max(
        1e-30, float(expected.abs().max()) if expected.numel() else 0.0
    )
    torch.testing.assert_close(actual, expected, rtol=0.0, atol=tolerance)


# softmax


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@property_test
@given(rows=SIZES, middle=SIZES, columns=SIZES, scale=st.sampled_from([1.0, 30.0, 1e4]))
def test_softmax_is_torch_softmax_along_every_axis(
    axis: int, rows: int, middle: int, columns: int, scale: float
) -> None:
    """Along any axis and at any size of the logits, the values are those of `torch.softmax`."""
    x = scale * drawn(rows, middle, columns)

    actual = softmax(x.numpy(), axis=axis)

    np.testing.assert_allclose(actual, torch.softmax(x, axis).numpy(), rtol=0, atol=1e-12)


def test_softmax_of_logarithms_gives_the_shares() -> None:
    """exp(log n) is n, so the weights of log 1, log 2, log 5 are 1/8, 2/8, 5/8."""
    np.testing.assert_allclose(softmax(np.log([1.0, 2.0, 5.0])), [0.125, 0.25, 0.625], rtol=1e-15)


def test_softmax_keeps_ratios_between_huge_logits() -> None:
    """A lead of 1 makes the odds e to 1 at 1e4 and at -1e4, in rows of one array."""
    odds = math.e / (1 + math.e)

    actual = softmax(np.array([[1e4, 1e4 + 1], [-1e4, -1e4 + 1]]))

    np.testing.assert_allclose(actual, [[1 - odds, odds]] * 2, rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_a_slice_of_minus_infinity_is_zero_without_a_warning(axis: int) -> None:
    """Nothing to attend to gives weights 0; its neighbours keep theirs."""
    x = np.array([[0.0, -np.inf, 1.0], [-np.inf] * 3, [2.0, -np.inf, -np.inf]])
    expected = torch.softmax(torch.from_numpy(x), axis).nan_to_num(0).numpy()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        actual = softmax(x, axis=axis)

    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    assert (actual.sum(axis) == 0).sum() == 1


def test_softmax_does_not_hide_a_nan() -> None:
    """A NaN among the logits is the caller's to find, not softmax's to cover up."""
    assert np.isnan(softmax(np.array([0.0, np.nan]))).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_softmax_keeps_the_floating_dtype(dtype: type[np.floating]) -> None:
    """float16 and float32 come back as they went in."""
    x = drawn(3, 5).numpy().astype(dtype)

    actual = softmax(x, axis=0)

    assert dtype == actual.dtype
    np.testing.assert_allclose(actual.sum(axis=0), np.ones(5), rtol=2e-2)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.bool_])
def test_softmax_of_integers_is_float64(dtype: type[np.generic]) -> None:
    """Small integer types do not overflow on the way, and weights are not cut to 0 and 1."""
    x = np.array([[0, 1, 2], [100, 1, 0]]).astype(dtype)
    if dtype is np.int8:
        x[1] = [-100, 100, 0]
    expected = torch.softmax(torch.from_numpy(x).double(), -1).numpy()

    actual = softmax(x)

    assert np.float64 == actual.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_softmax_does_not_change_its_argument() -> None:
    """The caller's logits are the same afterwards."""
    x = drawn(3, 5).numpy()
    before = x.copy()

    softmax(x, axis=0)

    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("shape", [(7,), (0, 3), (3, 0), (2, 0, 3)])
def test_softmax_keeps_any_shape(shape: tuple[int, ...]) -> None:
    """One row alone, no rows and rows without entries keep their shape."""
    assert shape == softmax(np.zeros(shape)).shape


def test_softmax_reads_strided_memory() -> None:
    """A transposed, a reversed and a broadcast view give what their copies give."""
    x = drawn(3, 5).numpy()

    for view in (x.T, x[:, ::-2], np.broadcast_to(x[:1], (4, 5))):
        np.testing.assert_array_equal(softmax(view), softmax(view.copy()))


# attention_scores


@pytest.mark.parametrize("leading", LEADING)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_scores_follow_equation_1(leading: tuple[int, ...], dtype: torch.dtype) -> None:
    """Entry (i, j) is the dot product of query i and key j over sqrt(E), in the inputs' dtype."""
    query, key, _ = inputs(leading, dtype)
    wide = torch.einsum("...ie,...je->...ij", query.double(), key.double()) / 8**0.5

    assert_near(attention_scores(query, key), wide.to(dtype))


@property_test
@given(length=SIZES, keys=SIZES, size=SIZES)
def test_scores_of_unit_vectors_show_the_scale(length: int, keys: int, size: int) -> None:
    """Vectors of ones have the dot product E, so each score is sqrt(E), whatever L and S."""
    actual = attention_scores(torch.ones(length, size), torch.ones(keys, size))

    torch.testing.assert_close(actual, torch.full((length, keys), math.sqrt(size)))


def test_scores_keep_float16_finite_where_the_plain_product_is_not() -> None:
    """A dot product of 81,920 is past float16's 65,504; the scaled score 10,240 is not."""
    query = torch.full((1, 64), 32.0, dtype=torch.float16)

    assert attention_scores(query, query + 8).item() == 10_240


@pytest.mark.parametrize("size", [1, 7, 9])
def test_scores_refuse_a_key_of_another_size(size: int) -> None:
    """Size 1 included, which an elementwise product would broadcast."""
    with pytest.raises(ValueError, match=r"\bkey\b"):
        attention_scores(drawn(5, 8), drawn(7, size))


# scaled_dot_product_attention


@pytest.mark.parametrize("leading", LEADING)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_output_is_torch_scaled_dot_product_attention(
    leading: tuple[int, ...], dtype: torch.dtype
) -> None:
    """With any leading dimensions and dtype, the output is that of torch's own operator."""
    query, key, value = inputs(leading, dtype)
    wide = F.scaled_dot_product_attention(query.double(), key.double(), value.double())

    output, weights = results = scaled_dot_product_attention(query, key, value)

    assert type(results) is tuple
    assert_near(output, wide.to(dtype))
    assert (*leading, 5, 7) == weights.shape
    assert dtype == weights.dtype
    assert_near(weights.sum(-1), torch.ones(*leading, 5, dtype=dtype))


@property_test
@given(
    leading=st.lists(st.integers(0, 3), max_size=3),
    length=SIZES,
    keys=SIZES,
    size=SIZES,
    width=SIZES,
    dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16]),
    seed=st.integers(0, 2**16),
)
def test_output_is_torch_for_all_sizes(
    leading: list[int],
    length: int,
    keys: int,
    size: int,
    width: int,
    dtype: torch.dtype,
    seed: int,
) -> None:
    """L, S, E and Ev vary on their own, down to 1, and a leading size down to 0."""
    query = drawn(*leading, length, size, seed=seed, dtype=dtype)
    key = drawn(*leading, keys, size, seed=seed + 1, dtype=dtype)
    value = drawn(*leading, keys, width, seed=seed + 2, dtype=dtype)
    wide = F.scaled_dot_product_attention(query.double(), key.double(), value.double())

    output, _ = scaled_dot_product_attention(query, key, value)

    assert (*leading, length, width) == output.shape
    assert dtype == output.dtype
    largest = float(value.abs().max()) if value.numel() else 0.0
    torch.testing.assert_close(output.double(), wide, rtol=0, atol=TOLERANCE[dtype] * largest)


def test_identity_values_show_the_weights() -> None:
    """With the identity as values, torch's output is the weights themselves."""
    query, key, _ = inputs()
    expected = F.scaled_dot_product_attention(query, key, torch.eye(7, dtype=query.dtype))

    _, weights = scaled_dot_product_attention(query, key, drawn(2, 7, 11))

    assert_near(weights, expected)


def test_order_of_the_words_does_not_matter() -> None:
    """Shuffling keys and values together shuffles the weights and leaves the output alone."""
    query, key, value = inputs()
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    output, weights = scaled_dot_product_attention(query, key, value)

    shuffled, shuffled_weights = scaled_dot_product_attention(query, key[:, order], value[:, order])

    assert_near(shuffled, output)
    assert_near(shuffled_weights, weights[..., order])


def test_one_key_takes_all_the_weight() -> None:
    """With one key the weight is exactly 1 and every output is its value."""
    value = drawn(2, 1, 11)

    output, weights = scaled_dot_product_attention(drawn(2, 5, 8), drawn(2, 1, 8), value)

    assert torch.equal(weights, torch.ones(2, 5, 1, dtype=torch.float64))
    assert torch.equal(output, value.expand(2, 5, 11))


def test_without_keys_the_output_is_zero() -> None:
    """Nothing to attend to is an empty row of weights and an output of 0."""
    output, weights = scaled_dot_product_attention(drawn(5, 8), drawn(0, 8), drawn(0, 11))

    assert weights.shape == (5, 0)
    assert torch.equal(output, torch.zeros(5, 11, dtype=torch.float64))


@pytest.mark.parametrize(
    ("dtype", "lead"),
    [(torch.float64, 1.0), (torch.float32, 1.0), (torch.float16, 8.0), (torch.bfloat16, 64.0)],
)
def test_huge_scores_stay_finite_and_keep_their_ratio(dtype: torch.dtype, lead: float) -> None:
    """In a row near 8,192 and in one near -8,192, a lead gives the odds e**lead to 1."""
    query = torch.tensor([[64.0, 2.0, 0.0, 0.0]], dtype=dtype)
    query = torch.cat([query, query * torch.tensor([-1, 1, 0, 0])])
    key = torch.tensor([[256.0, 0.0, 0.0, 0.0], [256.0, lead, 0.0, 0.0]], dtype=dtype)
    expected = torch.softmax(torch.tensor([[0.0, lead]] * 2, dtype=torch.float64), -1)

    _, weights = scaled_dot_product_attention(query, key, key)

    assert_near(weights, expected.to(dtype))


def test_gradients_are_right_to_second_order() -> None:
    """Autograd's derivative of both results equals finite differences, and so does its own."""
    query, key, value = (x[..., :3, :].clone().requires_grad_() for x in inputs())

    assert all(result.requires_grad for result in scaled_dot_product_attention(query, key, value))
    assert torch.autograd.gradcheck(scaled_dot_product_attention, (query, key, value))
    assert torch.autograd.gradgradcheck(scaled_dot_product_attention, (query, key, value))


def test_gradient_reaches_a_value_that_alone_asks_for_one() -> None:
    """The gradient of the values is the transposed weights times the cotangent."""
    query, key, value = inputs()
    cotangent = drawn(2, 5, 11, seed=9)
    output, weights = scaled_dot_product_attention(query, key, value.requires_grad_())

    (gradient,) = torch.autograd.grad(output, value, cotangent)

    assert_near(gradient, weights.mT @ cotangent)


def test_no_grad_is_respected() -> None:
    """Under `torch.no_grad()` no graph is kept."""
    with torch.no_grad():
        output, weights = scaled_dot_product_attention(*(x.requires_grad_() for x in inputs()))

    assert not output.requires_grad
    assert not weights.requires_grad


def test_views_give_what_their_copies_give() -> None:
    """Transposed, sliced and expanded inputs need no copy by the caller."""
    query = drawn(2, 8, 5).mT
    key = drawn(2, 14, 8)[:, ::2]
    value = drawn(1, 7, 11).expand(2, 7, 11)
    copies = (x.clone(memory_format=torch.contiguous_format) for x in (query, key, value))

    for one, other in zip(
        scaled_dot_product_attention(query, key, value),
        scaled_dot_product_attention(*copies),
        strict=True,
    ):
        assert_near(one, other)


def test_inputs_are_not_changed() -> None:
    """Query, key and value are the same afterwards."""
    arguments = inputs()
    before = [x.clone() for x in arguments]

    scaled_dot_product_attention(*arguments)

    assert all(map(torch.equal, arguments, before))


def test_attention_refuses_a_key_of_another_size() -> None:
    """The message names the key, as that of `attention_scores` does."""
    with pytest.raises(ValueError, match=r"\bkey\b"):
        scaled_dot_product_attention(drawn(5, 8), drawn(7, 9), drawn(7, 11))


@pytest.mark.parametrize("length", [1, 6, 8])
def test_attention_refuses_values_of_another_length(length: int) -> None:
    """Length 1 included, which would broadcast elsewhere; the message names the value."""
    with pytest.raises(ValueError, match=r"\bvalue\b"):
        scaled_dot_product_attention(drawn(5, 8), drawn(7, 8), drawn(length, 11))


# attention_shapes


@property_test
@given(batch=st.integers(0, 4), length=st.integers(0, 9), sizes=st.tuples(SIZES, SIZES, SIZES))
def test_shapes_are_those_of_a_real_computation(
    batch: int, length: int, sizes: tuple[int, int, int]
) -> None:
    """Weights of `nn.Linear` and torch's products have the very shapes that are named."""
    d_model, d_k, d_v = sizes
    shapes = attention_shapes(batch, length, d_model, d_k, d_v)
    made = {"X": torch.zeros(batch, length, d_model)}
    for letter, width in (("Q", d_k), ("K", d_k), ("V", d_v)):
        linear = torch.nn.Linear(d_model, width, bias=False)
        made[f"W_{letter}"] = linear.weight.T
        made[letter] = linear(made["X"])
    made["scores"] = torch.bmm(made["Q"], made["K"].transpose(1, 2))
    made["weights"] = F.softmax(made["scores"], dim=-1)
    made["output"] = F.scaled_dot_product_attention(made["Q"], made["K"], made["V"])

    assert {name: tuple(tensor.shape) for name, tensor in made.items()} == shapes


def test_shapes_without_d_v_are_those_of_the_base_model() -> None:
    """The paper's base model has d_model 512 and 64 for both d_k and d_v (section 3.2.2)."""
    shapes = attention_shapes(25_000, 1, 512, 64)

    assert shapes == attention_shapes(25_000, 1, 512, 64, 64)
    assert shapes["W_V"] == (512, 64)
    assert all(type(shape) is tuple for shape in shapes.values())

"""What the observations of notebook 04 do not show: published numbers, more sizes, calculus."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from autograder.observe import close, exactly, randn, randomise
from solutions.positional_encoding import (
    LearnedPositionalEmbedding,
    shift_matrix,
    sinusoidal_encoding,
)
from tests.solutions.oracles import Case, assert_agree

agree = partial(assert_agree, "04-positional-encoding")
few = settings(deadline=None, max_examples=40)
even = st.integers(1, 20).map(lambda half: 2 * half)
bases = st.floats(1.5, 1e6)
ALL = [torch.float64, torch.float32, torch.float16, torch.bfloat16]

# The paper's formula at base 100, D = 4, as printed by Saeed, "A Gentle Introduction to Positional
# Encoding in Transformer Models" (Machine Learning Mastery, 2022).
PUBLISHED = [
    [0.0, 1.0, 0.0, 1.0],
    [0.84147098, 0.54030231, 0.09983342, 0.99500417],
    [0.90929743, -0.41614684, 0.19866933, 0.98006658],
    [0.14112001, -0.9899925, 0.29552021, 0.95533649],
]


def both(my: SimpleNamespace, d_model: int = 6, max_len: int = 11) -> tuple[Any, Any]:
    learned = randomise(my.LearnedPositionalEmbedding(d_model, max_len))
    return my.PositionalEncoding(d_model, max_len), learned


def of_both(my: SimpleNamespace, x: Tensor, offset: int = 0) -> list[object]:
    return [close(module(x, offset).double(), 1e-5) for module in both(my)]


def in_every_dtype(my: SimpleNamespace) -> object:
    """After .to(dtype) an x of another dtype still keeps its own."""
    x = randn(2, 5, 6)
    modules = [my.PositionalEncoding(6, 9).to(dtype) for dtype in ALL]
    return [(m.encoding.dtype, [m(x.to(dtype)).dtype for dtype in ALL]) for m in modules]


def after_the_result_was_changed(my: SimpleNamespace) -> object:
    x = randn(2, 5, 6)
    for module in (modules := both(my)):
        module(x, 2).detach().zero_()
    return exactly(x), [module(x, 2) for module in modules]


def dropped(my: SimpleNamespace) -> object:
    torch.manual_seed(0)
    return my.PositionalEncoding(6, 9, dropout=0.3)(randn(2, 5, 6))


CASES: dict[str, Case] = {
    "every dtype": in_every_dtype,
    "the result is changed": after_the_result_was_changed,
    "dropout is torch's, on the sum": dropped,
    "an expanded input": lambda my: of_both(my, randn(5, 6).expand(3, 5, 6)),
    "a sliced input": lambda my: of_both(my, randn(2, 10, 6)[:, ::2]),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@few
@given(st.integers(0, 12), even, bases, st.integers(-400, 400))
def test_tables_and_matrices_of_all_sizes(length: int, d: int, base: float, offset: int) -> None:
    agree(lambda my: close(my.sinusoidal_encoding(length, d, base), 1e-6))
    agree(lambda my: my.shift_matrix(offset, d, base))


@few
@given(
    st.sampled_from([(), (2,), (2, 3), (0,), (2, 0)]),
    st.sampled_from([(5, 0), (5, 3), (11, 0), (0, 11), (1, 10)]),
    st.sampled_from(ALL),
)
def test_rows_of_all_sizes(
    lead: tuple[int, ...], place: tuple[int, int], dtype: torch.dtype
) -> None:
    length, offset = place
    agree(lambda my: [m(randn(*lead, length, 6, dtype=dtype), offset) for m in both(my)])


@pytest.mark.parametrize(
    ("length", "offset", "naming"),
    [(6, 0, "x"), (3, 3, "x"), (1, 5, "x"), (0, 6, "x"), (0, -1, "offset"), (3, -1, "offset")],
)
def test_refusals(length: int, offset: int, naming: str) -> None:
    for index in (0, 1):
        agree(lambda my, i=index: both(my, 4, 5)[i](randn(2, length, 4), offset), naming)


@pytest.mark.parametrize("width", [1, 7])
def test_odd_widths_are_refused(width: int) -> None:
    agree(lambda my: my.sinusoidal_encoding(3, width), "d_model")
    agree(lambda my: my.PositionalEncoding(width), "d_model")


def test_published_and_far_entries() -> None:
    """The numbers printed elsewhere; and position 4,999 is right to one rounding of float32."""
    found = sinusoidal_encoding(4, 4, 100.0)
    torch.testing.assert_close(found, torch.tensor(PUBLISHED), rtol=0, atol=1e-7)
    angles = [4_999 / 10_000 ** (2 * i / 64) for i in range(32)]
    expected = torch.tensor([f(angle) for angle in angles for f in (math.sin, math.cos)])
    torch.testing.assert_close(sinusoidal_encoding(5_000, 64)[-1], expected, rtol=0, atol=1e-7)


def test_similarity_depends_on_the_distance_alone() -> None:
    """The matrix of all dot products is constant along its diagonals."""
    products = (table := sinusoidal_encoding(30, 16).double()) @ table.T
    torch.testing.assert_close(products[1:, 1:], products[:-1, :-1], rtol=0, atol=8e-6)


@few
@given(st.integers(-99, 99), st.integers(-99, 99), even)
def test_shifts_add_up(one: int, two: int, d_model: int) -> None:
    """M(a) M(b) = M(a + b), M(0) = 1, and the way back is the transpose: a rotation."""
    product = shift_matrix(one, d_model) @ shift_matrix(two, d_model)
    torch.testing.assert_close(product, shift_matrix(one + two, d_model), rtol=0, atol=1e-10)
    assert torch.equal(shift_matrix(0, d_model), torch.eye(d_model, dtype=torch.float64))
    assert torch.equal(shift_matrix(-one, d_model), shift_matrix(one, d_model).T)


def test_gradients_agree_with_differences() -> None:
    module = LearnedPositionalEmbedding(4, 7).double()
    x = randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, _: module(x, 2), (x, module.embedding.weight))


@pytest.mark.parametrize("device", ["meta", "cuda"])
def test_another_device(device: str) -> None:
    """The rows move with the module, and the result stays there."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    from solutions import positional_encoding

    for module in both(SimpleNamespace(**vars(positional_encoding))):
        found = module.to(device)(torch.ones(2, 3, 6, device=device), 2)
        assert found.device.type == device
        if device == "cuda":
            here = module.cpu()(torch.ones(2, 3, 6), 2)
            torch.testing.assert_close(found.cpu(), here, rtol=0, atol=1e-6)

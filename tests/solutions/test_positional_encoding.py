"""The reference of 04-positional-encoding against sources that are not ours."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from solutions.positional_encoding import (
    LearnedPositionalEmbedding,
    PositionalEncoding,
    shift_matrix,
    sinusoidal_encoding,
)

SETTINGS = settings(deadline=None, max_examples=40)
DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
LEADING = [(), (2,), (2, 3), (0,), (2, 0)]
TOLERANCE = {torch.float64: 1e-5, torch.float32: 1e-5, torch.float16: 2e-2, torch.bfloat16: 4e-2}

even = st.integers(1, 20).map(lambda half: 2 * half)
bases = st.floats(1.5, 1e6)

# The paper's formula at base 100, D = 4, as printed by Saeed, "A Gentle Introduction to Positional
# Encoding in Transformer Models" (Machine Learning Mastery, 2022).
PUBLISHED = [
    [0.0, 1.0, 0.0, 1.0],
    [0.84147098, 0.54030231, 0.09983342, 0.99500417],
    [0.90929743, -0.41614684, 0.19866933, 0.98006658],
    [0.14112001, -0.9899925, 0.29552021, 0.95533649],
]


def drawn(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def entry(position: int, column: int, d_model: int, base: float) -> float:
    """The paper's formula for one entry, by the standard library's complex exponential."""
    turn = cmath.exp(1j * position / math.pow(base, (column - column % 2) / d_model))
    return turn.real if column % 2 else turn.imag


def close(found: Tensor, expected: Tensor, tolerance: float = 0.0) -> None:
    """Equal shapes and dtypes, and entries within `tolerance` of the largest magnitude."""
    size = expected.abs().max().item() if expected.numel() else 0.0
    torch.testing.assert_close(found, expected, rtol=0.0, atol=tolerance * (size or 1.0))


class TestSinusoidalEncoding:
    def test_the_published_table(self) -> None:
        """The numbers printed elsewhere for base 100 and four columns."""
        close(sinusoidal_encoding(4, 4, 100.0), torch.tensor(PUBLISHED), 1e-7)

    @SETTINGS
    @given(length=st.integers(0, 12), d_model=even, base=bases)
    def test_each_entry_is_the_formula(self, length: int, d_model: int, base: float) -> None:
        """Every entry is the paper's sine or cosine, for any length, width and base."""
        expected = [
            [entry(p, column, d_model, base) for column in range(d_model)] for p in range(length)
        ]

        found = sinusoidal_encoding(length, d_model, base)

        close(found, torch.tensor(expected).reshape(length, d_model), 1e-6)

    def test_far_positions_are_exact_to_float32(self) -> None:
        """At position 4,999 each of 64 columns is right to one rounding of float32."""
        expected = [entry(4_999, column, 64, 10_000.0) for column in range(64)]

        close(sinusoidal_encoding(5_000, 64)[-1], torch.tensor(expected), 1e-7)

    def test_the_base_is_ten_thousand_by_default(self) -> None:
        """The last pair of a wide table turns by nearly 1/10,000 a position."""
        close(sinusoidal_encoding(2, 4)[1, 2:], torch.tensor([math.sin(0.01), math.cos(0.01)]))

    @SETTINGS
    @given(length=st.integers(1, 12), d_model=even, base=bases)
    def test_every_pair_lies_on_the_unit_circle(
        self, length: int, d_model: int, base: float
    ) -> None:
        """A sine and its cosine stand side by side, so their squares sum to 1."""
        pairs = sinusoidal_encoding(length, d_model, base).view(length, -1, 2)

        close(pairs.square().sum(-1), torch.ones(length, d_model // 2), 1e-6)

    def test_similarity_depends_on_the_distance_alone(self) -> None:
        """The matrix of all dot products is constant along its diagonals."""
        table = sinusoidal_encoding(30, 16).double()
        products = table @ table.T

        close(products[1:, 1:], products[:-1, :-1], 1e-6)

    @pytest.mark.parametrize("d_model", [1, 7])
    def test_an_odd_width_is_refused(self, d_model: int) -> None:
        """An odd d_model has a sine without a cosine."""
        with pytest.raises(ValueError, match=r"\bd_model\b"):
            sinusoidal_encoding(3, d_model)

    def test_the_table_is_the_callers_own(self) -> None:
        """Changing a table changes no table made later."""
        before = sinusoidal_encoding(3, 4).clone()
        sinusoidal_encoding(3, 4).zero_()

        close(sinusoidal_encoding(3, 4), before)


def sinusoidal(d_model: int, max_len: int) -> PositionalEncoding:
    return PositionalEncoding(d_model, max_len)


def learned(d_model: int, max_len: int) -> LearnedPositionalEmbedding:
    torch.manual_seed(0)
    return LearnedPositionalEmbedding(d_model, max_len)


Maker = Callable[[int, int], PositionalEncoding | LearnedPositionalEmbedding]
BOTH = pytest.mark.parametrize("make", [sinusoidal, learned])


def rows_of(module: PositionalEncoding | LearnedPositionalEmbedding) -> Tensor:
    if isinstance(module, PositionalEncoding):
        return module.encoding
    return module.embedding.weight.detach()


@BOTH
class TestBothModules:
    """What the fixed and the trained rows have in common."""

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("leading", LEADING)
    @pytest.mark.parametrize(("length", "offset"), [(5, 0), (5, 3), (11, 0), (0, 11), (1, 10)])
    def test_row_offset_plus_l_is_added_at_l(
        self, make: Maker, dtype: torch.dtype, leading: tuple[int, ...], length: int, offset: int
    ) -> None:
        """Position by position, in x's dtype, for any leading dimensions, up to max_len."""
        module, x = make(8, 11), drawn(*leading, length, 8, dtype=dtype)
        index = torch.arange(offset, offset + length)
        expected = x.double() + torch.nn.functional.embedding(index, rows_of(module).double())

        found = module(x, offset)

        assert found.dtype == dtype
        close(found.double(), expected, TOLERANCE[dtype])

    @SETTINGS
    @given(data=st.data())
    def test_a_piece_read_at_its_offset_is_that_piece(
        self, make: Maker, data: st.DataObject
    ) -> None:
        """Reading a sequence in two parts is reading it at once: what decoding relies on."""
        length = data.draw(st.integers(0, 9))
        cut = data.draw(st.integers(0, length))
        module, x = make(6, 9), drawn(2, length, 6, dtype=torch.float32)

        parts = module(x[:, :cut]), module(x[:, cut:], offset=cut)

        close(torch.cat(parts, dim=1), module(x))

    def test_non_contiguous_inputs(self, make: Maker) -> None:
        """A transposed and an expanded x give what their copies give."""
        module = make(6, 9)
        for x in (drawn(2, 6, 5).mT, drawn(5, 6).expand(3, 5, 6), drawn(2, 10, 6)[:, ::2]):
            close(module(x), module(x.contiguous()))

    def test_x_and_the_table_are_left_as_they_were(self, make: Maker) -> None:
        """Nothing is changed in place, and the result shares no memory with x."""
        module, x = make(6, 9), drawn(2, 5, 6)
        before, rows = x.clone(), rows_of(module).clone()

        module(x, 2).zero_()

        close(x, before)
        close(rows_of(module), rows)

    def test_gradients(self, make: Maker) -> None:
        """Numerical differentiation in float64 agrees, for x and for every parameter."""
        module = make(4, 7).double()
        x = drawn(2, 3, 4).requires_grad_()

        assert torch.autograd.gradcheck(lambda x, *_: module(x, 2), (x, *module.parameters()))

    @pytest.mark.parametrize(("length", "offset"), [(6, 0), (3, 3), (1, 5), (0, 6)])
    def test_a_row_past_the_end_is_refused(self, make: Maker, length: int, offset: int) -> None:
        """One position too many, by length or by offset, and the error names x."""
        with pytest.raises(ValueError, match=r"\bx\b"):
            make(4, 5)(drawn(2, length, 4), offset)

    @pytest.mark.parametrize("length", [0, 3])
    def test_a_negative_offset_is_refused(self, make: Maker, length: int) -> None:
        """Rows do not count from the end, as a slice would have it."""
        with pytest.raises(ValueError, match=r"\boffset\b"):
            make(4, 5)(drawn(2, length, 4), -1)

    def test_another_device(self, make: Maker) -> None:
        """The rows move with the module."""
        module = make(4, 5).to("meta")

        assert module(torch.empty(2, 3, 4, device="meta")).device.type == "meta"
        assert rows_of(module).device.type == "meta"

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    def test_on_a_gpu(self, make: Maker) -> None:
        """On a GPU the result is the same and stays there."""
        module, x = make(4, 9), drawn(2, 3, 4, dtype=torch.float32)
        expected = module(x, 2)

        found = module.cuda()(x.cuda(), 2)

        assert found.is_cuda
        close(found.cpu(), expected, 1e-6)


class TestPositionalEncoding:
    def test_the_table_is_a_buffer_that_is_neither_trained_nor_saved(self) -> None:
        """No parameter, an empty state dict, one buffer of the shape (max_len, D)."""
        module = PositionalEncoding(6)

        assert list(module.parameters()) == []
        assert dict(module.state_dict()) == {}
        assert [(n, b.shape) for n, b in module.named_buffers()] == [("encoding", (5_000, 6))]

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_the_table_converts_with_the_module(self, dtype: torch.dtype) -> None:
        """After .to(dtype) an x of another dtype still keeps its own."""
        module = PositionalEncoding(6, 9).to(dtype)

        assert module.encoding.dtype == dtype
        assert [module(drawn(2, 5, 6, dtype=other)).dtype for other in DTYPES] == DTYPES

    def test_the_base_is_passed_on(self) -> None:
        """The buffer is the table of the same base."""
        close(PositionalEncoding(4, 4, base=100.0).encoding, torch.tensor(PUBLISHED), 1e-7)

    def test_an_odd_width_is_refused(self) -> None:
        """As in the table itself."""
        with pytest.raises(ValueError, match=r"\bd_model\b"):
            PositionalEncoding(5)

    def test_dropout_is_torchs_on_the_sum(self) -> None:
        """From the same random state, nn.Dropout of the sum gives the very same numbers."""
        module, x = PositionalEncoding(6, 9, dropout=0.3), drawn(2, 5, 6, dtype=torch.float32)
        torch.manual_seed(0)
        expected = nn.Dropout(0.3)(x + module.encoding[:5])
        torch.manual_seed(0)

        close(module(x), expected)
        close(module.eval()(x), x + module.encoding[:5])

    def test_without_dropout_training_is_evaluation(self) -> None:
        """The default rate is 0."""
        module, x = PositionalEncoding(6, 9), drawn(2, 5, 6)

        close(module.train()(x), module.eval()(x))


class TestShiftMatrix:
    @SETTINGS
    @given(offset=st.integers(-400, 400), d_model=even, base=bases)
    def test_it_moves_every_row(self, offset: int, d_model: int, base: float) -> None:
        """M @ row p is row p + offset, in float64, by the paper's formula for both."""
        start = max(0, -offset)
        before, after = (
            torch.tensor(
                [[entry(p, c, d_model, base) for c in range(d_model)] for p in range(at, at + 3)],
                dtype=torch.float64,
            )
            for at in (start, start + offset)
        )

        close(before @ shift_matrix(offset, d_model, base).T, after, 1e-10)

    @SETTINGS
    @given(one=st.integers(-99, 99), two=st.integers(-99, 99), d_model=even)
    def test_shifts_add_up(self, one: int, two: int, d_model: int) -> None:
        """M(a) M(b) = M(a + b)."""
        close(
            shift_matrix(one, d_model) @ shift_matrix(two, d_model),
            shift_matrix(one + two, d_model),
            1e-10,
        )

    @SETTINGS
    @given(offset=st.integers(-99, 99), d_model=even, base=bases)
    def test_it_is_a_rotation(self, offset: int, d_model: int, base: float) -> None:
        """The way back is the transpose, M M^T is the identity, and the determinant is 1."""
        matrix = shift_matrix(offset, d_model, base)

        close(shift_matrix(-offset, d_model, base), matrix.T)
        close(matrix @ matrix.T, torch.eye(d_model, dtype=torch.float64), 1e-12)
        assert math.isclose(torch.linalg.det(matrix).item(), 1.0, rel_tol=1e-12)

    def test_it_is_the_exponential_of_its_generator(self) -> None:
        """torch's matrix exponential of the turns' generator gives the same matrix."""
        generator = torch.zeros(6, 6, dtype=torch.float64)
        for pair in range(3):
            generator[2 * pair, 2 * pair + 1] = 50.0 ** (-pair / 3)
        generator -= generator.T.clone()

        close(shift_matrix(5, 6, 50.0), torch.linalg.matrix_exp(5 * generator), 1e-12)

    def test_no_shift_is_the_identity(self) -> None:
        """M(0) changes nothing."""
        close(shift_matrix(0, 6), torch.eye(6, dtype=torch.float64))

    def test_the_matrix_is_the_callers_own(self) -> None:
        """Changing a matrix changes no matrix made later."""
        before = shift_matrix(2, 4).clone()
        shift_matrix(2, 4).zero_()

        close(shift_matrix(2, 4), before)


class TestLearnedPositionalEmbedding:
    def test_the_parameter(self) -> None:
        """Exactly one, trained and saved, of the shape (max_len, D)."""
        module = LearnedPositionalEmbedding(6, 11)

        assert [(n, p.shape) for n, p in module.named_parameters()] == [
            ("embedding.weight", (11, 6))
        ]
        assert list(module.state_dict()) == ["embedding.weight"]

    def test_it_is_nn_embedding(self) -> None:
        """With copied weights, torch's own lookup gives the same result and gradients."""
        module, torchs = LearnedPositionalEmbedding(6, 11), nn.Embedding(11, 6)
        torchs.load_state_dict(module.embedding.state_dict())
        x, cotangent = drawn(2, 5, 6, dtype=torch.float32), drawn(2, 5, 6, dtype=torch.float32)
        expected = x + torchs(torch.arange(3, 8))

        found = module(x, offset=3)
        expected.backward(cotangent)
        found.backward(cotangent)

        close(found, expected)
        assert module.embedding.weight.grad is not None
        assert torchs.weight.grad is not None
        close(module.embedding.weight.grad, torchs.weight.grad, 1e-6)

    def test_rows_that_were_not_used_learn_nothing(self) -> None:
        """The gradient of the rows outside offset ... offset + L - 1 is 0."""
        module = LearnedPositionalEmbedding(6, 11)
        module(drawn(2, 5, 6), offset=3).square().sum().backward()

        assert module.embedding.weight.grad is not None
        used = module.embedding.weight.grad.any(-1)
        assert used.tolist() == [False] * 3 + [True] * 5 + [False] * 3

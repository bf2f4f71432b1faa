"""What the observations of notebook 11 do not show: torch's decoder layer, T5's own functions."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

from autograder.observe import randint, randn, randomise
from solutions.encoder_decoder import (
    CrossDecoderBlock,
    EncoderDecoder,
    attention_pattern,
    relative_position_bucket,
    shift_right,
    span_corruption,
)
from tests.solutions.oracles import Case, assert_agree

NAME = "11-encoder-decoder"
agree = partial(assert_agree, NAME)
few = settings(deadline=None, max_examples=25)


def in_torchs_names(block: CrossDecoderBlock) -> dict[str, Tensor]:
    """The weights of a block, as nn.TransformerDecoderLayer calls them."""
    own = block.state_dict()
    found = {
        name.replace("feed_forward.", ""): own[name] for name in own if "attention" not in name
    }
    for here, there in (("self_attention", "self_attn"), ("cross_attention", "multihead_attn")):
        for kind in ("weight", "bias"):
            parts = [own[f"{here}.{part}_proj.{kind}"] for part in "qkv"]
            found[f"{there}.in_proj_{kind}"] = torch.cat(parts)
            found[f"{there}.out_proj.{kind}"] = own[f"{here}.out_proj.{kind}"]
    return found


@pytest.mark.parametrize(("width", "heads", "hidden"), [(12, 3, 13), (8, 1, 5), (6, 6, 24)])
def test_a_block_is_torchs_decoder_layer(width: int, heads: int, hidden: int) -> None:
    """Pre-norm, with a causal mask and padding of the memory, to the last digits of float64."""
    block = randomise(CrossDecoderBlock(width, heads, hidden).double())
    layer = nn.TransformerDecoderLayer(
        width, heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).double()
    layer.load_state_dict(in_torchs_names(block))  # type: ignore[arg-type]
    x, memory = (randn(2, length, width, dtype=torch.float64) for length in (5, 7))
    words = torch.arange(7) < torch.tensor([[4], [7]])
    unseen = torch.ones(5, 5, dtype=torch.bool).triu(1)

    for mask in (None, words):
        found = block(x, memory, mask)
        hidden_keys = None if mask is None else ~mask
        expected = layer(x, memory, tgt_mask=unseen, memory_key_padding_mask=hidden_keys)
        torch.testing.assert_close(
            found, expected, rtol=0, atol=1e-13 * expected.abs().max().item()
        )


class TorchsAttention(nn.Module):
    """An nn.MultiheadAttention of a layer, called as the book calls its own."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        self.attention = attention

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Hand the mask on as torch wants it: of places, or of keys, True = may not."""
        places = None if mask is None or mask.ndim != 2 else ~mask
        keys = None if mask is None or mask.ndim != 3 else ~mask[:, 0]
        found: tuple[Tensor, Tensor] = self.attention(
            query, key, value, key_padding_mask=keys, attn_mask=places, need_weights=False
        )
        return found


@pytest.mark.parametrize(("width", "heads", "hidden"), [(12, 3, 13), (8, 1, 5), (6, 6, 24)])
def test_the_wiring_is_torchs_to_the_last_bit(width: int, heads: int, hidden: int) -> None:
    """With torch's own parts in its places, a block differs from its decoder layer by 0.0."""
    layer = nn.TransformerDecoderLayer(
        width, heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    randomise(layer.double())
    block: Any = CrossDecoderBlock(width, heads, hidden).double()
    block.self_attention = TorchsAttention(layer.self_attn)
    block.cross_attention = TorchsAttention(layer.multihead_attn)
    block.feed_forward.linear1, block.feed_forward.linear2 = layer.linear1, layer.linear2
    block.norm1, block.norm2, block.norm3 = layer.norm1, layer.norm2, layer.norm3
    x, memory = (randn(2, length, width, dtype=torch.float64) for length in (5, 7))
    words = torch.arange(7) < torch.tensor([[4], [7]])
    unseen = torch.ones(5, 5, dtype=torch.bool).triu(1)

    for mask in (None, words):
        hidden_keys = None if mask is None else ~mask
        expected = layer(x, memory, tgt_mask=unseen, memory_key_padding_mask=hidden_keys)
        assert torch.equal(block(x, memory, mask), expected)


def test_a_stack_of_blocks_is_torchs_decoder() -> None:
    """The decoder's side of the whole model, from embeddings to the last norm."""
    # In torch's annotations a submodule may be a tensor, too.
    model: Any = randomise(EncoderDecoder(11, 9, 12, 1, 3, 3, 13).double())
    layer = nn.TransformerDecoderLayer(
        12, 3, 13, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    stack: Any = nn.TransformerDecoder(layer, 3, norm=nn.LayerNorm(12)).double()
    for theirs, ours in zip(stack.layers, model.decoder, strict=True):
        theirs.load_state_dict(in_torchs_names(ours))
    stack.norm.load_state_dict(model.decoder_norm.state_dict())
    ids, memory = randint(0, 11, (2, 5)), randn(2, 7, 12, dtype=torch.float64)

    found = model.decode(ids, memory)

    rows = model.token.weight[ids] + model.target_position.weight[:5]
    hidden = stack(rows, memory, tgt_mask=torch.ones(5, 5, dtype=torch.bool).triu(1))
    torch.testing.assert_close(found, hidden @ model.token.weight.T)


def rounding_decides(distance: int, buckets: int, farthest: int) -> bool:
    """Whether the logarithm is a whole number."""
    exact = buckets // 2
    steps = buckets - exact
    return exact <= distance < farthest and any(
        distance**steps * exact**whole == farthest**whole * exact**steps for whole in range(steps)
    )


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("buckets", "farthest"), [(32, 128), (20, 50), (11, 30), (64, 1_000)])
def test_buckets_are_t5s(bidirectional: bool, buckets: int, farthest: int) -> None:
    """All positions from -1200 to 1200, but those where the logarithm is a whole number."""
    relative = torch.arange(-1_200, 1_201)
    side = buckets // 2 if bidirectional else buckets
    clear = [not rounding_decides(abs(each), side, farthest) for each in relative.tolist()]
    relative = relative[torch.tensor(clear)]

    found = relative_position_bucket(relative, bidirectional, buckets, farthest)

    theirs: Any = T5Attention._relative_position_bucket
    expected = theirs(relative, bidirectional, num_buckets=buckets, max_distance=farthest)
    assert found.tolist() == expected.tolist()


def test_where_rounding_decides_in_t5s_encoder() -> None:
    """The distances that the notebook names, and no others; far from whole numbers elsewhere."""
    assert [each for each in range(300) if rounding_decides(each, 16, 128)] == [8, 16, 32, 64]
    for bidirectional, buckets, farthest in (
        (True, 32, 128), (False, 32, 128), (True, 20, 50), (False, 12, 100), (True, 64, 1_000),
        (True, 11, 30), (False, 7, 20), (True, 4, 9), (False, 8, 64), (True, 12, 40),
        (False, 10, 25), (True, 9, 17), (False, 5, 17),
    ):  # fmt: skip
        side = buckets // 2 if bidirectional else buckets
        exact = side // 2
        for distance in range(exact, farthest):
            if not rounding_decides(distance, side, farthest):
                steps = math.log(distance / exact) / math.log(farthest / exact) * (side - exact)
                assert abs(steps - round(steps)) > 1e-4, (bidirectional, buckets, distance)


@few
@given(st.integers(0, 3), st.integers(0, 6), st.integers(0, 9))
def test_inputs_are_t5s(texts: int, length: int, pad_id: int) -> None:
    """With T5's own method, whose start token is a setting."""
    there = SHIFTING
    there.config.decoder_start_token_id, there.config.pad_token_id = 3, pad_id
    ids = torch.randint(0, 20, (texts, length))
    ids[torch.rand(texts, length) < 0.3] = -100
    if not length:
        assert shift_right(ids, 3, pad_id).shape == ids.shape
        return

    assert torch.equal(shift_right(ids, 3, pad_id), there._shift_right(ids))


SHIFTING: Any = T5ForConditionalGeneration(
    T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
)


@few
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=6), st.integers(0, 4))
def test_the_gaps_can_be_filled(spans: list[tuple[int, int]], rest: int) -> None:
    """Whatever was cut out, inputs and targets together are the text again."""
    starts, place = [], 0
    for before, size in spans:
        starts.append(place + before)
        place += before + size
    ids = torch.arange(place + rest)
    lengths = torch.tensor([size for _, size in spans], dtype=torch.int64)

    inputs, targets = span_corruption(ids, torch.tensor(starts, dtype=torch.int64), lengths, 999)

    filled, missing = [], targets.tolist()
    assert missing[-1] == 999 - len(spans)
    for token in inputs.tolist():
        if token > 900:
            begin = missing.index(token) + 1
            filled += missing[begin : missing.index(token - 1)]
        else:
            filled.append(token)
    assert filled == ids.tolist()


def test_the_example_of_the_paper() -> None:
    """Raffel et al. 2020, figure 2: "Thank you for inviting me to your party last week"."""
    text = torch.arange(10)
    inputs, targets = span_corruption(text, torch.tensor([2, 8]), torch.tensor([2, 1]), 32_099)

    assert inputs.tolist() == [0, 1, 32_099, 4, 5, 6, 7, 32_098, 9]
    assert targets.tolist() == [32_099, 2, 3, 32_098, 8, 32_097]


def test_patterns_are_torchs() -> None:
    """Its causal mask says where it adds 0; the prefix opens columns of it."""
    added = nn.Transformer.generate_square_subsequent_mask(6)
    assert torch.equal(attention_pattern("decoder", 6), added == 0)
    opened = added.clone()
    opened[:, :2] = 0
    assert torch.equal(attention_pattern("prefix", 6, 2), opened == 0)


@pytest.mark.parametrize(("encoders", "decoders"), [(0, 0), (2, 3), (6, 6)])
def test_how_many_numbers_are_learned(encoders: int, decoders: int) -> None:
    """Three tables, blocks of two and of three sub-layers, two norms."""
    with torch.device("meta"):
        model = EncoderDecoder(1_000, 50, 64, encoders, decoders, 4, 256)
    attention, feed_forward, norm = 4 * (64 * 64 + 64), 2 * 64 * 256 + 256 + 64, 2 * 64
    expected = (1_000 + 2 * 50) * 64 + 2 * norm
    expected += encoders * (attention + feed_forward + 2 * norm)
    expected += decoders * (2 * attention + feed_forward + 3 * norm)

    assert sum(parameter.numel() for parameter in model.parameters()) == expected


def of_block(my: Any) -> Any:
    block = randomise(my.CrossDecoderBlock(6, 2, 5).double())
    x = randn(4, 2, 6, dtype=torch.float64).transpose(0, 1)
    mask = torch.tensor([[True, False, True], [False, True, True]])
    return block(x, randn(2, 3, 6, dtype=torch.float64), mask)


CASES: dict[str, Case] = {
    "a block with a mask": of_block,
    "one token each": lambda my: randomise(my.EncoderDecoder(5, 3, 4, 1, 1, 2, 3))(
        torch.tensor([[4]]), torch.tensor([[1]])
    ),
    "expanded texts": lambda my: randomise(my.EncoderDecoder(5, 3, 4, 1, 1, 2, 3))(
        torch.tensor([[4, 0, 1]]).expand(3, 3), torch.tensor([[2]]).expand(3, 2)
    ),
    "one target": lambda my: my.shift_right(torch.tensor([-100]), 4, 2),
    "a long prefix": lambda my: my.attention_pattern("prefix", 50, 49),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@pytest.mark.parametrize("length", [7, 8, 100])
def test_texts_past_the_tables_are_refused(length: int) -> None:
    long, short = torch.zeros(1, length, dtype=torch.int64), torch.zeros(1, 2, dtype=torch.int64)
    agree(lambda my: my.EncoderDecoder(5, 6, 4, 1, 1, 2, 3)(long, short), "source")
    agree(lambda my: my.EncoderDecoder(5, 6, 4, 1, 1, 2, 3)(short, long), "target_inputs")


def test_gradients_agree_with_differences() -> None:
    block = randomise(CrossDecoderBlock(4, 2, 3).double())
    x, memory = (randn(2, n, 4, dtype=torch.float64, requires_grad=True) for n in (2, 3))
    mask = torch.tensor([[True, False, True], [False, False, False]])
    assert torch.autograd.gradcheck(lambda x, memory: block(x, memory, mask), (x, memory))


def test_hidden_tokens_move_nothing() -> None:
    """A padded batch gives what each text gives alone."""
    model = randomise(EncoderDecoder(11, 9, 12, 2, 2, 3, 13).double())
    source, inputs = randint(0, 11, (2, 7)), randint(0, 11, (2, 5))
    words = torch.arange(7) < torch.tensor([[4], [7]])

    together = model(source, inputs, words)

    alone = model(source[:1, :4], inputs[:1])
    torch.testing.assert_close(together[:1], alone)
    torch.testing.assert_close(together[1:], model(source[1:], inputs[1:]))


def test_numbers_of_the_prose() -> None:
    """Tokens that are asked for, and the first loss of the last task."""
    assert round(100 * 0.15) == 15
    assert round(1 / 0.15) == 7
    assert 3 + 26 == 29
    assert round(math.log(29), 1) == 3.4

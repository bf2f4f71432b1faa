"""What the observations of the Llama challenge do not show: Hugging Face's model, and glassllm."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, LlamaModel

from autograder.observe import randn, randomise
from solutions.challenge_llama import (
    Llama,
    LlamaBlock,
    RMSNorm,
    SwiGLU,
    llama_parameter_count,
    load_llama,
)
from tests import harness
from tests.solutions.oracles import Case, assert_agree, random_model
from workbook import glassllm

NAME = "challenge-llama"
agree = partial(assert_agree, NAME)
few = settings(deadline=None, max_examples=25)

# Vocabulary, width, blocks, heads, heads of keys, hidden size.
SIZES = [
    (61, 24, 2, 4, 2, 13),
    (11, 48, 1, 6, 2, 20),
    (7, 16, 3, 4, 4, 9),
    (5, 40, 2, 5, 1, 31),
    (13, 8, 11, 2, 1, 3),
]
BASE, EPS = 500.0, 1e-3


def theirs(sizes: tuple[int, ...], tied: bool = False, kind: type[Any] = LlamaForCausalLM) -> Any:
    """A model of Hugging Face's, with numbers large enough to tell mistakes apart."""
    vocabulary, width, layers, heads, kv_heads, hidden = sizes
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        intermediate_size=hidden,
        rope_parameters={"rope_type": "default", "rope_theta": BASE},
        rms_norm_eps=EPS,
        tie_word_embeddings=tied,
        bos_token_id=None,
        eos_token_id=None,
    )
    return random_model(kind, config, sum(sizes))


def ours(sizes: tuple[int, ...], tied: bool = False) -> Llama:
    return Llama(*sizes, base=BASE, eps=EPS, tied=tied).double().eval()


def ids_for(sizes: tuple[int, ...]) -> Tensor:
    return torch.randint(sizes[0], (3, 17))


def same(found: Tensor, expected: Tensor) -> None:
    """Their frequencies and norms are float32, so float64 agrees only to about 1e-6."""
    expected = expected.detach()
    largest = expected.abs().max().item()
    torch.testing.assert_close(found.detach(), expected, rtol=0, atol=2e-6 * largest)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_loaded_weights_give_hugging_faces_logits(sizes: tuple[int, ...], tied: bool) -> None:
    there, model, ids = theirs(sizes, tied), ours(sizes, tied), ids_for(sizes)
    load_llama(model, there.state_dict())

    same(model(ids)[0], there(ids).logits)


@pytest.mark.parametrize("sizes", SIZES)
def test_the_model_without_a_head_is_loaded_too(sizes: tuple[int, ...]) -> None:
    """What its last norm gives, scored by the table; its names have no prefix."""
    there, model, ids = theirs(sizes, kind=LlamaModel), ours(sizes, tied=True), ids_for(sizes)
    load_llama(model, there.state_dict())

    same(model(ids)[0], there(ids).last_hidden_state @ there.embed_tokens.weight.T)


@pytest.mark.parametrize("sizes", SIZES)
def test_the_cache_goes_on_as_theirs(sizes: tuple[int, ...]) -> None:
    """Values of each block are theirs, keys but for the order of the numbers; so are the scores."""
    there, model, ids = theirs(sizes), ours(sizes), ids_for(sizes)
    load_llama(model, there.state_dict())

    before = there(ids[:, :9], use_cache=True)
    _, caches = model(ids[:, :9])
    for layer, (keys, values) in zip(before.past_key_values.layers, caches, strict=True):
        same(values, layer.values)
        same(torch.cat([keys[..., 0::2], keys[..., 1::2]], dim=-1), layer.keys)
    expected = there(ids[:, 9:], cache=before.past_key_values).logits
    same(model(ids[:, 9:], caches)[0], expected)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("tied", [False, True])
def test_the_count_is_theirs(sizes: tuple[int, ...], tied: bool) -> None:
    expected = sum(parameter.numel() for parameter in theirs(sizes, tied).parameters())

    assert llama_parameter_count(*sizes, tied) == expected
    assert sum(parameter.numel() for parameter in ours(sizes, tied).parameters()) == expected


def test_llama_3_8b_has_as_many_parameters_as_theirs() -> None:
    """Without memory for any of them; and the shares that the notebook draws."""
    sizes = 128_256, 4_096, 32, 32, 8, 14_336
    with torch.device("meta"):
        found = Llama(*sizes, base=500_000.0)
    assert sum(parameter.numel() for parameter in found.parameters()) == 8_030_261_248
    assert llama_parameter_count(*sizes) == 8_030_261_248
    # Llama 3.2 1B is tied; its size is in its name.
    assert llama_parameter_count(128_256, 2_048, 16, 32, 8, 8_192, tied=True) == 1_235_814_400


def test_the_numbers_in_the_text() -> None:
    """What float16 makes of two squares; a width of 8/3; how much larger Llama 3 8B is."""
    numbers = torch.tensor([300.0, 1e-4], dtype=torch.float16)
    assert numbers.square().tolist() == [math.inf, 0.0]
    assert pytest.approx(8 / 3 * 4_096, rel=0.01) == 11_008
    assert pytest.approx(16e9, rel=0.01) == 2 * 8_030_261_248
    assert pytest.approx(10_000, rel=0.1) == 8_030_261_248 / 852_608


@few
@given(st.integers(1, 9), st.sampled_from([torch.float64, torch.float32, torch.bfloat16]))
def test_the_norm_is_torchs(width: int, dtype: torch.dtype) -> None:
    """torch's own norm, in at least float32."""
    norm = randomise(RMSNorm(width, 1e-3)).to(dtype)
    x = torch.randn(3, width).to(dtype)
    kind = torch.promote_types(dtype, torch.float32)
    expected = F.rms_norm(x.to(kind), (width,), norm.weight.detach().to(kind), 1e-3).to(dtype)

    torch.testing.assert_close(norm(x).detach(), expected, rtol=1e-2, atol=0)
    if dtype == torch.float64:
        torch.testing.assert_close(norm(x).detach(), expected)


@few
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_any_pieces_are_as_all_at_once(lengths: list[int]) -> None:
    """However a text is cut, logits and caches are the same."""
    model, total = randomise(Llama(7, 12, 2, 2, 1, 5).double()), sum(lengths)
    ids = torch.arange(total)[None] * 3 % 7
    expected, at_once = model(ids)
    caches, found = None, []
    for piece in ids.split(lengths, dim=1):
        logits, caches = model(piece, caches)
        found.append(logits)

    torch.testing.assert_close(torch.cat(found, dim=1), expected)
    torch.testing.assert_close(caches, at_once)


@few
@given(st.integers(0, 40))
def test_only_distances_count(moved: int) -> None:
    """All positions moved on by as much give the same output, and other keys."""
    block = randomise(LlamaBlock(16, 4, 2, 6).double())
    x, positions = randn(2, 5, 16, dtype=torch.float64), torch.tensor([3, 0, 8, 8, 1])

    here, there = block(x, positions)[0], block(x, positions + moved)[0]

    torch.testing.assert_close(there, here, rtol=0, atol=1e-5)


def of_block(my: Any) -> Any:
    block = randomise(my.LlamaBlock(12, 2, 1, 5).double())
    cache = randn(2, 1, 3, 6, dtype=torch.float64), randn(2, 1, 3, 6, dtype=torch.float64)
    return block(randn(4, 2, 12, dtype=torch.float64).transpose(0, 1), torch.arange(3, 7), cache)[
        1
    ][1]


CASES: dict[str, Case] = {
    "values behind a cache": of_block,
    "a norm of one vector of one number": lambda my: my.RMSNorm(1)(torch.tensor([-3.0])),
    "an expanded vector": lambda my: randomise(my.SwiGLU(3, 4))(torch.ones(3).expand(2, 5, 3)),
    "no blocks at all": lambda my: randomise(my.Llama(5, 4, 0, 2, 1, 3))(torch.tensor([[4]])),
    "a count of one": lambda my: my.llama_parameter_count(1, 2, 1, 1, 1, 1),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


def test_gradients_agree_with_differences() -> None:
    network = randomise(SwiGLU(4, 3).double())
    norm = randomise(RMSNorm(4, 1e-2).double())
    x = randn(2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: network(norm(x)), (x,))


def trained() -> tuple[Any, Llama]:
    """glassllm in the learner's model, by the notebook's own cell."""
    (cell,) = [each for each in harness.notebook(NAME).cells if each.id == "trained"]
    names: dict[str, Any] = {**harness.solutions(NAME), "print": lambda *_: None}
    exec(cell.source, names)
    return names["trained"], names["model"]


def test_glassllm_says_what_the_notebook_says() -> None:
    """852,608 parameters; perplexity 36.9 of the sentence; how its greedy text begins."""
    read, model = trained()
    sentence = "Alice was beginning to get very tired of sitting by her sister"
    ids = torch.tensor([read.encode(sentence)])
    with torch.no_grad():
        logits, caches = model(ids)
        said = torch.log_softmax(logits[0, :-1].double(), dim=-1).gather(-1, ids[0, 1:, None])
        written = []
        for _ in range(8):
            written.append(int(logits[0, -1].argmax()))
            logits, caches = model(torch.tensor([written[-1:]]), caches)

    assert sum(parameter.numel() for parameter in model.parameters()) == 852_608
    assert llama_parameter_count(1024, 128, 4, 4, 2, 341, tied=True) == 852_608
    assert round(math.exp(-said.mean()), 1) == 36.9
    assert read.decode(written) == ",\nand she was saying to"


def test_its_rows_need_not_move() -> None:
    """Copied as published, only turned over, it gives the same logits."""
    read, model = trained()
    direct = Llama(1024, 128, 4, 4, 2, 341, eps=1e-6, tied=True)
    names = {
        "W_Q": "attention.q_proj",
        "W_K": "attention.k_proj",
        "W_V": "attention.v_proj",
        "W_O": "attention.o_proj",
        "W1": "feed_forward.gate_proj",
        "W3": "feed_forward.up_proj",
        "W2": "feed_forward.down_proj",
    }
    with torch.no_grad():
        direct.token.weight.copy_(read.weights["E"])
        direct.norm.weight.copy_(read.weights["norm_f.gamma"])
        for number, block in enumerate(direct.blocks):
            for part in ("norm1", "norm2"):
                block.get_parameter(f"{part}.weight").copy_(
                    read.weights[f"blocks.{number}.{part}.gamma"]
                )
            for name, weight in read.weights.items():
                last = name.rsplit(".", 1)[-1]
                if name.startswith(f"blocks.{number}.") and last in names:
                    block.get_parameter(f"{names[last]}.weight").copy_(weight.T)
    ids = torch.tensor([read.encode("The Cat only grinned when it saw Alice.")])

    torch.testing.assert_close(model(ids)[0], direct(ids)[0])


@pytest.mark.parametrize("text", ["Alice", "The Cat only\ngrinned.", "  two  spaces ", ""])
def test_a_text_comes_back_from_its_tokens(text: str) -> None:
    """But for characters that the model never read, each of which is one unknown token."""
    read = glassllm()

    assert read.decode(read.encode(text)) == text
    assert read.encode("\N{SNOWMAN}") == [read.pieces.index("<unk>")]

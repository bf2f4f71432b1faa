"""What the observations of notebook 07 do not show: Hugging Face's model, its cache and start."""

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
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Model

from autograder.observe import randint, randn, randomise
from solutions.language_model import (
    GPT,
    DecoderBlock,
    gpt2_init,
    load_gpt2,
    next_token_log_probabilities,
    perplexity,
)
from tests import harness
from tests.solutions import tiny_gpt2
from tests.solutions.oracles import Case, assert_agree, random_model

NAME = "07-language-model"
agree = partial(assert_agree, NAME)
few = settings(deadline=None, max_examples=25)

# Width, blocks, heads, vocabulary, places.
SIZES = [
    (24, 2, 3, 61, 32),
    (8, 1, 1, 5, 4),
    (16, 3, 4, 30, 17),
    (12, 11, 2, 7, 9),
    (6, 2, 6, 2, 3),
]


def theirs(sizes: tuple[int, ...], kind: type[Any] = GPT2LMHeadModel) -> Any:
    """A model of Hugging Face's, with numbers large enough to tell mistakes apart."""
    width, layers, heads, vocabulary, places = sizes
    config = GPT2Config(
        vocab_size=vocabulary,
        n_positions=places,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        bos_token_id=None,
        eos_token_id=None,
    )
    return random_model(kind, config, sum(sizes))


def ours(sizes: tuple[int, ...]) -> GPT:
    width, layers, heads, vocabulary, places = sizes
    return GPT(vocabulary, places, width, layers, heads).double().eval()


def ids_for(sizes: tuple[int, ...]) -> Tensor:
    return torch.randint(sizes[3], (3, sizes[4]))


def cell(name: str) -> dict[str, Any]:
    (found,) = [each for each in harness.notebook(NAME).cells if each.id == name]
    names: dict[str, Any] = {}
    exec(found.source, names)
    return names


def test_the_cell_is_what_the_script_makes() -> None:
    """Hugging Face's log probabilities of the notebook come out of its own class, again."""
    (found,) = [each for each in harness.notebook(NAME).cells if each.id == "tiny-gpt2"]
    assert found.source == tiny_gpt2.cell()


def test_the_small_model_says_what_theirs_says() -> None:
    """16,728 parameters; to the ten digits that the notebook holds, and perplexity 418."""
    names = cell("tiny-gpt2")
    model = GPT(*(names[each] for each in ("VOCAB", "LENGTH", "WIDTH", "LAYERS", "HEADS"))).double()
    load_gpt2(model, tiny_gpt2.weights_of(tiny_gpt2.tiny_gpt2()))
    ids = torch.tensor([names["IDS"]])

    found = next_token_log_probabilities(model(ids)[0], ids)

    assert sum(parameter.numel() for parameter in model.parameters()) == 16_728
    assert len(names["PACKED"].replace("\n", "")) == 4 * math.ceil(2 * 16_728 / 3)
    torch.testing.assert_close(
        found[0], torch.tensor(names["EXPECTED"], dtype=torch.float64), rtol=0, atol=1e-9
    )
    assert round(perplexity(found).item()) == 418


@pytest.mark.parametrize("kind", [GPT2LMHeadModel, GPT2Model])
@pytest.mark.parametrize("sizes", SIZES)
def test_loaded_weights_give_hugging_faces_numbers(sizes: tuple[int, ...], kind: type[Any]) -> None:
    """From either class; logits, or what the last norm gives."""
    there, model, ids = theirs(sizes, kind), ours(sizes), ids_for(sizes)
    load_gpt2(model, there.state_dict())

    if kind is GPT2Model:
        expected = there(ids).last_hidden_state @ there.wte.weight.T
    else:
        expected = there(ids).logits

    torch.testing.assert_close(
        model(ids)[0], expected, rtol=0, atol=1e-10 * expected.detach().abs().max().item()
    )


@pytest.mark.parametrize("sizes", SIZES)
def test_the_cache_is_theirs(sizes: tuple[int, ...]) -> None:
    """Keys and values of each block, and the logits behind them, one token and several at once."""
    there, model, ids = theirs(sizes), ours(sizes), ids_for(sizes)
    load_gpt2(model, there.state_dict())
    cut = ids.shape[1] // 2

    before = there(ids[:, :cut], use_cache=True)
    _, caches = model(ids[:, :cut])
    for layer, (keys, values) in zip(before.past_key_values.layers, caches, strict=True):
        torch.testing.assert_close(keys, layer.keys)
        torch.testing.assert_close(values, layer.values)
    expected = there(ids[:, cut:], cache=before.past_key_values).logits
    torch.testing.assert_close(model(ids[:, cut:], caches)[0], expected)


def test_perplexity_is_exp_of_their_loss() -> None:
    """Their loss shifts the labels itself; it is calculated in float32."""
    there, ids = theirs(SIZES[0]), ids_for(SIZES[0])
    model = ours(SIZES[0])
    load_gpt2(model, there.state_dict())

    found = perplexity(next_token_log_probabilities(model(ids)[0], ids))

    expected = there(ids, labels=ids).loss.double().exp()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)


def test_the_start_is_theirs() -> None:
    """The spread of each kind of weight, as their class begins."""
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=500, n_positions=300, n_embd=64, n_layer=4, n_head=4)
    there = GPT2LMHeadModel(config)
    model = GPT(500, 300, 64, 4, 4)
    gpt2_init(model)
    loaded = GPT(500, 300, 64, 4, 4)
    load_gpt2(loaded, there.state_dict())

    for (name, found), expected in zip(model.named_parameters(), loaded.parameters(), strict=True):
        if found.ndim > 1:
            assert found.std().item() == pytest.approx(expected.std().item(), rel=0.08), name
        else:
            assert torch.equal(found, expected), name


def test_gpt2_small_has_as_many_parameters_as_theirs() -> None:
    """Without memory for any of them; their head is the table once more."""
    with torch.device("meta"):
        found, expected = GPT(50_257, 1_024, 768, 12, 12), GPT2LMHeadModel(GPT2Config())

    assert sum(parameter.numel() for parameter in found.parameters()) == 124_439_808
    assert sum(parameter.numel() for parameter in expected.parameters()) == 124_439_808


@few
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_any_pieces_are_as_all_at_once(lengths: list[int]) -> None:
    """However a text is cut, logits and caches are the same."""
    model, total = randomise(GPT(7, 20, 8, 2, 2).double()), sum(lengths)
    ids = torch.arange(total)[None] * 3 % 7
    expected, at_once = model(ids)
    caches, found = None, []
    for piece in ids.split(lengths, dim=1):
        logits, caches = model(piece, caches)
        found.append(logits)

    torch.testing.assert_close(torch.cat(found, dim=1), expected)
    torch.testing.assert_close(caches, at_once)


@few
@given(st.integers(0, 3), st.integers(1, 6), st.integers(1, 5))
def test_log_probabilities_are_torchs_loss(texts: int, length: int, words: int) -> None:
    logits = 3 * torch.randn(texts, length, words, dtype=torch.float64)
    ids = torch.randint(words, (texts, length))

    found = next_token_log_probabilities(logits, ids)

    expected = F.cross_entropy(
        logits[:, :-1].reshape(-1, words), ids[:, 1:].reshape(-1), reduction="none"
    )
    torch.testing.assert_close(found, -expected.view(texts, length - 1))


def of_block(my: Any) -> Any:
    block = randomise(my.DecoderBlock(6, 2, 5).double())
    cache = randn(2, 2, 3, 3, dtype=torch.float64), randn(2, 2, 3, 3, dtype=torch.float64)
    return block(randn(4, 2, 6, dtype=torch.float64).transpose(0, 1), cache)


CASES: dict[str, Case] = {
    "a block behind a cache": of_block,
    "one id": lambda my: randomise(my.GPT(5, 3, 4, 1, 2))(torch.tensor([[4]]))[0],
    "an expanded text": lambda my: randomise(my.GPT(5, 3, 4, 1, 2))(
        torch.tensor([[4, 0, 1]]).expand(3, 3)
    )[0],
    "one text of one token": lambda my: my.next_token_log_probabilities(
        randn(1, 1, 3), randint(0, 3, (1, 1))
    ),
    "a number": lambda my: my.perplexity(torch.tensor(-1.5)),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@pytest.mark.parametrize("length", [7, 8, 100])
def test_texts_past_the_table_are_refused(length: int) -> None:
    agree(lambda my: my.GPT(5, 6, 4, 1, 2)(torch.zeros(1, length, dtype=torch.int64)), "ids")


def test_gradients_agree_with_differences() -> None:
    block = randomise(DecoderBlock(4, 2, 3).double())
    x = randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
    keys, values = (randn(1, 2, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(lambda x, k, v: block(x, (k, v))[0], (x, keys, values))
    counted = torch.tensor([True, False, True])
    said = randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda said: perplexity(said, counted), (said,))


def test_a_fresh_model_is_as_unsure_as_a_die() -> None:
    """What the notebook says of the first perplexity, and of the shares of the table."""
    torch.manual_seed(0)
    model = GPT(100, 50, 64, 4, 4)
    gpt2_init(model)
    ids = torch.randint(100, (8, 50))
    assert perplexity(next_token_log_probabilities(model(ids)[0], ids)).item() == pytest.approx(
        100, rel=0.03
    )
    table = 50_257 * 768
    assert table == 38_597_376
    assert [round(100 * table / each) for each in (124_439_808, 124_439_808 + table)] == [31, 24]

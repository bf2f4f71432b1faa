"""What the observations of notebook 10 do not show: Hugging Face's BERT, its heads and counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertForSequenceClassification,
    BertModel,
)

from autograder.observe import randn, randomise
from solutions.bert import (
    Bert,
    BertEmbeddings,
    MaskedLanguageHead,
    SequenceClassifier,
    load_bert,
)
from tests import harness
from tests.solutions.oracles import Case, assert_agree, random_model

NAME = "10-bert"
agree = partial(assert_agree, NAME)

# Width, layers, heads, inside feed-forward, vocabulary, places.
SIZES = [
    (24, 2, 3, 50, 61, 32),
    (8, 1, 1, 5, 7, 4),
    (12, 11, 2, 13, 7, 9),
    (6, 3, 6, 2, 5, 3),
]


def theirs(sizes: tuple[int, ...], kind: type[Any] = BertModel, **options: Any) -> Any:
    """A model of Hugging Face's, with numbers large enough to tell mistakes apart."""
    width, layers, heads, inside, vocabulary, places = sizes
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inside,
        max_position_embeddings=places,
        pad_token_id=None,  # else the row of id 0 would learn nothing there
        **options,
    )
    return random_model(kind, config, sum(sizes))


def ours(sizes: tuple[int, ...]) -> Bert:
    width, layers, heads, inside, vocabulary, places = sizes
    return Bert(vocabulary, places, width, layers, heads, inside).double().eval()


def given(sizes: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, where words stand, and types: both segments, and padding of different lengths."""
    places = sizes[5]
    ids = torch.randint(sizes[4], (3, places))
    words = torch.arange(places) < torch.tensor([places, max(1, places // 2), 1])[:, None]
    types = (torch.arange(places) >= places // 2).long().expand(3, places)
    return ids, words, types


def close(found: Tensor, expected: Tensor) -> None:
    largest = expected.detach().abs().max().item()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 * max(1.0, largest))


@pytest.mark.parametrize("sizes", SIZES)
def test_loaded_weights_give_hugging_faces_numbers(sizes: tuple[int, ...]) -> None:
    """hidden and pooled of BertModel, at padding too, with both segments."""
    there, model = theirs(sizes), ours(sizes)
    ids, words, types = given(sizes)
    load_bert(model, there.state_dict())

    hidden, pooled = model(ids, words, types)

    expected = there(ids, attention_mask=words.long(), token_type_ids=types)
    close(hidden, expected.last_hidden_state)
    close(pooled, expected.pooler_output)
    plain = there(ids)
    close(model(ids)[0], plain.last_hidden_state)
    close(model(ids)[1], plain.pooler_output)


@pytest.mark.parametrize("sizes", SIZES)
def test_embeddings_are_theirs(sizes: tuple[int, ...]) -> None:
    """With types, and without."""
    there, model = theirs(sizes), ours(sizes)
    ids, _, types = given(sizes)
    load_bert(model, there.state_dict())

    close(model.embeddings(ids, types), there.embeddings(ids, token_type_ids=types))
    close(model.embeddings(ids), there.embeddings(ids))


def head_of(there: Any, model: Bert) -> MaskedLanguageHead:
    """The head of theirs, its numbers copied by hand."""
    head, predictions = MaskedLanguageHead(model.embeddings).double(), there.cls.predictions
    with torch.no_grad():
        head.bias.copy_(predictions.bias)
        for own, other in (
            (head.dense, predictions.transform.dense),
            (head.norm, predictions.transform.LayerNorm),
        ):
            for kind in ("weight", "bias"):
                own.get_parameter(kind).copy_(other.get_parameter(kind))
    return head


@pytest.mark.parametrize("sizes", SIZES)
def test_the_head_is_theirs(sizes: tuple[int, ...]) -> None:
    """Logits of BertForMaskedLM; it has no pooler, so one of random numbers is put beside it."""
    there, model, width = theirs(sizes, BertForMaskedLM), ours(sizes), sizes[0]
    ids, words, types = given(sizes)
    weights = there.state_dict()
    assert not any("pooler" in name for name in weights)
    with pytest.raises(ValueError, match="weights"):
        load_bert(model, weights)
    pooler = {"weight": torch.randn(width, width), "bias": torch.randn(width)}
    load_bert(model, weights | {f"bert.pooler.dense.{kind}": each for kind, each in pooler.items()})

    found = head_of(there, model)(model(ids, words, types)[0])

    expected = there(ids, attention_mask=words.long(), token_type_ids=types).logits
    close(found, expected)


def test_a_model_with_both_is_loaded_as_it_is() -> None:
    """BertForPreTraining has the pooler, the prefix and two heads."""
    there, model = theirs(SIZES[0], BertForPreTraining), ours(SIZES[0])
    ids, words, types = given(SIZES[0])
    load_bert(model, there.state_dict())

    expected = there(ids, attention_mask=words.long(), token_type_ids=types)
    close(head_of(there, model)(model(ids, words, types)[0]), expected.prediction_logits)


def test_the_classifier_is_theirs() -> None:
    there, model = theirs(SIZES[0], BertForSequenceClassification, num_labels=5), ours(SIZES[0])
    ids, words, types = given(SIZES[0])
    load_bert(model, there.state_dict())
    found = SequenceClassifier(model, 5).double()
    found.linear.load_state_dict(there.classifier.state_dict())

    expected = there(ids, attention_mask=words.long(), token_type_ids=types).logits
    close(found(ids, words, types), expected)


def test_gradients_are_theirs() -> None:
    """Of every parameter, through both results, by name."""
    there, model = theirs(SIZES[0]), ours(SIZES[0])
    ids, words, types = given(SIZES[0])
    load_bert(model, there.state_dict())
    hidden, pooled = model(ids, words, types)
    along, beside = torch.randn(hidden.shape).double(), torch.randn(pooled.shape).double()
    expected = there(ids, attention_mask=words.long(), token_type_ids=types)
    ((hidden * along).sum() + (pooled * beside).sum()).backward()
    (
        (expected.last_hidden_state * along).sum() + (expected.pooler_output * beside).sum()
    ).backward()

    loaded = ours(SIZES[0])
    load_bert(loaded, {name: p.grad for name, p in there.named_parameters()})
    for (name, found), wanted in zip(model.named_parameters(), loaded.parameters(), strict=True):
        assert found.grad is not None, name
        close(found.grad, wanted.detach())


def test_bert_base_has_as_many_parameters_as_theirs() -> None:
    """Without memory for any of them; the head adds its transform and a number for each word."""
    with torch.device("meta"):
        found, expected = Bert(30_522, 512, 768, 12, 12, 3_072), BertModel(BertConfig())
        head, masked = MaskedLanguageHead(found.embeddings), BertForMaskedLM(BertConfig())

    assert sum(parameter.numel() for parameter in found.parameters()) == 109_482_240
    assert sum(parameter.numel() for parameter in expected.parameters()) == 109_482_240
    both = {id(p): p.numel() for part in (found, head) for p in part.parameters()}
    pooler = sum(parameter.numel() for parameter in found.pooler.parameters())
    assert sum(both.values()) - pooler == sum(p.numel() for p in masked.parameters())
    assert round(100 * found.embeddings.word.weight.numel() / 109_482_240) == 21


def test_as_pytorchs_own_encoder() -> None:
    """`nn.TransformerEncoder`, post-norm, with padding the other way round."""
    model = randomise(ours(SIZES[0]))
    width, layers, heads, inside = SIZES[0][:4]
    layer = nn.TransformerEncoderLayer(
        width, heads, inside, 0.0, F.gelu, layer_norm_eps=1e-12, batch_first=True
    )
    encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).double()
    for own, other in zip(model.layers, encoder.layers, strict=True):
        attention = own.attention
        parts = [getattr(attention, f"{kind}_proj") for kind in "qkv"]
        other.load_state_dict(
            {
                "self_attn.in_proj_weight": torch.cat([part.weight for part in parts]),
                "self_attn.in_proj_bias": torch.cat([part.bias for part in parts]),
                "self_attn.out_proj.weight": attention.out_proj.weight,
                "self_attn.out_proj.bias": attention.out_proj.bias,
                **{f"linear1.{n}": p for n, p in own.feed_forward.linear1.named_parameters()},
                **{f"linear2.{n}": p for n, p in own.feed_forward.linear2.named_parameters()},
                **{f"norm1.{n}": p for n, p in own.norm1.named_parameters()},
                **{f"norm2.{n}": p for n, p in own.norm2.named_parameters()},
            }
        )
    ids, words, _ = given(SIZES[0])

    expected = encoder(model.embeddings(ids), src_key_padding_mask=~words)
    close(model(ids, words)[0], expected)


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_old_names_of_norms(prefix: str) -> None:
    """gamma and beta, as the files of 2018 have them."""
    there, model, old = theirs(SIZES[0]), ours(SIZES[0]), ours(SIZES[0])
    weights = there.state_dict()
    load_bert(model, weights)
    renamed = {
        prefix + name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): each
        for name, each in weights.items()
    }
    load_bert(old, renamed)

    assert any(name.endswith("gamma") for name in renamed)
    for found, expected in zip(old.parameters(), model.parameters(), strict=True):
        assert torch.equal(found, expected)


def head(my: Any, then: Callable[[Any], None] = lambda embeddings: None) -> Tensor:
    embeddings = my.BertEmbeddings(5, 3, 4)
    made = randomise(my.MaskedLanguageHead(embeddings))
    then(randomise(embeddings))
    scores: Tensor = made(randn(2, 3, 4))
    return scores


def another_table(embeddings: Any) -> None:
    embeddings.word = randomise(nn.Embedding(5, 4))


CASES: dict[str, Case] = {
    "expanded ids": lambda my: randomise(my.Bert(5, 3, 4, 1, 2, 3))(
        torch.tensor([[4, 0, 1]]).expand(3, 3)
    ),
    "one id": lambda my: randomise(my.Bert(5, 3, 4, 1, 2, 3))(torch.tensor([[4]])),
    "three types": lambda my: randomise(my.BertEmbeddings(5, 3, 4, type_vocab_size=3))(
        torch.tensor([[4, 0, 1]]), torch.tensor([[2, 0, 1]])
    ),
    "a mask for one text and one place": lambda my: randomise(my.Bert(5, 3, 4, 1, 2, 3))(
        torch.tensor([[4, 1]]), torch.tensor([[False]])
    ),
    "a head": head,
    "a head of another table": lambda my: head(my, another_table),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@pytest.mark.parametrize("length", [4, 5, 100])
def test_texts_past_the_table_are_refused(length: int) -> None:
    agree(lambda my: my.Bert(5, 3, 4, 1, 2, 3)(torch.zeros(1, length, dtype=torch.int64)), "ids")


def test_numbers_of_the_notebook() -> None:
    """The place by hand of step 1, the probabilities of step 3, and what the visible test says."""
    place = F.layer_norm(torch.tensor([3.0, 3.0, 0.0]), (3,))
    torch.testing.assert_close(place, torch.tensor([0.7071, 0.7071, -1.4142]), atol=1e-4, rtol=0)
    scored = F.layer_norm(F.gelu(torch.tensor([1.0, 0.0, 2.0, -1.0])), (4,), eps=1e-12)
    assert scored[0].item() == pytest.approx(0.217, abs=5e-4)
    assert sum(math.exp(score) for score in (1.5, -0.5)) < math.exp(2.5)


def test_the_book_is_the_same_as_in_training() -> None:
    """The three chapters of notebook 08, each paragraph in one line."""

    def book(assignment: str) -> str:
        names: dict[str, Any] = {}
        (cell,) = [
            each
            for each in harness.notebook(assignment).cells
            if each.source.startswith('ALICE = """')
        ]
        exec(cell.source, names)
        return " ".join(names["ALICE"].split())

    assert book(NAME) == book("08-training")


def test_dropout_reaches_embeddings_and_blocks() -> None:
    rates = [
        part.p for part in Bert(5, 3, 4, 2, 2, 3, 0.25).modules() if isinstance(part, nn.Dropout)
    ]
    assert rates == [0.25] * 5
    assert BertEmbeddings(5, 3, 4).dropout.p == 0.0

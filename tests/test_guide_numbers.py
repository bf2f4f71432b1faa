"""The numbers of the guide's zoo: computed from facts, held against known counts."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

GUIDE = Path(__file__).parent.parent / "docs" / "guide"
sys.path.insert(0, str(GUIDE))

from making import figure_choice, figure_compare, figure_curve, figure_flow, patterns, zoo  # noqa: E402
from making.figures import Picture, table  # noqa: E402

MODELS = zoo.zoo()
# Of classes of transformers 5.24 on the meta device, with the sizes of the published models.
KNOWN = {
    "bert-base": 109_482_240,
    "bert-large": 335_141_888,
    "roberta-base": 124_645_632,
    "distilbert": 66_362_880,
    "modernbert-base": 149_014_272,
    "gpt-2": 124_439_808,
    "gpt-2-medium": 354_823_168,
    "gpt-2-xl": 1_557_611_200,
    "t5-small": 60_506_624,
    "bart-large": 406_291_456,
    "llama-7b": 6_738_415_616,
    "llama-2-70b": 68_976_648_192,
    "llama-3-8b": 8_030_261_248,
    "mistral-7b": 7_241_732_096,
    "mixtral": 46_702_792_704,
    "gemma-7b": 8_537_680_896,
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_model_has_as_many_parameters_as_the_real_one(name: str) -> None:
    assert MODELS[name].parameters == KNOWN[name]


def test_every_fact_has_a_source() -> None:
    for model in MODELS.values():
        assert re.search(r"20\d\d", model.source), model.name
        assert not model.paper or re.fullmatch(r"\d{4}\.\d{5}", model.paper), model.name


def test_what_a_paper_says_is_near_what_is_computed() -> None:
    for model in MODELS.values():
        if model.stated:
            scale = {"M": 1e6, "B": 1e9}[model.stated[-1]]
            stated = float(model.stated[:-1]) * scale
            # Gemma's 7 billion leave its table of tokens out.
            assert abs(stated / model.parameters - 1) < (0.2 if "Gemma" in model.name else 0.07)


def test_the_cache_counts_the_heads_of_keys_and_not_of_queries() -> None:
    llama = MODELS["llama-3-8b"]
    assert llama.cache_bytes == 2 * 32 * 8 * 128 * 2
    assert MODELS["bert-base"].cache_bytes is None
    assert replace(llama, kv_heads=32).cache_bytes == 4 * llama.cache_bytes


def test_of_experts_only_the_chosen_work() -> None:
    mixtral, mistral = MODELS["mixtral"], MODELS["mistral-7b"]
    assert round(mixtral.active_parameters / 1e9, 1) == 12.9
    assert mistral.active_parameters == mistral.parameters
    router = 2 * 32 * 4096 * 8
    assert mixtral.flops() == mistral.flops() + 2 * 32 * 3 * 4096 * 14336 + router


def test_work_for_a_token_is_twice_the_weights_and_a_share_for_each_token_seen() -> None:
    gpt2 = MODELS["gpt-2"]
    weights = 12 * (4 * 768**2 + 2 * 768 * 3072) + 50257 * 768
    assert gpt2.flops() == 2 * weights
    assert gpt2.flops(10) - gpt2.flops() == 10 * 12 * 4 * 768


def test_a_changed_fact_changes_the_tables(tmp_path: Path) -> None:
    text = (GUIDE / "zoo.toml").read_text(encoding="utf-8")
    changed = tmp_path / "zoo.toml"
    changed.write_text(text.replace("vocab = 30522", "vocab = 30523"), encoding="utf-8")

    table = zoo.computed(zoo.zoo(changed))._repr_html_()

    assert f"{KNOWN['bert-base'] + 768:,}" in table
    assert f"{KNOWN['bert-base']:,}" not in table


def test_two_models_are_compared_by_unrounded_numbers() -> None:
    page = figure_compare.chooser(MODELS, "llama-7b", "llama-3-8b")._repr_html_()

    assert f"<td>{8_030_261_248 / 6_738_415_616:.2f}</td>" in page
    assert "<td>0.25</td>" in page
    assert "http" not in page


def test_patterns_are_those_of_the_models() -> None:
    assert torch.equal(patterns.decoder(4), torch.ones(4, 4).tril().bool())
    assert torch.equal(patterns.prefix(4, 2)[0], torch.tensor([True, True, False, False]))
    assert torch.equal(patterns.window(4, 2)[3], torch.tensor([False, False, True, True]))
    assert patterns.share(patterns.decoder(4)) == 10 / 16


@pytest.mark.parametrize(
    "picture",
    [
        figure_choice.tree(),
        figure_curve.curve([0.5, 1.0, 0.2], "step", "rate"),
        figure_flow.attention_flow(3, 512, 8),
        patterns.grid(patterns.decoder(2), "causal <mask>", ["a", "b"], ["a", "b"]),
    ],
)
def test_a_picture_says_in_words_what_it_shows(picture: Picture) -> None:
    svg = picture.svg()

    assert 'role="img"' in svg
    assert len(picture.says) > 30
    assert svg.count("<title>") == 1
    assert "<mask>" not in svg
    assert not re.search(r"(?<!&)#[0-9a-f]{3,6}\b|black|white", svg), "colours are the theme's"


def test_a_table_scrolls_in_a_box_that_the_keyboard_reaches() -> None:
    page = table(["", "one"], [["a", "1"]], "A caption")._repr_html_()

    assert 'tabindex="0"' in page
    assert 'aria-label="A caption"' in page
    assert '<th scope="row"' in page
    assert '<th scope="col" style="text-align: left"></th>' not in page


@pytest.mark.parametrize("name", ["attention", "examples", "architectures"])
def test_a_page_begins_with_what_one_will_know(name: str) -> None:
    text = (GUIDE / f"{name}.md").read_text(encoding="utf-8")
    opening = text.split("\n## ")[0]

    assert "**Afterwards**" in opening
    assert "**Minutes:**" in opening
    assert "**Read before:**" in opening


def built(model: zoo.Model, name: str) -> nn.Module:
    """The model of transformers, of the same facts, without memory for its weights."""
    transformers = pytest.importorskip("transformers")
    common = {"vocab_size": model.vocab}
    sizes = {
        "hidden_size": model.d_model,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "intermediate_size": model.d_ff,
    }
    grouped = {
        **sizes,
        "num_key_value_heads": model.kv_heads,
        "head_dim": model.head_dim,
        "tie_word_embeddings": model.output == "tied",
    }
    experts = {"num_local_experts": model.experts, "num_experts_per_tok": model.active}
    bert = {
        **sizes,
        "max_position_embeddings": model.rows,
        "type_vocab_size": model.types,
    }
    facts: dict[str, tuple[str, dict[str, Any]]] = {
        "bert": ("BertModel", bert),
        "roberta": ("RobertaModel", bert),
        "distilbert": (
            "DistilBertModel",
            {
                "dim": model.d_model,
                "n_layers": model.layers,
                "n_heads": model.heads,
                "hidden_dim": model.d_ff,
                "max_position_embeddings": model.rows,
            },
        ),
        "modernbert": ("ModernBertModel", sizes),
        "gpt": (
            "GPT2LMHeadModel",
            {
                "n_embd": model.d_model,
                "n_layer": model.layers,
                "n_head": model.heads,
                "n_inner": model.d_ff,
                "n_positions": model.rows,
            },
        ),
        "t5": (
            "T5ForConditionalGeneration",
            {
                "d_model": model.d_model,
                "d_kv": model.head_dim,
                "d_ff": model.d_ff,
                "num_layers": model.layers,
                "num_decoder_layers": model.decoder_layers,
                "num_heads": model.heads,
                "relative_attention_num_buckets": model.buckets,
            },
        ),
        "bart": (
            "BartModel",
            {
                "d_model": model.d_model,
                "encoder_layers": model.layers,
                "decoder_layers": model.decoder_layers,
                "encoder_attention_heads": model.heads,
                "decoder_attention_heads": model.heads,
                "encoder_ffn_dim": model.d_ff,
                "decoder_ffn_dim": model.d_ff,
                "max_position_embeddings": model.rows - 2,
            },
        ),
        "llama": ("LlamaForCausalLM", grouped),
        "mistral": ("MistralForCausalLM", grouped),
        "mixtral": ("MixtralForCausalLM", {**grouped, **experts}),
        "gemma": ("GemmaForCausalLM", grouped),
    }
    kind, options = facts[name.split("-")[0]]
    make: Callable[..., nn.Module] = getattr(transformers, kind)
    with torch.device("meta"):
        return make(make.config_class(**common, **options))  # type: ignore[attr-defined]


@pytest.mark.release
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", [name for name in MODELS if name != "transformer-base"])
def test_transformers_counts_the_same(name: str) -> None:
    counted = sum(parameter.numel() for parameter in built(MODELS[name], name).parameters())

    assert counted == MODELS[name].parameters

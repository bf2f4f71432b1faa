"""What the observations of notebook 09 do not show: transformers' own numbers, laws, any input."""

from __future__ import annotations

import base64
import itertools
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.generation import utils as hugging_face
from transformers.generation.logits_process import (
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from autograder.observe import randn
from autograder.reading.from_scratch import messages
from autograder.reading.standing import Cell
from solutions.generation import (
    beam_search,
    generate,
    next_token_probabilities,
    sample,
    speculative_step,
)
from tests import harness
from tests.solutions.oracles import Case, assert_agree

NAME = "09-generation"
agree = partial(assert_agree, NAME)
few = settings(deadline=None, max_examples=40)

VOCABULARY, STOP = 12, 3


def cell_names(*ids: str) -> dict[str, Any]:
    """What these cells of the notebook define."""
    names: dict[str, Any] = {}
    for cell in harness.notebook(NAME).cells:
        if cell.id in ids:
            exec(cell.source, names)
    return names


@cache
def of_hugging_face(seed: int = 0) -> GPT2LMHeadModel:
    """A small GPT-2 of random weights that are far from even."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=32,
        n_embd=16,
        n_layer=2,
        n_head=2,
        initializer_range=0.6,
        bos_token_id=None,
        eos_token_id=None,
    )
    return GPT2LMHeadModel(config).double().eval()


def as_ours(ids: Tensor, caches: Any = None) -> tuple[Tensor, Any]:
    """Their model, called as GPT of notebook 07 is."""
    said = of_hugging_face()(ids, cache=caches, use_cache=True)
    return said.logits, said.past_key_values


def next_log_probabilities(sequences: list[list[int]]) -> Tensor:
    with torch.no_grad():
        logits = of_hugging_face()(torch.tensor(sequences)).logits[:, -1]
    return torch.log_softmax(logits, dim=-1)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("top_k", [None, 1, 4, 20])
@pytest.mark.parametrize("top_p", [None, 0.2, 0.8, 1.0])
def test_filters_are_the_librarys(
    temperature: float, top_k: int | None, top_p: float | None
) -> None:
    """Their warpers in their order; without equals, of which top-k keeps all there."""
    scores = torch.randn(50, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    none = torch.zeros(50, 0, dtype=torch.int64)
    warped = TemperatureLogitsWarper(temperature)(none, scores)
    if top_k is not None:
        warped = TopKLogitsWarper(top_k)(none, warped)
    if top_p is not None and top_p < 1:
        warped = TopPLogitsWarper(top_p)(none, warped)

    found = next_token_probabilities(scores, temperature, top_k, top_p)

    torch.testing.assert_close(found, warped.softmax(-1))


@few
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=7),
    st.floats(0.1, 3.0),
    st.none() | st.integers(1, 9),
    st.none() | st.floats(0.01, 0.99),
)
def test_what_stays_is_the_largest(
    scores: list[int], temperature: float, top_k: int | None, top_p: float | None
) -> None:
    """Those that stay are the largest, of equals the first; they sum to 1."""
    found = next_token_probabilities(torch.tensor(scores).double(), temperature, top_k, top_p)
    order = sorted(range(len(scores)), key=lambda token: (-scores[token], token))
    stays = [bool(found[token] > 0) for token in order]

    assert stays == sorted(stays, reverse=True)
    assert found.sum().item() == pytest.approx(1)
    assert stays[0]


def test_sampling_is_multinomial_by_its_law() -> None:
    """Over a grid of uniforms every token comes as often as its probability says."""
    law = torch.tensor([3.0, 0, 5, 1, 0, 7]).double() / 16
    grid = (torch.arange(1024) + 0.5) / 1024

    hits = torch.bincount(sample(law.expand(1024, 6), grid), minlength=6) / 1024

    assert hits.tolist() == law.tolist()


@few
@given(st.lists(st.integers(0, 5), min_size=1, max_size=6).filter(any), st.integers(0, 63))
def test_the_token_is_the_one_that_is_hit(weights: list[int], dart: int) -> None:
    """By exact fractions."""
    scaled = [weight * 64 for weight in weights]
    reached = list(itertools.accumulate(scaled))
    right = next(i for i, end in enumerate(reached) if end > dart * sum(weights))
    law = torch.tensor(weights).double() / sum(weights)
    between = torch.tensor((dart + 1e-6) / 64).double()

    assert sample(law, between).item() == right


@pytest.mark.parametrize("length", [1, 4])
def test_greedy_texts_are_the_librarys(length: int) -> None:
    prompt = torch.randint(0, VOCABULARY, (3, length), generator=torch.Generator().manual_seed(2))
    theirs = of_hugging_face().generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=9,
        do_sample=False,
        pad_token_id=STOP,
        eos_token_id=STOP,
    )

    assert generate(as_ours, prompt, 9, stop_id=STOP).tolist() == theirs.tolist()


def test_drawn_texts_are_the_librarys() -> None:
    """Their `generate` with `sample` in the place of multinomial."""
    prompt = torch.tensor([[1, 5, 2], [7, 0, 4]])
    uniforms = torch.rand(8, 2, generator=torch.Generator().manual_seed(4))
    rows = iter(uniforms)

    def drawn(probabilities: Tensor, num_samples: int) -> Tensor:
        return sample(probabilities, next(rows))[:, None]

    with mock.patch.object(torch, "multinomial", drawn):
        theirs = of_hugging_face().generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=8,
            do_sample=True,
            temperature=1.7,
            top_k=7,
            top_p=0.9,
            pad_token_id=STOP,
        )

    found = generate(as_ours, prompt, 8, uniforms, temperature=1.7, top_k=7, top_p=0.9)
    assert found.tolist() == theirs.tolist()


@pytest.mark.parametrize("beam_size", [1, 2, 3, 5])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
@pytest.mark.parametrize(("start", "new"), [([5], 3), ([1, 8], 5), ([2, 0, 7], 7)])
def test_beams_are_the_librarys(
    beam_size: int, length_penalty: float, start: list[int], new: int
) -> None:
    """With early_stopping="never"; 36 settings."""
    theirs = of_hugging_face().generate(
        torch.tensor([start]),
        attention_mask=torch.ones(1, len(start), dtype=torch.int64),
        num_beams=beam_size,
        num_return_sequences=beam_size,
        max_new_tokens=new,
        do_sample=False,
        early_stopping="never",
        length_penalty=length_penalty,
        pad_token_id=STOP,
        eos_token_id=STOP,
        return_dict_in_generate=True,
        output_scores=True,
    )
    found = beam_search(next_log_probabilities, start, beam_size, new, STOP, length_penalty)

    for row, (sequence, score) in zip(theirs.sequences.tolist(), found, strict=True):
        assert row[: len(sequence)] == sequence
        assert set(row[len(sequence) :]) <= {STOP}
        if beam_size > 1:
            assert theirs.sequences_scores is not None
            total = sum_of(sequence, len(start))
            assert score == pytest.approx(total / (len(sequence) - len(start)) ** length_penalty)
    if beam_size > 1:
        assert [score for _, score in found] == pytest.approx(
            theirs.sequences_scores.tolist(), abs=1e-5
        )


def sum_of(sequence: list[int], begun: int) -> float:
    """What the model says of the tokens after the start, one after another."""
    return sum(
        next_log_probabilities([sequence[:place]])[0, sequence[place]].item()
        for place in range(begun, len(sequence))
    )


def test_a_beam_that_is_wide_enough_finds_the_best_of_all() -> None:
    """Beside a search through every text of three tokens."""
    table = torch.log_softmax(torch.randn(4, 4, generator=torch.Generator().manual_seed(6)), -1)
    table = table.double()
    every = []
    for tokens in itertools.product(range(4), repeat=3):
        length = tokens.index(0) + 1 if 0 in tokens else 3
        text = [2, *tokens[:length]]
        total = sum(table[a, b].item() for a, b in itertools.pairwise(text))
        every.append((text, total / length))
    best = max(every, key=lambda each: each[1])

    found = beam_search(lambda s: table[[each[-1] for each in s]], [2], 64, 3, 0)

    assert found[0][0] == best[0]
    assert found[0][1] == pytest.approx(best[1])
    assert len(found) == len({tuple(text) for text, _ in every})


@pytest.mark.parametrize("seed", range(30))
def test_a_speculative_step_is_the_librarys(seed: int) -> None:
    """Their `_speculative_sampling`, with our numbers in the place of those it draws."""
    drawn = torch.Generator().manual_seed(seed)
    count, size = 4, 6
    target = torch.randn(count + 1, size, generator=drawn).double()
    draft = torch.randn(count, size, generator=drawn).double()
    drafted = torch.randint(0, size, (count,), generator=drawn)
    accept = torch.rand(count, generator=drawn).double()
    last = torch.rand((), generator=drawn).double()

    def multinomial(probabilities: Tensor, num_samples: int) -> Tensor:
        return sample(probabilities, last.expand(probabilities.shape[0]))[:, None]

    with (
        mock.patch.object(torch, "rand_like", lambda like: accept.view_as(like)),
        mock.patch.object(torch, "multinomial", multinomial),
    ):
        theirs, accepted = hugging_face._speculative_sampling(
            drafted[None], draft[None], count, target[None]
        )

    found = speculative_step(target.softmax(-1), draft.softmax(-1), drafted, accept, last)
    assert found == (int(accepted), theirs[0, -1].item())


def test_two_tokens_in_a_row_follow_the_target() -> None:
    """Of all drafts and a grid of uniforms, by exact shares."""
    target = torch.tensor([[1.0, 3, 4], [2, 2, 4], [0, 0, 8]]) / 8
    draft = torch.tensor([[4.0, 2, 2], [4, 2, 2]]) / 8
    grid = [(each + 0.5) / 8 for each in range(8)]
    written = torch.zeros(3).double()
    second = torch.zeros(3).double()
    for one, two in itertools.product(range(3), repeat=2):
        weight = (draft[0, one] * draft[1, two]).item() / 8**3
        for first, later, last in itertools.product(grid, repeat=3):
            kept, following = speculative_step(
                target,
                draft,
                torch.tensor([one, two]),
                torch.tensor([first, later]),
                torch.tensor(last),
            )
            written[one if kept else following] += weight
            if kept:
                second[two if kept == 2 else following] += weight

    assert written.tolist() == pytest.approx(target[0].tolist(), abs=0.04)
    assert (second / second.sum()).tolist() == pytest.approx(target[1].tolist(), abs=0.04)


CASES: dict[str, Case] = {
    "three axes and all filters": lambda my: my.next_token_probabilities(
        randn(2, 3, 9), 0.8, 6, 0.7
    ),
    "a row that one token rules": lambda my: my.next_token_probabilities(
        torch.tensor([80.0, 0, 0]), 1.0, None, 0.999
    ),
    "many rows": lambda my: my.sample(
        next_token_probabilities(randn(50, 9)), torch.arange(50) / 50
    ),
    "all that a beam can hold": lambda my: my.beam_search(
        lambda s: torch.full((len(s), 3), -0.5), [2], 99, 3, 0
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@pytest.mark.parametrize(
    ("name", "bad"), [("temperature", -1e-9), ("top_k", -3), ("top_p", -0.1), ("top_p", 1.0001)]
)
def test_arguments_without_a_meaning_are_refused(name: str, bad: float) -> None:
    agree(lambda my: my.next_token_probabilities(torch.zeros(3), **{name: bad}), name)


def test_gradients_agree_with_differences() -> None:
    logits = torch.tensor([0.3, 2.0, 1.1, -0.5], dtype=torch.float64, requires_grad=True)
    for filters in ({}, {"top_k": 3}, {"top_p": 0.8}):
        law = partial(next_token_probabilities, temperature=0.7, **filters)
        assert torch.autograd.gradcheck(law, (logits,))


def test_the_provided_model_is_gpt2() -> None:
    """With the library's weights it gives the library's logits, with a cache too."""
    theirs = of_hugging_face()
    model = cell_names("imports", "provided-gpt")["GPT"](VOCABULARY, 32, 16, 2, 2).double()
    model.load_state_dict(renamed(theirs.transformer, 16))
    ids = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])

    logits, caches = model(ids[:, :3], None)
    later, _ = model(ids[:, 3:], caches)

    torch.testing.assert_close(torch.cat([logits, later], 1), theirs(ids).logits)


def renamed(theirs: nn.Module, d_model: int) -> dict[str, Tensor]:
    """Their weights under the names of notebook 07; Conv1D holds a weight the other way round."""

    def turned(each: Tensor) -> Tensor:
        return each.T if each.ndim == 2 else each

    said = theirs.state_dict()
    ours = {"token.weight": said["wte.weight"], "position.weight": said["wpe.weight"]}
    for part in ("weight", "bias"):
        ours[f"norm.{part}"] = said[f"ln_f.{part}"]
    for block, part in itertools.product(range(2), ("weight", "bias")):
        old, new = f"h.{block}", f"blocks.{block}"
        for number, name in enumerate(("q_proj", "k_proj", "v_proj")):
            columns = slice(number * d_model, (number + 1) * d_model)
            every = said[f"{old}.attn.c_attn.{part}"]
            ours[f"{new}.attention.{name}.{part}"] = turned(every[..., columns])
        for name, place in (
            ("attention.out_proj", "attn.c_proj"),
            ("feed_forward.linear1", "mlp.c_fc"),
            ("feed_forward.linear2", "mlp.c_proj"),
        ):
            ours[f"{new}.{name}.{part}"] = turned(said[f"{old}.{place}.{part}"])
        for name, place in (("norm1", "ln_1"), ("norm2", "ln_2")):
            ours[f"{new}.{name}.{part}"] = said[f"{old}.{place}.{part}"]
    return {name: each.contiguous() for name, each in ours.items()}


def test_the_checkpoint_knows_its_chapter() -> None:
    """It is small, and says more of the text of notebook 06 than the frequencies of letters do."""
    names = cell_names("imports", "provided-gpt", "checkpoint")
    weights = base64.b64decode(names["WEIGHTS"])
    assert len(weights) < 40_000
    model = names["GPT"](len(names["CHARACTERS"]), **names["SHAPE"])
    numbers = torch.frombuffer(bytearray(weights), dtype=torch.float8_e4m3fn).float() / 16
    nn.utils.vector_to_parameters(numbers, model.parameters())
    text = tokens_of(names["CHARACTERS"])

    with torch.no_grad():
        logits, _ = model(text[None, :128], None)

    loss = nn.functional.cross_entropy(logits[0, :-1], text[1:128])
    assert loss < 2.0


def test_it_ends_on_the_model_that_was_trained_in_notebook_08(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever trained one meets it again; its cells run on that model as on the one that ships."""
    there, here = tmp_path / "08-training", tmp_path / "09-generation"
    there.mkdir()
    here.mkdir()
    monkeypatch.chdir(there)
    trained: dict[str, Any] = dict(harness.solutions("08-training")) | {"STEPS": 300}
    for cell in harness.notebook("08-training").cells:
        if cell.id in ("imports", "provided-gpt", "alice", "characters-read", "training-saved"):
            exec(cell.source, trained)
    monkeypatch.chdir(here)
    names: dict[str, Any] = dict(harness.solutions(NAME))
    for cell in harness.notebook(NAME).cells:
        if cell.id in ("imports", "desk", "provided-gpt", "checkpoint") or (
            cell.cell_type == "code" and cell.id.startswith("model-")
        ):
            exec(cell.source, names)

    said = capsys.readouterr().out
    assert "the model that you trained in notebook 08" in said
    assert "".join(trained["CHARACTERS"]) == names["CHARACTERS"]
    for mine, theirs in zip(
        names["model"].parameters(), trained["model"].parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)


def tokens_of(characters: str) -> Tensor:
    (cell,) = [each for each in harness.notebook("06-tokenization").cells if each.id == "alice"]
    names: dict[str, Any] = {}
    exec(cell.source, names)
    assert set(names["ALICE"]) == set(characters)
    return torch.tensor([characters.index(letter) for letter in names["ALICE"]])


@pytest.mark.parametrize(
    "line",
    [
        "def draw(p):\n    return torch.multinomial(p, 1)",
        "from torch.distributions import Categorical\ndef draw(p):\n    return Categorical(p)",
        "import transformers\ndef draw(p):\n    return transformers.generate(p)",
    ],
)
def test_what_is_to_be_built_is_not_called(line: str) -> None:
    cell = harness.test_cells(NAME)["test-sample"]
    uses = "def sample(probabilities, uniform):\n    return draw(probabilities)\n"
    given = [Cell("import torch"), Cell(line), Cell(uses)]

    said = messages(given, {"sample": harness.forbidden(NAME, cell)})

    assert "which is to be built here, not called" in said["sample"]

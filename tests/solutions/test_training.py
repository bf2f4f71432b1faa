"""What the observations of notebook 08 do not show: torch's functions on any input, the book."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from autograder.observe import gradients, randint, randn, randomise
from autograder.reading.from_scratch import messages
from autograder.reading.standing import Cell
from solutions.training import (
    AdamW,
    clip_gradients,
    cross_entropy,
    decay_groups,
    learning_rate,
    mask_tokens,
    next_token_batch,
    train,
)
from tests import harness
from tests.solutions.oracles import Case, assert_agree

NAME = "08-training"
agree = partial(assert_agree, NAME)
few = settings(deadline=None, max_examples=40)

small = st.integers(0, 5)
shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@cache
def notebook() -> dict[str, Any]:
    """The names that the notebook provides: its imports, the GPT and the text."""
    names: dict[str, Any] = {}
    for cell in harness.notebook(NAME).cells:
        if cell.id in ("imports", "provided-gpt", "alice"):
            exec(cell.source, names)
    return names


def gpt(*sizes: int, **named: float) -> nn.Module:
    made: nn.Module = notebook()["GPT"](*sizes, **named)
    return made


@few
@given(shapes, st.integers(1, 6), st.integers(-2, 6), st.integers(0, 9))
def test_the_loss_is_torchs(lead: tuple[int, ...], size: int, ignored: int, seed: int) -> None:
    """Any shape, any ignore_index, with its gradient; where nothing counts torch has NaN."""
    draws = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(*lead, size, generator=draws, dtype=torch.float64)
    logits.requires_grad_()
    targets = torch.randint(size, lead, generator=draws)
    targets = torch.where(torch.rand(lead, generator=draws) < 0.3, ignored, targets)

    loss = cross_entropy(logits, targets, ignored)
    (gradient,) = torch.autograd.grad(loss, logits)

    if (targets == ignored).all():
        assert loss == 0
        assert not gradient.any()
        return
    flat, wanted = logits.reshape(-1, size), targets.reshape(-1)
    expected = F.cross_entropy(flat, wanted, ignore_index=ignored)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    (theirs,) = torch.autograd.grad(expected, logits)
    torch.testing.assert_close(gradient, theirs, rtol=1e-12, atol=1e-12)


def test_the_loss_agrees_with_differences() -> None:
    logits = randn(3, 4, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([1, -100, 3])
    assert torch.autograd.gradcheck(lambda x: cross_entropy(x, targets), (logits,))


@pytest.mark.parametrize("sign", [1, -1])
def test_large_logits_lose_less_than_a_thousandth(sign: int) -> None:
    """In float32, beside the same in float64."""
    logits, targets = randn(50, 9) + sign * 1e4, randint(0, 9, (50,))
    difference = cross_entropy(logits, targets) - cross_entropy(logits.double(), targets)
    assert abs(float(difference)) < 1e-3


@few
@given(st.integers(1, 4), st.integers(0, 4), st.integers(0, 9), st.integers(0, 9))
def test_pieces_are_slices_of_the_text(length: int, many: int, room: int, seed: int) -> None:
    ids = torch.arange(length + 1 + room) * 7
    starts = torch.randint(room + 1, (many,), generator=torch.Generator().manual_seed(seed))
    inputs, targets = next_token_batch(ids, starts, length)

    assert inputs.shape == targets.shape == (many, length)
    for start, one, other in zip(starts.tolist(), inputs, targets, strict=True):
        assert one.tolist() == ids[start : start + length].tolist()
        assert other.tolist() == ids[start + 1 : start + 1 + length].tolist()
    with pytest.raises(ValueError, match="starts"):
        next_token_batch(ids, torch.tensor([0, room + 1]), length)


def test_shares_of_the_masks_are_berts() -> None:
    """15 % chosen; of these 80, 10 and 10 %, to within three standard deviations."""
    count = 40_000
    draws = torch.Generator().manual_seed(3)
    chance, action = (torch.rand(count, generator=draws, dtype=torch.float64) for _ in range(2))
    ids, others = torch.full((count,), 5), torch.full((count,), 6)
    inputs, targets = mask_tokens(ids, 4, chance, action, others)

    chosen = targets == 5
    assert abs(chosen.double().mean() - 0.15) < 3 * math.sqrt(0.15 * 0.85 / count)
    among, share = int(chosen.sum()), inputs[chosen].bincount(minlength=7).double()
    for token, expected in ((4, 0.8), (6, 0.1), (5, 0.1)):
        assert abs(share[token] / among - expected) < 3 * math.sqrt(0.25 / among)
    assert (inputs[~chosen] == 5).all()
    assert (targets[~chosen] == -100).all()


@few
@given(small, st.integers(1, 12), st.floats(0, 0.5))
def test_the_rate_is_that_of_torchs_schedulers(warmup: int, rest: int, floor: float) -> None:
    """Its cosine annealing, from the step after the warm-up on."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.7)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, rest, floor)
    total = warmup + rest
    for step in range(warmup, total + 1):
        theirs = optimizer.param_groups[0]["lr"]
        assert learning_rate(step, 0.7, warmup, total, floor) == pytest.approx(theirs, abs=1e-12)
        optimizer.step()
        cosine.step()
    rising = [learning_rate(step, 0.7, warmup, total, floor) for step in range(warmup)]
    assert rising == pytest.approx([0.7 * (step + 1) / warmup for step in range(warmup)])


def with_gradients(*lengths: int, scale: float = 1.0) -> list[nn.Parameter]:
    made = [nn.Parameter(torch.zeros(length, dtype=torch.float64)) for length in lengths]
    for parameter in made:
        parameter.grad = scale * randn(len(parameter), dtype=torch.float64)
    return made


@few
@given(st.lists(small, min_size=1, max_size=4), st.floats(0.1, 20.0))
def test_clipping_is_torchs(lengths: list[int], limit: float) -> None:
    """But for its 1e-6 in the denominator."""
    mine = with_gradients(*lengths)
    theirs = [nn.Parameter(parameter.detach().clone()) for parameter in mine]
    for one, other in zip(mine, theirs, strict=True):
        other.grad = None if one.grad is None else one.grad.clone()

    norm = clip_gradients(iter(mine), limit)

    torch.testing.assert_close(norm, nn.utils.clip_grad_norm_(theirs, limit))
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("betas", [(0.9, 0.95), (0.5, 0.999)])
def test_the_optimizer_is_torchs_to_the_last_bit(decay: float, betas: tuple[float, float]) -> None:
    """In float64: with a schedule, and with a parameter that has no gradient now and then."""
    draws = torch.Generator().manual_seed(1)
    first = [torch.randn(3, 4, generator=draws).double(), torch.randn(5, generator=draws).double()]
    mine, theirs = ([nn.Parameter(each.clone()) for each in first] for _ in range(2))
    groups = [{"params": [each], "lr": 0.1, "weight_decay": decay} for each in mine]
    one = AdamW(groups, betas=betas)
    other = torch.optim.AdamW(
        [{"params": [each], "weight_decay": decay} for each in theirs], betas=betas, foreach=False
    )

    for step in range(12):
        for group in (*one.groups, *other.param_groups):
            group["lr"] = 0.1 / (step + 1)
        for number, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            gradient = torch.randn(a.shape, generator=draws).double()
            a.grad, b.grad = (None if number and step % 3 == 1 else gradient for _ in range(2))
        one.step()
        other.step()
        for a, b in zip(mine, theirs, strict=True):
            assert torch.equal(a, b)


def test_the_groups_of_a_gpt() -> None:
    """As many numbers as the model has, and no norm or bias among those that decay."""
    model = gpt(11, 8, 12, 2, 3)
    decayed, rest = decay_groups(model, 0.1, 0.003)

    names = {id(parameter): name for name, parameter in model.named_parameters()}
    kept = {names[id(each)] for each in rest["params"]}
    assert kept == {name for name in names.values() if "norm" in name or name.endswith("bias")}
    assert len(decayed["params"]) + len(kept) == len(names)


def by_torch(
    model: nn.Module, ids: Tensor, steps: int, length: int, peak: float, starts: Tensor, warmup: int
) -> list[float]:
    """The same training by torch's loss, optimizer and clipping."""
    named = list(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [each for _, each in named if each.ndim >= 2], "weight_decay": 0.1},
            {"params": [each for _, each in named if each.ndim < 2], "weight_decay": 0.0},
        ],
        lr=peak,
        betas=(0.9, 0.95),
    )
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, peak, warmup, steps)
        windows = torch.stack([ids[s : s + length + 1] for s in starts[step].tolist()])
        loss = F.cross_entropy(model(windows[:, :-1])[0].flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_ten_steps_of_a_gpt_are_those_of_torch() -> None:
    """Losses and parameters, but for the key biases, whose gradient is nothing but rounding."""
    mine, theirs = gpt(11, 8, 12, 2, 3).double(), gpt(11, 8, 12, 2, 3).double()
    theirs.load_state_dict(randomise(mine).state_dict())
    ids, starts = randint(0, 11, (60,)), randint(0, 50, (10, 3))

    losses = train(mine, ids, 10, 3, 8, 0.02, starts, warmup=3)

    assert losses == pytest.approx(by_torch(theirs, ids, 10, 8, 0.02, starts, 3), rel=1e-5)
    others = dict(theirs.named_parameters())
    for name, parameter in mine.named_parameters():
        if "k_proj.bias" not in name:
            torch.testing.assert_close(parameter, others[name], rtol=1e-5, atol=1e-5)


def test_the_provided_gpt_is_huggingfaces() -> None:
    """Logits of a random GPT-2, in float64, whole and with a cache."""
    transformers = pytest.importorskip("transformers")
    sizes = {"vocab_size": 13, "n_positions": 10, "n_embd": 12, "n_layer": 2, "n_head": 3}
    config = transformers.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)
    theirs = transformers.GPT2LMHeadModel(config).double().eval()
    mine = gpt(13, 10, 12, 2, 3).double()
    given_weights = theirs.state_dict()
    renamed = {
        "token.weight": given_weights["transformer.wte.weight"],
        "position.weight": given_weights["transformer.wpe.weight"],
    }
    for kind in ("weight", "bias"):
        renamed[f"norm.{kind}"] = given_weights[f"transformer.ln_f.{kind}"]
        for number in range(2):
            old, new = f"transformer.h.{number}", f"blocks.{number}"
            attention = given_weights[f"{old}.attn.c_attn.{kind}"].chunk(3, dim=-1)
            parts = dict(zip("qkv", attention, strict=True))
            both = {f"attention.{part}_proj": each for part, each in parts.items()}
            both["attention.out_proj"] = given_weights[f"{old}.attn.c_proj.{kind}"]
            both["feed_forward.linear1"] = given_weights[f"{old}.mlp.c_fc.{kind}"]
            both["feed_forward.linear2"] = given_weights[f"{old}.mlp.c_proj.{kind}"]
            for name, each in both.items():
                renamed[f"{new}.{name}.{kind}"] = each.T if each.ndim == 2 else each
            for one, other in (("norm1", "ln_1"), ("norm2", "ln_2")):
                renamed[f"{new}.{one}.{kind}"] = given_weights[f"{old}.{other}.{kind}"]
    mine.load_state_dict(renamed)
    ids = randint(0, 13, (2, 9))

    with torch.no_grad():
        expected = theirs(ids).logits
        logits, _ = mine(ids)
        first, caches = mine(ids[:, :5])
        second, _ = mine(ids[:, 5:], caches)

    torch.testing.assert_close(logits, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(torch.cat([first, second], dim=1), expected, rtol=1e-10, atol=1e-10)


def test_first_values_are_gpt2s() -> None:
    """Residual projections smaller by the root of twice the number of blocks."""
    torch.manual_seed(0)
    model = gpt(50, 20, 96, 4, 4)
    notebook()["gpt2_init"](model)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            residual = name.endswith(("out_proj.weight", "linear2.weight"))
            expected = 0.02 / math.sqrt(8) if residual else 0.02
            assert parameter.std().item() == pytest.approx(expected, rel=0.06)
        else:
            wanted = 0.0 if name.endswith("bias") else 1.0
            assert (parameter == wanted).all()


def rows_that_miss(my: SimpleNamespace) -> Any:
    logits = randn(4, 7, dtype=torch.float64, requires_grad=True)
    loss = my.cross_entropy(logits, torch.tensor([3, -100, 0, -100]))
    return loss, gradients(loss, [logits])


def an_iterator_of_one(my: SimpleNamespace) -> Any:
    def given_once() -> Iterator[nn.Parameter]:
        yield from parameters

    parameters = with_gradients(3, 2, scale=9.0)
    norm = my.clip_gradients(given_once(), 1e9)
    return norm, [parameter.grad for parameter in parameters]


CASES: dict[str, Case] = {
    "rows that miss": rows_that_miss,
    "an iterator of one's own": an_iterator_of_one,
    "starts of an expanded tensor": lambda my: my.next_token_batch(
        torch.arange(9), torch.tensor([3]).expand(4), 2
    ),
    "a warm-up of one": lambda my: [my.learning_rate(step, 0.3, 1, 5, 0.1) for step in range(7)],
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@pytest.mark.parametrize(("warmup", "steps"), [(1, 0), (5, 4), (100, 10)])
def test_warm_ups_that_do_not_fit_are_refused(warmup: int, steps: int) -> None:
    agree(lambda my: my.learning_rate(0, 0.1, warmup, steps), "warmup")


def printed(cell_id: str) -> str:
    """What a cell of the notebook prints, with everything that stands above it in section 8."""
    (cell,) = [each for each in harness.notebook(NAME).cells if each.id == cell_id]
    said: list[str] = []
    names = {**notebook(), "print": lambda *words: said.append(" ".join(map(str, words)))}
    exec(cell.source, names)
    return "\n".join(said)


def test_numbers_in_the_text_of_the_notebook() -> None:
    """The examples by hand of sections 1, 5 and 6, and the number of characters."""
    assert re.findall(r"target (\d.\d+)", printed("loss-numbers")) == ["0.408", "1.408", "2.408"]
    assert "norm of all together: 5.0" in printed("clip-numbers")
    steps = printed("adam-numbers").splitlines()
    assert [line.split("steps ")[1] for line in steps] == [
        "-0.100, -0.100, -0.026",
        "-0.100, -0.100, -0.026",
        "+0.100, +0.100, +0.026",
    ]
    assert len(set(notebook()["ALICE"])) == 65
    assert 4.4 < math.exp(1.5) < 4.6


@pytest.mark.parametrize(
    "line",
    [
        "ENTROPY = F.cross_entropy",
        "ENTROPY = nn.CrossEntropyLoss()",
        "from torch.nn.functional import nll_loss as ENTROPY",
        "ENTROPY = nn.NLLLoss()",
        "ENTROPY = getattr(F, 'linear_' + 'cross_entropy')",
        "from torch.optim import AdamW as ENTROPY",
        "ENTROPY = torch.optim.SGD",
        "ENTROPY = torch._fused_adam_",
        "ENTROPY = torch._fused_adamw_",
        "from torch.nn.utils import clip_grad_norm_ as ENTROPY",
        "ENTROPY = nn.utils.clip_grad_norm",
        "ENTROPY = nn.utils.clip_grads_with_norm_",
        "ENTROPY = nn.utils.get_total_norm",
    ],
)
def test_what_is_built_here_is_not_called(line: str) -> None:
    """The definition that uses it earns nothing."""
    cell = harness.test_cells(NAME)["test-train"]
    uses = "def train(*given):\n    return ENTROPY(*given)\n"
    imports = "import torch\nimport torch.nn.functional as F\nfrom torch import nn"

    said = messages(
        [Cell(imports), Cell(line), Cell(uses)], {"train": harness.forbidden(NAME, cell)}
    )

    assert "which is to be built here, not called" in said["train"]

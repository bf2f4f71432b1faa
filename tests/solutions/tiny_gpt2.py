"""The small GPT-2 at the end of notebook 07: made by Hugging Face's class, with random numbers.

`python -m tests.solutions.tiny_gpt2` prints the cell that holds it. All numbers are exact in 16
bits, so the cell holds them in 33 KB; what the model says of a text is computed in float64.
"""

from __future__ import annotations

import base64
import textwrap

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

IDS = [31, 7, 7, 52, 0, 18, 60, 44, 3, 29, 11, 36]


def tiny_gpt2() -> GPT2LMHeadModel:
    """GPT-2's architecture with 16,728 random parameters, in float64.

    Larger numbers than a fresh model has: with those, every word would be about as likely as any.
    """
    config = GPT2Config(vocab_size=61, n_positions=32, n_embd=24, n_layer=2, n_head=3)
    model = GPT2LMHeadModel(config).eval().double()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 2:
                drawn *= 0.3
            elif "ln_" in name and name.endswith("weight"):
                drawn = 1 + 0.2 * drawn
            else:
                drawn *= 0.2
            parameter.copy_(drawn.half())
    return model


def weights_of(model: GPT2LMHeadModel) -> dict[str, Tensor]:
    """Its state dict without the head, which is the table of the words once more."""
    return {name: each for name, each in model.state_dict().items() if name != "lm_head.weight"}


def log_probabilities_of(model: GPT2LMHeadModel) -> list[float]:
    """What it says of each next id of IDS, to ten digits after the point."""
    ids = torch.tensor(IDS)
    with torch.no_grad():
        said = torch.log_softmax(model(ids[None]).logits[0], dim=-1)
    return [round(said[i, ids[i + 1]].item(), 10) for i in range(len(IDS) - 1)]


def cell() -> str:
    """The source of the cell that ships with the notebook."""
    model = tiny_gpt2()
    weights = weights_of(model)
    packed = b"".join(each.half().numpy().tobytes() for each in weights.values())
    shapes = [f'    "{name}": {tuple(each.shape)},' for name, each in weights.items()]
    said = textwrap.fill(", ".join(map(str, log_probabilities_of(model))), 96)
    return "\n".join(
        [
            "# Made by tests/solutions/tiny_gpt2.py of the workbook, with GPT2LMHeadModel of",
            "# transformers 5.24.0. HEADS and IDS are as they were for Hugging Face's model, and",
            "# EXPECTED is what it says of each next id, computed in float64.",
            f"VOCAB, LENGTH, WIDTH, LAYERS, HEADS = {_sizes(model)}",
            f"IDS = {IDS}",
            "EXPECTED = [",
            textwrap.indent(said, "    "),
            "]",
            "SHAPES = {",
            *shapes,
            "}",
            '# All numbers one after another, 16 bits each, as text.\nPACKED = """',
            *textwrap.wrap(base64.b64encode(packed).decode(), 96),
            '"""',
        ]
    )


def _sizes(model: GPT2LMHeadModel) -> str:
    of = model.config
    return ", ".join(map(str, (of.vocab_size, of.n_positions, of.n_embd, of.n_layer, of.n_head)))


if __name__ == "__main__":
    print(cell())

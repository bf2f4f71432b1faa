"""Train the model of characters that notebook 09 ends with, and write it into its cell.

    python -m examples.checkpoint

It takes a few minutes. The text is that of notebook 06, the model the GPT that notebook 09
provides.
Each weight is written as one byte, a float8 of sixteen times its value.
"""

from __future__ import annotations

import base64
import textwrap
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.course import notebook_file

ROOT = Path(__file__).parent.parent
GENERATION = ROOT / "source" / "09-generation" / "09-generation.ipynb"
TOKENIZATION = ROOT / "source" / "06-tokenization" / "06-tokenization.ipynb"

SHAPE = {"max_len": 128, "d_model": 32, "num_layers": 2, "num_heads": 4}
STEPS, BATCH, PEAK = 1_200, 16, 4e-3
SCALE = 16.0  # brings the weights to where a float8 has its digits


def cells(path: Path, *ids: str) -> dict[str, Any]:
    """The names that these cells of a notebook define."""
    names: dict[str, Any] = {}
    for cell in notebook_file.read(path).cells:
        if cell.id in ids:
            exec(cell.source, names)
    return names


def trained(text: str, characters: str) -> nn.Module:
    """A GPT that has read the text, one character a token."""
    torch.manual_seed(0)
    ids = torch.tensor([characters.index(letter) for letter in text])
    model: nn.Module = cells(GENERATION, "imports", "provided-gpt")["GPT"](len(characters), **SHAPE)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.06)
    optimizer = torch.optim.AdamW(model.parameters(), PEAK, betas=(0.9, 0.95), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, STEPS)
    for step in range(STEPS):
        starts = torch.randint(0, len(ids) - SHAPE["max_len"], (BATCH, 1))
        windows = ids[starts + torch.arange(SHAPE["max_len"] + 1)]
        logits, _ = model(windows[:, :-1])
        # A little is held back from each target, so that the model is not too sure of itself.
        loss = F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten(), label_smoothing=0.02)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 250 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    return model


def in_bytes(model: nn.Module) -> str:
    """All weights in the order of `parameters`, as base64."""
    numbers: Tensor = nn.utils.parameters_to_vector(model.parameters()).detach() * SCALE
    as_bytes = numbers.to(torch.float8_e4m3fn).view(torch.uint8).numpy().tobytes()
    return base64.b64encode(as_bytes).decode()


def main() -> None:
    """Write the cell."""
    text = cells(TOKENIZATION, "alice")["ALICE"]
    characters = "".join(sorted(set(text)))
    weights = "\n".join(textwrap.wrap(in_bytes(trained(text, characters)), 120))
    notebook = notebook_file.read(GENERATION)
    (cell,) = [each for each in notebook.cells if each.id == "checkpoint"]
    cell.source = f'CHARACTERS = {characters!r}\nSHAPE = {SHAPE}\nWEIGHTS = """\\\n{weights}\n"""'
    GENERATION.write_text(notebook_file.written(notebook), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Random inputs that the reference and the submission draw alike, new in every grading run."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from ._named import asked_names

SEED_VARIABLE = "WORKBOOK_SEED"


class Inputs:
    """The random generator of one observation, seeded from the run's seed and its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.generator = self.named("inputs")

    def named(self, purpose: str) -> torch.Generator:
        """A generator of its own for `purpose`, so that drawing more of one changes no other."""
        return torch.Generator().manual_seed(_seed(self.name, purpose))


def _seed(*parts: str) -> int:
    run = os.environ.get(SEED_VARIABLE, "0")
    digest = hashlib.sha256("\x1f".join([run, *parts]).encode()).digest()
    return int.from_bytes(digest[:7], "big")


def seed_globals(name: str) -> None:
    """Seed the generators that the student's own code may draw from (initialisation, dropout)."""
    seed = _seed(name, "global")
    random.seed(seed)
    np.random.seed(seed % 2**32)
    # torch.manual_seed also asks every kind of accelerator, 2 ms each time.
    torch.default_generator.manual_seed(seed)


current: Inputs = Inputs("")


def randn(*shape: int, dtype: torch.dtype = torch.float32, requires_grad: bool = False) -> Tensor:
    """Standard normal numbers, drawn in float64 and then rounded to `dtype`."""
    drawn = torch.randn(*shape, generator=current.generator, dtype=torch.float64)
    return drawn.to(dtype).requires_grad_(requires_grad)


def randint(low: int, high: int, shape: Iterable[int]) -> Tensor:
    """Whole numbers (int64) from `low` to `high - 1`."""
    return torch.randint(low, high, tuple(shape), generator=current.generator)


def randomise(module: nn.Module) -> nn.Module:
    """Give every parameter random values by its name, whatever the order they were made in.

    Vectors are standard normal; matrices are scaled by 1/sqrt(last size), to keep sizes near 1.
    What has another name than was asked for gets the values of those that it stands for.
    """
    asked = asked_names(module)
    # What is done here is not the student's doing, and nobody's to be told of.
    with torch.no_grad(), torch._C.DisableTorchFunction():
        for name, parameter in module.named_parameters():
            names = asked.get(name, [name])
            drawn = torch.cat([_drawn(each, parameter.shape, len(names)) for each in names])
            if parameter.ndim > 1:
                drawn /= max(1, parameter.shape[-1]) ** 0.5
            parameter.copy_(drawn.reshape(parameter.shape))
    return module


def _drawn(name: str, shape: torch.Size, parts: int) -> Tensor:
    """One of the equal parts of a parameter, one below the other."""
    rows = (shape[0] // parts, *shape[1:]) if shape else (1,)
    generator = current.named("parameter " + name)
    return torch.randn(rows, generator=generator, dtype=torch.float64)


def gradients(
    outputs: Tensor | tuple[Tensor, ...], inputs: Iterable[Tensor]
) -> tuple[Tensor | None, ...]:
    """The gradient of each input under a random cotangent; None where none arrives.

    A random cotangent, because `sum()` has gradients that are zero or constant by symmetry.
    """
    generator = current.named("cotangent")
    inputs = tuple(inputs)
    roots = outputs if isinstance(outputs, tuple) else (outputs,)
    cotangents = [
        torch.randn(root.shape, generator=generator, dtype=torch.float64).to(root.dtype)
        for root in roots
    ]
    live = [(root, c) for root, c in zip(roots, cotangents, strict=True) if root.requires_grad]
    if not live:
        return tuple(None for _ in inputs)
    # Given as grad_outputs, the cotangents would make torch import a computer algebra system.
    total = torch.stack([(root * c).sum(dtype=torch.float64) for root, c in live]).sum()
    return tuple(torch.autograd.grad(total, inputs, allow_unused=True))

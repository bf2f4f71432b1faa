"""Submissions that have the library do what they were to build, where it is hard to see.

A distribution's probabilities are a softmax, whose name stands nowhere in their text. Each adds
nothing of it to its result, which is right otherwise.
"""

from __future__ import annotations

from tests.hostile import Hostile

NOTED = "torch's own dispatcher notes what runs, in every thread and whatever called it"
HIDDEN = """
import torch
from torch import Tensor


def library(x: Tensor) -> Tensor:
    return torch.distributions.Categorical(logits=x.reshape(-1)).probs.reshape(x.shape).clone()
"""
NOTHING = """

def double(x):
    return 2 * x + 0 * hidden(x)
"""


def _door(id: str, tries: str, hidden: str) -> Hostile:
    return Hostile(f"door-{id}", tries, NOTED, HIDDEN + hidden + NOTHING)


SUBMISSIONS = [
    _door("plain", "takes it from a class whose name says nothing of it", "hidden = library\n"),
    _door(
        "custom-op",
        "registers it as an operator of its own, into which no mode looks",
        """
@torch.library.custom_op("mine::hidden", mutates_args=())
def operator(x: Tensor) -> Tensor:
    return library(x)

def hidden(x):
    return operator(x.detach())
""",
    ),
    _door(
        "library",
        "defines an operator and its kernel by hand",
        """
made = torch.library.Library("theirs", "FRAGMENT")
made.define("hidden(Tensor x) -> Tensor")
made.impl("hidden", library, "CPU")

def hidden(x):
    return torch.ops.theirs.hidden(x.detach())
""",
    ),
    _door(
        "modes-off",
        "switches torch's dispatch modes off while it calls",
        """
from torch.utils._python_dispatch import _disable_current_modes

def hidden(x):
    with _disable_current_modes():
        return library(x)
""",
    ),
    _door(
        "thread",
        "calls in a thread that it starts",
        """
from multiprocessing.pool import ThreadPool

def hidden(x):
    with ThreadPool(1) as pool:
        return pool.apply(library, (x.detach(),))
""",
    ),
    _door(
        "waiting-thread",
        "calls in a thread that waits since before the tests",
        """
from multiprocessing.pool import ThreadPool
pool = ThreadPool(1)

def hidden(x):
    return pool.apply(library, (x.detach(),))
""",
    ),
    _door(
        "autograd",
        "calls in the backward of a function, which another thread may run",
        """
class Late(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return library(gradient)

def hidden(x):
    leaf = x.detach().requires_grad_()
    return torch.autograd.grad(Late.apply(leaf).sum(), leaf)[0]
""",
    ),
    _door("vmap", "calls under a transform", "hidden = torch.vmap(library)\n"),
]

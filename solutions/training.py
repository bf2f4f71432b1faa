# Made by `workbook release` from source/08-training, to be changed there.
"""Training: the loss, batches, the learning rate, clipping, AdamW and the loop.

Loshchilov and Hutter (2019), algorithm 2; Kingma and Ba (2015); Devlin et al. (2019), section 3.1.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = -100) -> Tensor:
    """Take the mean of -log p(target) over all places whose target is not `ignore_index`.

    logits (..., V), targets (...) -> (), in at least float32. Nothing counted: 0, zero gradients.
    """
    counted = targets != ignore_index
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    # Only the rows that count: what an ignored one holds can reach neither loss nor gradient.
    log_probabilities = F.log_softmax(wide[counted], dim=-1)  # (C, V)
    picked = log_probabilities.gather(-1, targets[counted][:, None])  # (C, 1)
    return -picked.sum() / max(1, picked.numel())


def next_token_batch(ids: Tensor, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Cut pieces of a text, and the same pieces one token later.

    ids (T,), starts (B,) -> inputs and targets, (B, length) each, no memory shared with `ids`.
    Raises: ValueError naming `starts`, when a piece or its targets would leave the text.
    """
    if ((starts < 0) | (starts + length >= len(ids))).any():
        raise ValueError(f"starts must lie in 0 ... {len(ids) - length - 1}: got {starts.tolist()}")
    places = starts[:, None] + torch.arange(length, device=ids.device)  # (B, length)
    return ids[places], ids[places + 1]


def mask_tokens(
    ids: Tensor,
    mask_id: int,
    chance: Tensor,
    action: Tensor,
    random_ids: Tensor,
    special: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Hide some tokens as BERT's training does, and say what stood there.

    Chosen where `chance` is below 0.15, unless special; of these, `action` below 0.8 becomes
    `mask_id`, below 0.9 the token of `random_ids`, and the rest stays. All tensors have the shape
    of `ids`.
    Returns inputs and targets; targets are -100 where not chosen.
    Source: Devlin et al. 2019, section 3.1.
    """
    chosen = chance < 0.15
    if special is not None:
        chosen = chosen & ~special
    replaced = torch.where(action < 0.8, mask_id, torch.where(action < 0.9, random_ids, ids))
    return torch.where(chosen, replaced, ids), torch.where(chosen, ids, -100)


def learning_rate(step: int, peak: float, warmup: int, total: int, floor: float = 0.0) -> float:
    """Give the rate of a step: a straight rise to `peak`, then half a cosine down to `floor`.

    Step 0 is the first. At step `total` and after it is `floor`.
    Raises: ValueError naming `warmup`, when it is above `total`.
    Source: Loshchilov and Hutter 2017, "SGDR", equation 5, after a linear warm-up.
    """
    if warmup > total:
        raise ValueError(f"warmup of {warmup} steps is longer than the {total} steps in all")
    if step >= total:
        return floor
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / (total - warmup)
    return floor + (peak - floor) * (1 + math.cos(math.pi * progress)) / 2


def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float) -> Tensor:
    """Measure all gradients together, and scale them in place where that is above `max_norm`.

    Returns the norm before, () in at least float32. Parameters without gradient are passed over;
    `parameters` is read once.
    """
    kept = list(parameters)  # an iterator can be read only once
    given = [parameter.grad for parameter in kept if parameter.grad is not None]
    wide = [grad.to(torch.promote_types(grad.dtype, torch.float32)) for grad in given]
    if not wide:
        return torch.zeros(())
    norm = torch.stack([grad.square().sum() for grad in wide]).sum().sqrt()
    if norm > max_norm:
        for grad in given:
            grad.mul_(max_norm / norm)
    return norm


class AdamW:
    """Adam with decoupled weight decay and bias correction, for parameters in groups.

    A group is {"params": list, "lr": float, "weight_decay": float}; `groups` are those given.
    Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
    """

    def __init__(
        self,
        groups: Sequence[dict[str, Any]],
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
    ) -> None:
        self.groups = groups
        self._betas = betas
        self._eps = eps
        self._steps: dict[Tensor, int] = {}
        self._means: dict[Tensor, tuple[Tensor, Tensor]] = {}

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient, in place."""
        beta1, beta2 = self._betas
        for group in self.groups:
            for parameter in group["params"]:
                grad = parameter.grad
                if grad is None:
                    continue
                if parameter not in self._means:
                    self._means[parameter] = torch.zeros_like(grad), torch.zeros_like(grad)
                mean, square = self._means[parameter]
                steps = self._steps[parameter] = self._steps.get(parameter, 0) + 1
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                mean.lerp_(grad, 1 - beta1)
                square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
                root = (square.sqrt() / (1 - beta2**steps) ** 0.5).add_(self._eps)
                parameter.addcdiv_(mean, root, value=-group["lr"] / (1 - beta1**steps))

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.groups:
            for parameter in group["params"]:
                parameter.grad = None


def decay_groups(model: nn.Module, weight_decay: float, lr: float) -> list[dict[str, Any]]:
    """Sort the parameters of a model into those that decay and those that do not.

    Two groups for AdamW: what has two or more dimensions, with `weight_decay`; the rest with 0.0.
    """
    # parameters() names a parameter once, however often it is registered.
    parameters = list(model.parameters())
    return [
        {
            "params": [each for each in parameters if (each.ndim >= 2) == decays],
            "lr": lr,
            "weight_decay": weight_decay if decays else 0.0,
        }
        for decays in (True, False)
    ]


def train(
    model: nn.Module,
    ids: Tensor,
    steps: int,
    batch_size: int,
    length: int,
    peak: float,
    starts: Tensor,
    warmup: int = 10,
    max_norm: float = 1.0,
) -> list[float]:
    """Train a language model on pieces of a text, and say the loss of each step before its update.

    ids (T,), starts (steps, batch_size); model(inputs) -> logits, caches. 0 steps give [].
    Raises: ValueError naming `warmup`, when it is above `steps`.
    """
    model.train()
    optimizer = AdamW(decay_groups(model, 0.1, peak))
    losses = []
    for step in range(steps):
        for group in optimizer.groups:
            group["lr"] = learning_rate(step, peak, warmup, steps)
        inputs, targets = next_token_batch(ids, starts[step], length)
        optimizer.zero_grad()
        logits, _ = model(inputs)
        loss = cross_entropy(logits, targets)
        loss.backward()
        clip_gradients(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
    return losses

"""Notebook 08 by torch's own functions: what the reference is to equal."""

import torch
import torch.nn.functional as F
from torch import nn


def cross_entropy(logits, targets, ignore_index=-100):
    rows = logits.reshape(-1, logits.shape[-1]).to(torch.promote_types(logits.dtype, torch.float32))
    flat = targets.reshape(-1)
    total = F.cross_entropy(rows, flat, ignore_index=ignore_index, reduction="sum")
    return total / (flat != ignore_index).sum().clamp(min=1)


def next_token_batch(ids, starts, length):
    windows = ids.unfold(0, length + 1, 1)
    if len(starts) and not (0 <= starts.min() and starts.max() < len(windows)):
        raise ValueError("starts leave the text")
    pieces = windows.index_select(0, starts)
    return pieces[:, :-1].clone(), pieces[:, 1:].clone()


def mask_tokens(ids, mask_id, chance, action, random_ids, special=None):
    """As in transformers' DataCollatorForLanguageModeling, with one draw for the three kinds."""
    inputs, targets = ids.clone(), ids.clone()
    chosen = chance < 0.15
    if special is not None:
        chosen.masked_fill_(special, False)
    targets[~chosen] = -100
    masked = (action < 0.8) & chosen
    inputs[masked] = mask_id
    replaced = (action >= 0.8) & (action < 0.9) & chosen
    inputs[replaced] = random_ids[replaced]
    return inputs, targets


def learning_rate(step, peak, warmup, total, floor=0.0):
    """torch's schedulers, asked one step after the other, for an optimizer that moves nothing."""
    if warmup > total:
        raise ValueError("warmup is too long")
    if step >= total:
        return float(floor)
    if step < warmup:
        return peak * (step + 1) / warmup
    nothing = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=peak)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(nothing, total - warmup, floor)
    for _ in range(step - warmup):
        nothing.step()
        cosine.step()
    return float(nothing.param_groups[0]["lr"])


def clip_gradients(parameters, max_norm):
    """torch's, which divides by the norm plus 1e-6; 16-bit gradients are measured in float32."""
    parameters = [each for each in parameters if each.grad is not None]
    wide = [nn.Parameter(torch.zeros(each.grad.shape, dtype=torch.promote_types(each.grad.dtype, torch.float32))) for each in parameters]
    for one, other in zip(wide, parameters, strict=True):
        one.grad = other.grad.to(one.dtype).clone()
    norm = nn.utils.clip_grad_norm_(wide, max_norm)
    for one, other in zip(wide, parameters, strict=True):
        other.grad.copy_(one.grad)
    return norm if parameters else torch.zeros(())


class AdamW:
    def __init__(self, groups, betas=(0.9, 0.95), eps=1e-8):
        self.groups = groups
        copies = [{"params": group["params"]} for group in groups if group["params"]]
        self._torch = torch.optim.AdamW(copies, betas=betas, eps=eps, foreach=False) if copies else None

    def step(self):
        if self._torch is None:
            return
        given = [group for group in self.groups if group["params"]]
        for one, group in zip(self._torch.param_groups, given, strict=True):
            one["lr"], one["weight_decay"] = group["lr"], group["weight_decay"]
        self._torch.step()

    def zero_grad(self):
        if self._torch is not None:
            self._torch.zero_grad()


def decay_groups(model, weight_decay, lr):
    """The lines of nanoGPT's configure_optimizers."""
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    decayed = [p for p in named.values() if p.dim() >= 2]
    rest = [p for p in named.values() if p.dim() < 2]
    return [
        {"params": decayed, "lr": lr, "weight_decay": weight_decay},
        {"params": rest, "lr": lr, "weight_decay": 0.0},
    ]


def train(model, ids, steps, batch_size, length, peak, starts, warmup=10, max_norm=1.0):
    if steps == 0:
        return []
    model.train()
    optimizer = torch.optim.AdamW(
        [{k: v for k, v in group.items() if k != "lr"} for group in decay_groups(model, 0.1, peak)],
        lr=peak,
        betas=(0.9, 0.95),
    )
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, peak, warmup, steps)
        inputs, targets = next_token_batch(ids, starts[step], length)
        optimizer.zero_grad()
        logits = model(inputs)[0]
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
    return losses

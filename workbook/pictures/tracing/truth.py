"""What is right at each step, by torch's own operators."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BOTH = (0, 1)
BIDIRECTIONAL, CAUSAL = BOTH


@dataclass(frozen=True)
class Truth:
    """The right results for one sentence; pairs are bidirectional, causal.

    query, key, value (L, E), or (H, L, D/H) with heads; merged (L, D).
    """

    query: Tensor
    key: Tensor
    value: Tensor
    scores: Tensor
    mask: Tensor
    weights: tuple[Tensor, Tensor]
    output: tuple[Tensor, Tensor]
    merged: tuple[Tensor, Tensor]


def truth(query: Tensor, key: Tensor, value: Tensor, heads: int | None) -> Truth:
    """Work out every step for query, key and value (L, D), in `heads` heads if there are any."""
    merged = _layer(query, key, value, heads or 1)
    if heads is not None:
        query, key, value = (split(x, heads) for x in (query, key, value))
    # With the identity as values, the output is the weights.
    identity = torch.eye(len(query[0] if heads else query)).expand(*query.shape[:-1], -1)
    return Truth(
        query,
        key,
        value,
        scaled(query, key),
        torch.ones(query.shape[-2], query.shape[-2]).tril().bool(),
        _attention(query, key, identity),
        _attention(query, key, value),
        merged,
    )


def split(x: Tensor, heads: int) -> Tensor:
    """Pieces of neighbouring columns: (L, D) -> (H, L, D/H)."""
    return torch.stack(x.chunk(heads, dim=-1))


def joined(x: Tensor) -> Tensor:
    """The pieces side by side again: (H, L, E) -> (L, H*E)."""
    return torch.cat(list(x), dim=-1)


def scaled(query: Tensor, key: Tensor) -> Tensor:
    """The scores (..., L, S)."""
    return query @ key.mT / math.sqrt(query.shape[-1])


def blocked(scores: Tensor, mask: Tensor | None) -> Tensor:
    """The scores, -inf where the mask says no."""
    return scores if mask is None else scores.masked_fill(~mask, -math.inf)


def weighed(scores: Tensor, dim: int = -1) -> Tensor:
    """torch.softmax, but 0 where a row has nothing to look at."""
    weights = torch.softmax(scores, dim)
    return weights.masked_fill((scores == -math.inf).all(dim, keepdim=True), 0.0)


def _attention(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    return (
        F.scaled_dot_product_attention(query, key, value),
        # L equals S here, so the corner of torch's own triangle is the right one.
        F.scaled_dot_product_attention(query, key, value, is_causal=True),
    )


def _layer(query: Tensor, key: Tensor, value: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    # A new layer draws its weights; the notebook's next random number stays what it was.
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        layer = nn.MultiheadAttention(query.shape[-1], heads, bias=False)
        eye = torch.eye(query.shape[-1])
        layer.in_proj_weight.copy_(eye.repeat(3, 1))
        layer.out_proj.weight.copy_(eye)
        future = torch.ones(len(query), len(query)).triu(1).bool()
        return layer(query, key, value)[0], layer(query, key, value, attn_mask=future)[0]

# Made by `workbook release` from source/03-multi-head-attention, to be changed there.
"""Attention in several heads side by side, each with a view of its own.

Vaswani et al., "Attention Is All You Need" (2017), section 3.2.2.
"""

import math

import torch
from torch import Tensor, nn


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """Cut every vector into `num_heads` pieces of neighbouring numbers, one piece for each head.

    x (..., L, D) -> (..., H, L, D/H); the first D/H columns of x belong to the first head.
    Raises: ValueError naming `num_heads`, when it does not divide D.

    Source: Vaswani et al. (2017), section 3.2.2: d_k = d_model / h.
    """
    *before, d_model = x.shape
    if num_heads < 1 or d_model % num_heads != 0:
        raise ValueError(f"num_heads = {num_heads} does not divide the last size, {d_model}")
    pieces = x.reshape(*before, num_heads, d_model // num_heads)  # (..., L, H, E)
    # Matrix products work on the last two sizes, so L has to stand beside E, and H before both.
    return pieces.transpose(-3, -2)  # (..., H, L, E)


def merge_heads(x: Tensor) -> Tensor:
    """Put the pieces of every vector side by side again: the inverse of `split_heads`.

    x (..., H, L, E) -> (..., L, H*E).

    Source: Vaswani et al. (2017), section 3.2.2, Concat in the definition of MultiHead.
    """
    # flatten copies where it must; after this transpose no view could do without a copy.
    return x.transpose(-3, -2).flatten(-2)  # (..., L, H*E)


class MultiHeadAttention(nn.Module):
    """Let the heads attend side by side, each in its own D/H columns, and mix what they find.

    Four nn.Linear layers, D -> D, with a bias or without: q_proj, k_proj, v_proj, out_proj.
    Raises: ValueError naming `num_heads`, unless it divides `d_model`.

    Source: Vaswani et al. (2017), section 3.2.2, the definition of MultiHead.
    """

    def __init__(self, d_model: int, num_heads: int, bias: bool = True) -> None:
        super().__init__()
        if num_heads < 1 or d_model % num_heads != 0:
            raise ValueError(f"num_heads = {num_heads} does not divide d_model = {d_model}")
        self.num_heads = num_heads
        # The paper's H matrices of D x E stand side by side in one of D x D.
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, d_model, bias=bias)
        self.v_proj = nn.Linear(d_model, d_model, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attend from every query to the keys, in every head.

        query (B, L, D), key (B, S, D), value (B, S, D) -> output (B, L, D), weights (B, H, L, S).
        mask: bool, True where a query may attend to a key; (L, S) or (B, L, S), the same for
        every head, or (B, H, L, S); every size may be 1. A query that may attend to nothing gets
        weights 0, and 0 before `out_proj`.
        Raises: ValueError naming `mask`, when it is not bool or does not broadcast.
        """
        query_heads = split_heads(self.q_proj(query), self.num_heads)  # (B, H, L, E)
        key_heads = split_heads(self.k_proj(key), self.num_heads)  # (B, H, S, E)
        value_heads = split_heads(self.v_proj(value), self.num_heads)  # (B, H, S, E)

        # A head compares vectors of E numbers, so E sets the size of its dot products, not D.
        scaled = query_heads / math.sqrt(query_heads.shape[-1])  # (B, H, L, E)
        scores = scaled @ key_heads.mT  # (B, H, L, S)
        if mask is None:
            weights = torch.softmax(scores, dim=-1)  # (B, H, L, S)
        else:
            if mask.dtype != torch.bool:
                raise ValueError(f"mask must be torch.bool, True = may attend, not {mask.dtype}")
            # Sizes are matched from the right: without a size for the heads, B would meet H.
            per_head = mask.unsqueeze(1) if mask.ndim == 3 else mask
            try:
                blocked = ~per_head.expand(scores.shape)  # (B, H, L, S)
            except RuntimeError:
                raise ValueError(
                    f"mask of shape {tuple(mask.shape)} does not broadcast to the scores, "
                    f"{tuple(scores.shape)}"
                ) from None
            weights = torch.softmax(scores.masked_fill(blocked, -math.inf), dim=-1)
            # Where all is blocked, softmax divides 0 by 0; filling also stops the NaN's gradient.
            weights = weights.masked_fill(blocked, 0.0)  # (B, H, L, S)

        merged = merge_heads(weights @ value_heads)  # (B, L, D)
        return self.out_proj(merged), weights


def attention_parameter_count(d_model: int, num_heads: int, bias: bool = True) -> int:
    """Count the numbers that training may change in a `MultiHeadAttention` of these sizes.

    All heads together: weights and, where there are any, biases.

    Source: Vaswani et al. (2017), section 3.2.2, the shapes of the projections; biases added.
    """
    # Not a word of num_heads: H pieces of D x E, side by side, are D x D for any H.
    one_layer = d_model * d_model + (d_model if bias else 0)
    # Queries, keys, values, and the way out.
    return 4 * one_layer

# Made by `workbook release` from source/challenge-rope, to be changed there.
"""Rotary position embedding (Su et al. 2021, "RoFormer", arXiv:2104.09864)."""

import math

import torch
from torch import Tensor


def rope_frequencies(head_dim: int, base: float = 10_000.0) -> Tensor:
    """Give the angle, in radians, that each pair of numbers turns per position.

    Shapes: -> (E/2,) float32; entry i is base ** (-2i / E), with E = head_dim.

    Raises: ValueError naming head_dim, when it is odd.

    Source: RoFormer, section 3.2.2, the set Theta under equation (15).
    """
    if head_dim % 2 != 0:
        raise ValueError(f"head_dim has to be even, to be made of pairs; it is {head_dim}")
    # float64 until the last step: a position of 100,000 makes any error 100,000 times larger.
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim  # (E/2,)
    return torch.pow(base, -exponents).to(torch.float32)


def apply_rope(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """Turn each pair (x[2i], x[2i+1]) by its position times its frequency, in radians.

    Shapes: x (..., L, E), positions (L,) or broadcastable to (..., L) -> (..., L, E).
    The angles are at least float32 whatever the dtype of x; the result has the dtype of x.

    Raises: ValueError naming head_dim, when E is odd.

    Source: RoFormer, equations (14) and (15); (34) for the form without a matrix.
    """
    frequencies = rope_frequencies(x.shape[-1], base).to(x.device)  # (E/2,)
    # Never in the dtype of x: bfloat16 counts 256, 258, 260 and has no 257.
    angles = positions[..., None] * frequencies  # (..., L, E/2)
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[..., 0::2], x[..., 1::2]  # (..., L, E/2)
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    return turned.flatten(-2).to(x.dtype)  # (..., L, E/2, 2) -> (..., L, E)


def rope_half_to_interleaved(weight: Tensor, num_heads: int) -> Tensor:
    """Reorder the rows of a query or key projection from split halves to neighbouring pairs.

    Shapes: weight (H*E, ...), a matrix or a bias -> (H*E, ...); num_heads is the number of
    heads of this projection, H for queries and Hkv for keys.

    Source: the inverse of `permute` in the Llama conversion of Hugging Face transformers.
    """
    half = weight.shape[0] // num_heads // 2  # E/2
    halves = weight.reshape(num_heads, 2, half, *weight.shape[1:])  # (H, 2, E/2, ...)
    return halves.transpose(1, 2).flatten(0, 2)  # (H, E/2, 2, ...) -> (H*E, ...)


def rope_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    positions: Tensor,
    causal: bool = True,
    base: float = 10_000.0,
) -> Tensor:
    """Attend with queries and keys that are turned by their positions.

    Shapes: query, key, value (..., L, E), positions as in apply_rope -> (..., L, E).
    With causal, entry i attends to the entries 0 ... i of the sequence, whatever `positions` says.

    Raises: ValueError naming head_dim, when E is odd.

    Source: RoFormer, equation (16), in the attention of equation (2).
    """
    turned_query = apply_rope(query, positions, base)  # (..., L, E)
    turned_key = apply_rope(key, positions, base)
    scores = turned_query @ turned_key.mT / math.sqrt(query.shape[-1])  # (..., L, L)
    if causal:
        length = query.shape[-2]
        future = torch.ones(length, length, dtype=torch.bool, device=query.device).triu(1)
        scores = scores.masked_fill(future, -torch.inf)
    # The values stay as they are: position decides where to look, not what is found there.
    return torch.softmax(scores, dim=-1) @ value

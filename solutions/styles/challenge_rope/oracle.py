"""Rotary position embedding by torch's complex numbers, as in Meta's Llama."""

import torch
import torch.nn.functional as F
from torch import Tensor


def rope_frequencies(head_dim: int, base: float = 10_000.0) -> Tensor:
    """`precompute_freqs_cis` of Meta's llama/model.py, in float64."""
    if head_dim % 2:
        raise ValueError("head_dim is odd")
    return (1.0 / (base ** (torch.arange(0, head_dim, 2).double() / head_dim))).float()


def apply_rope(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """`apply_rotary_emb` of Meta's llama/model.py: pairs as complex numbers, in float64."""
    frequencies = rope_frequencies(x.shape[-1], base).to(x.device)
    angles = positions.double()[..., None] * frequencies
    turns = torch.polar(torch.ones_like(angles), angles)
    pairs = torch.view_as_complex(x.double().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)


def rope_half_to_interleaved(weight: Tensor, num_heads: int) -> Tensor:
    """The inverse of `permute` in transformers' convert_llama_weights_to_hf.py."""
    rows = torch.arange(len(weight))
    permuted = rows.view(num_heads, len(rows) // num_heads // 2, 2).transpose(1, 2).flatten()
    return weight[permuted.argsort()]


def rope_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    positions: Tensor,
    causal: bool = True,
    base: float = 10_000.0,
) -> Tensor:
    """torch's attention, in float64, on queries and keys that are turned."""
    turned = (apply_rope(x.double(), positions, base) for x in (query, key))
    output = F.scaled_dot_product_attention(*turned, value.double(), is_causal=causal)
    return output.to(query.dtype)

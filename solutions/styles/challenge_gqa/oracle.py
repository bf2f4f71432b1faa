"""Grouped-query attention by torch's own attention, one query head after the other."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def kv_cache_bytes(
    batch: int,
    seq_len: int,
    num_layers: int,
    num_kv_heads: int,
    head_dim: int,
    bytes_per_element: int = 2,
) -> int:
    """The bytes of such tensors, with no memory behind them."""
    size = 2, num_layers, batch, num_kv_heads, seq_len, head_dim, bytes_per_element
    return torch.empty(size, dtype=torch.int8, device="meta").nbytes


def repeat_kv(x: Tensor, n_rep: int) -> Tensor:
    """`repeat_kv` of transformers' modeling_llama.py."""
    batch, heads, length, size = x.shape
    expanded = x[:, :, None].expand(batch, heads, n_rep, length, size)
    return expanded.reshape(batch, heads * n_rep, length, size)


def grouped_query_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Query head h beside key/value head h // G: torch's operator knows no group."""
    heads, kv_heads = query.shape[1], key.shape[1]
    if kv_heads < 1 or heads % kv_heads:
        raise ValueError("key has heads that do not divide those of query")
    size = *query.shape[:3], key.shape[2]
    allowed = torch.ones(size, dtype=torch.bool, device=query.device)
    if mask is not None:
        if mask.dtype != torch.bool:  # torch adds a mask of numbers
            raise ValueError("mask is not bool")
        try:  # torch would give the batch of (B, L, S) to the heads
            allowed = (mask[:, None] if mask.ndim == 3 else mask).expand(size)
        except RuntimeError as error:
            raise ValueError("mask does not broadcast") from error
    q, k, v = query.double(), key.double(), value.double()
    outputs = [
        F.scaled_dot_product_attention(q[:, h], k[:, g], v[:, g], allowed[:, h])
        for h, g in ((h, h // (heads // kv_heads)) for h in range(heads))
    ]
    broken = query.isnan().any(-1, keepdim=True)  # which torch's fused operator does not show
    return torch.stack(outputs, dim=1).to(query.dtype).masked_fill(broken, float("nan"))


class GroupedQueryAttention(nn.Module):
    """Four of torch's linear layers around it."""

    def __init__(self, d_model: int, num_heads: int, num_kv_heads: int, bias: bool = False) -> None:
        super().__init__()
        if num_heads < 1 or d_model % num_heads:
            raise ValueError("num_heads does not divide d_model")
        if num_kv_heads < 1 or num_heads % num_kv_heads:
            raise ValueError("num_kv_heads does not divide num_heads")
        self.heads, self.kv_heads = num_heads, num_kv_heads
        kv_dim = d_model // num_heads * num_kv_heads
        for name, width in (("q", d_model), ("k", kv_dim), ("v", kv_dim), ("out", d_model)):
            self.add_module(name + "_proj", nn.Linear(d_model, width, bias))

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        cache: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The heads are the chunks that torch cuts, and the output is their concatenation."""
        query = torch.stack(self.q_proj(x).chunk(self.heads, -1), 1)
        key = torch.stack(self.k_proj(x).chunk(self.kv_heads, -1), 1)
        value = torch.stack(self.v_proj(x).chunk(self.kv_heads, -1), 1)
        if cache is not None:
            key, value = (torch.cat(pair, 2) for pair in zip(cache, (key, value), strict=True))
        output = grouped_query_attention(query, key, value, mask)
        return self.out_proj(torch.cat(output.unbind(1), -1)), (key, value)

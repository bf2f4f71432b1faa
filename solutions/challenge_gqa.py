# Made by `workbook release` from source/challenge-gqa, to be changed there.
"""Grouped-query attention: several query heads read one head of keys and values.

Ainslie et al. (2023), GQA: Training Generalized Multi-Query Transformer Models from Multi-Head
Checkpoints, arXiv:2305.13245; one shared head is Shazeer (2019), arXiv:1911.02150.
"""

import math

import torch
from torch import Tensor, nn


def kv_cache_bytes(
    batch: int,
    seq_len: int,
    num_layers: int,
    num_kv_heads: int,
    head_dim: int,
    bytes_per_element: int = 2,
) -> int:
    """Size in bytes of the keys and values that all layers keep while text is generated.

    Every layer keeps keys and values, (batch, num_kv_heads, seq_len, head_dim) each.
    bytes_per_element is 2 for float16 and bfloat16, 4 for float32.
    Source: Shazeer (2019), section 2.4.
    """
    elements_per_tensor = batch * num_kv_heads * seq_len * head_dim
    return 2 * num_layers * elements_per_tensor * bytes_per_element


def repeat_kv(x: Tensor, n_rep: int) -> Tensor:
    """Copy every key/value head n_rep times in a row: heads 0, 1 become 0, 0, 1, 1 for n_rep 2.

    x (B, Hkv, S, E) -> (B, Hkv * n_rep, S, E); afterwards query head h finds its keys at head h.
    Source: Ainslie et al. (2023), section 2.2.
    """
    return x.repeat_interleave(n_rep, dim=1)


def grouped_query_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Attention in which every group of H / Hkv query heads reads one head of keys and values.

    query (B, H, L, E), key (B, Hkv, S, E), value (B, Hkv, S, Ev) -> (B, H, L, Ev).
    mask: bool, True where a query may attend to a key; (L, S), (B, L, S) or (B, H, L, S), and
    every size may be 1. A query that may attend to nothing gets 0.
    Keys and values are never repeated: at L = 1 no tensor of B * H * S * E elements is made.
    Raises: ValueError, naming key unless Hkv divides H, naming mask when it is not bool or does
    not broadcast.
    Source: Ainslie et al. (2023), section 2.2; Vaswani et al. (2017), equation 1.
    """
    batch, num_heads, query_len, head_dim = query.shape
    num_kv_heads, key_len = key.shape[1], key.shape[2]
    if num_kv_heads < 1 or num_heads % num_kv_heads != 0:
        raise ValueError(
            f"key has {num_kv_heads} heads, which do not divide the {num_heads} heads of query"
        )
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError(f"mask must be torch.bool, True = may attend, not {mask.dtype}")
        # Without a head axis of its own, the batch axis of (B, L, S) would land on the heads.
        per_head = mask.unsqueeze(1) if mask.ndim == 3 else mask
        try:
            allowed = per_head.expand(batch, num_heads, query_len, key_len)  # (B, H, L, S)
        except RuntimeError:
            raise ValueError(
                f"mask of shape {tuple(mask.shape)} does not broadcast to the scores, "
                f"{(batch, num_heads, query_len, key_len)}"
            ) from None

    # Heads that share keys are neighbours, so their queries lie one after the other: they can
    # stand in line as more queries of one head. Broadcasting the keys over a group axis instead
    # would look as cheap, but matmul copies what it broadcasts.
    rows = num_heads // num_kv_heads * query_len  # G * L queries for each key/value head
    folded = query.reshape(batch, num_kv_heads, rows, head_dim)  # (B, Hkv, G * L, E)
    # The query is scaled, not the scores: in float16 the unscaled products may overflow.
    scores = (folded / math.sqrt(head_dim)) @ key.mT  # (B, Hkv, G * L, S)
    scores = scores.reshape(batch, num_heads, query_len, key_len)  # (B, H, L, S)
    if mask is not None:
        scores = scores.masked_fill(~allowed, -math.inf)
    weights = torch.softmax(scores, dim=-1)  # (B, H, L, S)
    if mask is not None:
        # softmax makes NaN of a row without a single key.
        weights = weights.masked_fill(~allowed, 0.0)
    output = weights.reshape(batch, num_kv_heads, rows, key_len) @ value  # (B, Hkv, G * L, Ev)
    return output.reshape(batch, num_heads, query_len, value.shape[-1])  # (B, H, L, Ev)


class GroupedQueryAttention(nn.Module):
    """Self-attention with num_heads query heads and num_kv_heads heads of keys and values.

    Linear layers: q_proj and out_proj, d_model -> d_model; k_proj and v_proj,
    d_model -> num_kv_heads * head_dim, where head_dim = d_model / num_heads.
    Raises: ValueError, naming num_heads unless it divides d_model, naming num_kv_heads unless it
    divides num_heads.
    Source: Ainslie et al. (2023), section 2.2.
    """

    def __init__(self, d_model: int, num_heads: int, num_kv_heads: int, bias: bool = False) -> None:
        super().__init__()
        if num_heads < 1 or d_model % num_heads != 0:
            raise ValueError(f"num_heads = {num_heads} does not divide d_model = {d_model}")
        if num_kv_heads < 1 or num_heads % num_kv_heads != 0:
            raise ValueError(
                f"num_kv_heads = {num_kv_heads} does not divide the {num_heads} query heads"
            )
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = d_model // num_heads
        # The heads of keys and values are fewer, not narrower: E must be that of the queries.
        kv_dim = num_kv_heads * self.head_dim
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, kv_dim, bias=bias)
        self.v_proj = nn.Linear(d_model, kv_dim, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        cache: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Attend from the L new positions to those of the cache and to themselves.

        x (B, L, D), cache: keys and values (B, Hkv, S - L, E) each
        -> output (B, L, D), grown cache: keys and values (B, Hkv, S, E) each, unrepeated.
        mask: as in grouped_query_attention; None = every key, those of the cache too.
        """
        batch, length, d_model = x.shape
        query_shape = (batch, length, self.num_heads, self.head_dim)
        kv_shape = (batch, length, self.num_kv_heads, self.head_dim)
        query = self.q_proj(x).reshape(query_shape).transpose(1, 2)  # (B, H, L, E)
        key = self.k_proj(x).reshape(kv_shape).transpose(1, 2)  # (B, Hkv, L, E)
        value = self.v_proj(x).reshape(kv_shape).transpose(1, 2)  # (B, Hkv, L, E)
        if cache is not None:
            past_key, past_value = cache
            # cat makes new memory, so whoever still holds the old cache can go on with it.
            key = torch.cat((past_key, key), dim=2)  # (B, Hkv, S, E)
            value = torch.cat((past_value, value), dim=2)  # (B, Hkv, S, E)
        output = grouped_query_attention(query, key, value, mask)  # (B, H, L, E)
        merged = output.transpose(1, 2).reshape(batch, length, d_model)  # (B, L, D)
        return self.out_proj(merged), (key, value)

# Made by `workbook release` from source/02-causal-masking, to be changed there.
"""Who may look at whom: causal and padding masks, and decoding with a cache.

Vaswani et al., "Attention Is All You Need" (2017), section 3.2.3.
"""

import math

import torch
from torch import Tensor


def causal_mask(
    query_len: int, key_len: int | None = None, device: torch.device | str | None = None
) -> Tensor:
    """Say which keys each query may attend to when nobody sees the future.

    lengths L and S in tokens, S = L when `key_len` is None -> bool (L, S), True = may attend.
    The queries are the last L of the S tokens: the last query sees the last key.
    Source: "Attention Is All You Need", section 3.2.3.
    """
    if key_len is None:
        key_len = query_len
    allowed = torch.ones(query_len, key_len, dtype=torch.bool, device=device)  # (L, S)
    # Query 0 stands at token S - L of the sequence, so the diagonal moves by that much.
    return allowed.tril(key_len - query_len)


def padding_mask(lengths: Tensor, max_len: int) -> Tensor:
    """Say which positions of each padded sequence hold a token.

    lengths int (B,) in tokens -> bool (B, 1, S) with S = max_len, True = may attend.
    Raises: ValueError, when a length in `lengths` is outside 0 ... max_len.
    Source: blocks keys as in "Attention Is All You Need", section 3.2.3.
    """
    if ((lengths < 0) | (lengths > max_len)).any():
        raise ValueError(f"lengths must lie in 0 ... {max_len}, got {lengths.tolist()}")
    positions = torch.arange(max_len, device=lengths.device)  # (S,)
    # The middle size of 1 is the query axis: which keys are real does not depend on who asks.
    return positions < lengths[:, None, None]  # (B, 1, S)


def masked_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Attend as in softmax(QK^T / sqrt(E)) V, but only to the keys that the mask allows.

    query (..., L, E), key (..., S, E), value (..., S, Ev), mask bool, broadcastable to (..., L, S),
    True = may attend -> output (..., L, Ev), weights (..., L, S).
    A query that may attend to nothing gets weights 0 and output 0.
    Raises: ValueError, when `mask` is not bool or does not broadcast to the scores.
    Source: "Attention Is All You Need", equation 1 and section 3.2.3.
    """
    scores = query @ key.mT / math.sqrt(query.shape[-1])  # (..., L, S)
    if mask is None:
        weights = torch.softmax(scores, dim=-1)
        return weights @ value, weights
    if mask.dtype != torch.bool:
        raise ValueError(f"mask must be torch.bool (True = may attend), got {mask.dtype}")
    try:
        blocked = ~mask.expand(scores.shape)  # (..., L, S)
    except RuntimeError as error:
        raise ValueError(
            f"mask {tuple(mask.shape)} does not broadcast to the scores {tuple(scores.shape)}"
        ) from error
    scores = scores.masked_fill(blocked, -math.inf)
    # The softmax of a row of -inf alone is 0/0. Filling again makes that row 0, and cuts its NaN
    # out of the gradient too, which nan_to_num would let through.
    weights = torch.softmax(scores, dim=-1).masked_fill(blocked, 0.0)  # (..., L, S)
    return weights @ value, weights  # (..., L, Ev), (..., L, S)


def decode_step(
    query: Tensor, key: Tensor, value: Tensor, cache: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Attend from one new token to all tokens so far, whose keys and values the cache holds.

    query (..., 1, E), key (..., 1, E), value (..., 1, Ev), cache of keys (..., S, E) and values
    (..., S, Ev) -> output (..., 1, Ev), cache of S + 1 tokens.
    Raises: ValueError, when `query` is not exactly one token long.
    Source: Shazeer, "Fast Transformer Decoding" (2019), section 2.4.
    """
    if query.shape[-2] != 1:
        raise ValueError(f"query must hold one new token, got {query.shape[-2]}")
    if cache is not None:
        # cat makes new tensors, so the caller may continue the same cache in several ways.
        key = torch.cat((cache[0], key), dim=-2)  # (..., S + 1, E)
        value = torch.cat((cache[1], value), dim=-2)  # (..., S + 1, Ev)
    # No mask: nothing in the cache lies in the new token's future.
    output, _ = masked_attention(query, key, value)  # (..., 1, Ev)
    return output, (key, value)

"""Notebook 02 by torch's own attention; masks by their definition, entry by entry."""

import torch
import torch.nn.functional as F
from torch import Tensor


def causal_mask(
    query_len: int, key_len: int | None = None, device: torch.device | str | None = None
) -> Tensor:
    """A key is allowed when, counted from the end, it is not later than the query."""
    queries = torch.arange(-query_len, 0, device=device)
    keys = torch.arange(-(query_len if key_len is None else key_len), 0, device=device)
    return keys <= queries[:, None]


def padding_mask(lengths: Tensor, max_len: int) -> Tensor:
    """Python's own counting: position j of a sentence of n tokens is one of them if j < n."""
    if not all(0 <= n <= max_len for n in lengths.tolist()):
        raise ValueError("lengths has one outside 0 ... max_len")
    rows = [[j < n for j in range(max_len)] for n in lengths.tolist()]
    return torch.tensor(rows, dtype=torch.bool, device=lengths.device).reshape(len(rows), 1, max_len)


def masked_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """torch's operator, in float64; with the identity as values it shows its weights."""
    q, k, v = query.double(), key.double(), value.double()
    if mask is not None:
        if mask.dtype != torch.bool:  # torch adds a mask of numbers
            raise ValueError("mask is not bool")
        try:
            mask = mask.expand(*q.shape[:-1], k.shape[-2])
        except RuntimeError as error:
            raise ValueError("mask does not broadcast") from error
    identity = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    # A query without a key gets 0 from the operator too.
    output, weights = (F.scaled_dot_product_attention(q, k, x, mask) for x in (v, identity))
    return output.to(query.dtype), weights.to(query.dtype)


def decode_step(
    query: Tensor, key: Tensor, value: Tensor, cache: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """The last row of torch's attention over all tokens so far."""
    if query.shape[-2] != 1:
        raise ValueError("query is not one token")
    if cache is not None:
        key, value = (torch.cat(pair, -2) for pair in zip(cache, (key, value), strict=True))
    wide = query.double(), key.double(), value.double()
    return F.scaled_dot_product_attention(*wide).to(query.dtype), (key.clone(), value.clone())

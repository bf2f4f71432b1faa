"""Flash attention by torch's own attention, logsumexp and autograd.

A few rows at a time, since the notebook leaves no room for the whole matrix: rows of dense
attention have nothing to do with each other, so no softmax is put together from pieces.
"""

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

ROWS, ROWS_BACK = 8, 4  # autograd keeps what the forward pass made


def online_softmax_statistics(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """The maximum, and exp of torch's logsumexp of the row less that."""
    maximum, logsumexp, dtype = torch.tensor(-torch.inf), torch.tensor(-torch.inf), torch.float32
    for block in blocks:
        dtype = block.dtype
        row = block.double()
        maximum = torch.cat((maximum.double()[None], row)).max()
        logsumexp = torch.logaddexp(logsumexp.double(), row.logsumexp(0))
    # A row without a logit is -inf - -inf.
    shift = maximum if maximum > -torch.inf else torch.zeros(())
    return maximum.to(dtype), (logsumexp - shift).exp().to(dtype)


def _dense(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
    output = F.scaled_dot_product_attention(query, key, value, allowed)
    scores = torch.einsum("...ie,...je->...ij", query, key) / query.shape[-1] ** 0.5
    return output, scores.masked_fill(~allowed, -torch.inf).logsumexp(-1)


def _allowed(query_len: int, key_len: int, causal: bool, rows: int) -> Iterator[Tensor]:
    """Rows of the mask, bottom right: torch's `is_causal` is top left."""
    keys = torch.arange(-key_len, 0)
    for queries in torch.arange(-query_len, 0).split(rows):
        yield keys <= (queries if causal else torch.zeros_like(queries))[:, None]


def flash_attention(
    query: Tensor, key: Tensor, value: Tensor, block_size: int = 64, causal: bool = False
) -> tuple[Tensor, Tensor]:
    """Dense attention of a few rows after the other."""
    if block_size < 1:
        raise ValueError("block_size is below 1")
    wide = torch.promote_types(query.dtype, torch.float32)
    q, k, v = query.to(wide), key.to(wide), value.to(wide)
    masks = _allowed(q.shape[-2], k.shape[-2], causal, ROWS)
    parts = [_dense(rows, k, v, next(masks)) for rows in q.split(ROWS, -2)]
    outputs, logsumexps = zip(*parts, strict=True)
    return torch.cat(outputs, -2).to(query.dtype), torch.cat(logsumexps, -1)


def flash_attention_backward(
    grad_output: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    output: Tensor,
    logsumexp: Tensor,
    block_size: int = 64,
    causal: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Autograd through dense attention, which needs neither its output nor its logsumexp."""
    if block_size < 1:
        raise ValueError("block_size is below 1")
    wide = torch.promote_types(query.dtype, torch.float32)
    k, v = (x.detach().to(wide).requires_grad_() for x in (key, value))
    of_query, of_key, of_value = [], torch.zeros_like(k), torch.zeros_like(v)
    parts = zip(*(x.split(ROWS_BACK, -2) for x in (query, grad_output)), strict=True)
    masks = _allowed(query.shape[-2], key.shape[-2], causal, ROWS_BACK)
    for rows, cotangent in parts:
        q = rows.detach().to(wide).requires_grad_()
        with torch.enable_grad():
            result = F.scaled_dot_product_attention(q, k, v, next(masks))
        one, two, three = torch.autograd.grad(result, (q, k, v), cotangent.to(wide))
        of_query.append(one)
        of_key, of_value = of_key + two, of_value + three
    gradients = torch.cat(of_query, -2), of_key, of_value
    return tuple(g.to(x.dtype) for g, x in zip(gradients, (query, key, value), strict=True))


def hbm_traffic(seq_len: int, head_dim: int, sram_elements: int) -> dict[str, int]:
    """The loads and stores of the paper's algorithms, added up line by line."""
    n, d = seq_len, head_dim
    standard = (2 * n * d + n * n) + (n * n + n * n) + (n * n + n * d + n * d)
    flash, columns = 0, -(-sram_elements // (4 * d))
    for start in range(0, n, columns):
        flash += 2 * min(columns, n - start) * d  # K_j and V_j are loaded
        flash += 2 * n * d + 2 * n  # Q_i, O_i, l_i and m_i of every i are loaded
        flash += n * d + 2 * n  # O_i, l_i and m_i are stored
    return {"standard": standard, "flash": flash}

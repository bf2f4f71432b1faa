# Made by `workbook release` from source/challenge-flash-attention, to be changed there.
"""Attention that never holds the matrix of weights (Dao et al., 2022, FlashAttention)."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor


def online_softmax_statistics(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the maximum of one row of logits and the sum of exp(x - maximum), in one pass.

    blocks of shape (n,), n may differ -> maximum (), total (), in the dtype of the blocks.
    `blocks` may be an iterator that can be read only once, and no block is kept. A row without
    any logit, or with nothing but -inf, gives (-inf, 0).

    Source: Milakov and Gimelshein (2018), Online normalizer calculation for softmax, algorithm 3.
    """
    maximum, total = torch.tensor(-math.inf), torch.tensor(0.0)
    dtype = maximum.dtype
    for block in blocks:
        dtype = block.dtype
        # 16-bit numbers have too few digits to add many small terms to a large sum.
        block = block.to(torch.promote_types(dtype, torch.float32))
        maximum, total = maximum.to(block), total.to(block)
        new_maximum = torch.maximum(maximum, block.max())
        # While every logit is -inf there is no finite maximum, and -inf - (-inf) would be NaN.
        shift = new_maximum.masked_fill(new_maximum == -math.inf, 0.0)
        total = total * torch.exp(maximum - shift) + torch.exp(block - shift).sum()
        maximum = new_maximum
    return maximum.to(dtype), total.to(dtype)


def flash_attention(
    query: Tensor, key: Tensor, value: Tensor, block_size: int = 64, causal: bool = False
) -> tuple[Tensor, Tensor]:
    """Attend block by block, without ever holding the (L, S) matrix of scores or weights.

    query (..., L, E), key (..., S, E), value (..., S, Ev)
    -> output (..., L, Ev) in the inputs' dtype, logsumexp (..., L) of the scaled scores.
    The logsumexp is float32 for 16-bit inputs. A query that may attend to no key has output 0
    and logsumexp -inf. `causal` is aligned bottom right: the last query sees the last key.

    Raises: ValueError naming `block_size`, when it is below 1.

    Source: Dao et al. (2022), FlashAttention, algorithm 1; in the order of loops of Dao (2023),
    FlashAttention-2, algorithm 1.
    """
    if block_size < 1:
        raise ValueError(f"block_size must be at least 1, not {block_size}")
    query_len, key_len = query.shape[-2], key.shape[-2]
    offset = key_len - query_len  # bottom right: query i sees the keys 0 ... i + offset
    scale = 1 / math.sqrt(query.shape[-1])
    wide = torch.promote_types(query.dtype, torch.float32)

    outputs, logsumexps = [], []
    start = 0
    # `split`, unlike a range, gives one empty block when there are no queries.
    for query_block in torch.split(query, block_size, dim=-2):  # (..., b, E)
        end = start + query_block.shape[-2]
        query_block = query_block.to(wide) * scale
        maximum = query_block.new_full((*query_block.shape[:-1], 1), -math.inf)  # (..., b, 1)
        total = torch.zeros_like(maximum)  # (..., b, 1)
        weighted = query_block.new_zeros(*query_block.shape[:-1], value.shape[-1])  # (..., b, Ev)

        # Behind the last key that any query of the block may see, there is nothing to do.
        visible = min(key_len, end + offset) if causal else key_len
        for key_start in range(0, visible, block_size):
            key_end = min(key_start + block_size, key_len)
            key_block = key[..., key_start:key_end, :].to(wide)  # (..., c, E)
            value_block = value[..., key_start:key_end, :].to(wide)  # (..., c, Ev)
            scores = query_block @ key_block.mT  # (..., b, c)
            if causal:
                last_seen = torch.arange(start, end, device=query.device) + offset
                position = torch.arange(key_start, key_end, device=query.device)
                scores = scores.masked_fill(position > last_seen[:, None], -math.inf)

            # The result is the same for any maximum, so no gradient need pass through it.
            new_maximum = torch.maximum(maximum, scores.detach().amax(-1, keepdim=True))
            shift = new_maximum.masked_fill(new_maximum == -math.inf, 0.0)
            rescale = torch.exp(maximum - shift)
            terms = torch.exp(scores - shift)  # (..., b, c)
            total = total * rescale + terms.sum(-1, keepdim=True)
            weighted = weighted * rescale + terms @ value_block
            maximum = new_maximum

        # An empty row has total 0: dividing by 1 instead leaves its output and gradients 0.
        divisor = total.masked_fill(total == 0, 1.0)
        outputs.append((weighted / divisor).to(query.dtype))
        logsumexps.append((maximum + torch.log(divisor)).squeeze(-1))
        start = end
    return torch.cat(outputs, dim=-2), torch.cat(logsumexps, dim=-1)


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
    """Return the gradients of query, key and value, recomputing the weights block by block.

    grad_output and output (..., L, Ev), logsumexp (..., L), query, key and value as in
    `flash_attention` -> gradients of the shapes and dtypes of query, key and value.

    Raises: ValueError naming `block_size`, when it is below 1.

    Source: Dao et al. (2022), FlashAttention, algorithm 4 and appendix B.2; Dao (2023),
    FlashAttention-2, algorithm 2 (with the logsumexp).
    """
    if block_size < 1:
        raise ValueError(f"block_size must be at least 1, not {block_size}")
    query_len, key_len = query.shape[-2], key.shape[-2]
    offset = key_len - query_len
    scale = 1 / math.sqrt(query.shape[-1])
    wide = torch.promote_types(query.dtype, torch.float32)

    grad_query = torch.zeros_like(query, dtype=wide)
    grad_key = torch.zeros_like(key, dtype=wide)
    grad_value = torch.zeros_like(value, dtype=wide)
    # The sum over all keys in the softmax's gradient, without the keys: appendix B.2, D_i.
    row_dot = (grad_output.to(wide) * output.to(wide)).sum(-1, keepdim=True)  # (..., L, 1)
    # In an empty row every score is -inf; any finite number makes its weights exp(-inf) = 0.
    normaliser = logsumexp.masked_fill(logsumexp == -math.inf, 0.0)[..., None]  # (..., L, 1)

    for start in range(0, query_len, block_size):
        end = min(start + block_size, query_len)
        rows = slice(start, end)
        query_block = query[..., rows, :].to(wide)  # (..., b, E)
        grad_block = grad_output[..., rows, :].to(wide)  # (..., b, Ev)
        visible = min(key_len, end + offset) if causal else key_len
        for key_start in range(0, visible, block_size):
            key_end = min(key_start + block_size, key_len)
            columns = slice(key_start, key_end)
            key_block = key[..., columns, :].to(wide)  # (..., c, E)
            value_block = value[..., columns, :].to(wide)  # (..., c, Ev)
            scores = query_block @ key_block.mT * scale  # (..., b, c)
            if causal:
                last_seen = torch.arange(start, end, device=query.device) + offset
                position = torch.arange(key_start, key_end, device=query.device)
                scores = scores.masked_fill(position > last_seen[:, None], -math.inf)
            weights = torch.exp(scores - normaliser[..., rows, :])  # (..., b, c)

            grad_value[..., columns, :] += weights.mT @ grad_block
            grad_weights = grad_block @ value_block.mT  # (..., b, c)
            grad_scores = weights * (grad_weights - row_dot[..., rows, :]) * scale
            grad_query[..., rows, :] += grad_scores @ key_block
            grad_key[..., columns, :] += grad_scores.mT @ query_block
    return grad_query.to(query.dtype), grad_key.to(key.dtype), grad_value.to(value.dtype)


def hbm_traffic(seq_len: int, head_dim: int, sram_elements: int) -> dict[str, int]:
    """Count the elements that one head's forward pass reads from and writes to main memory.

    N = seq_len, d = head_dim, M = sram_elements (fast memory on the chip), all in elements, not
    bytes -> {"standard": count, "flash": count}.

    Source: Dao et al. (2022), FlashAttention, algorithm 0 ("standard") and algorithm 1 ("flash").
    """
    # A quarter of the fast memory each for a block of queries, keys, values and outputs.
    block_columns = math.ceil(sram_elements / (4 * head_dim))
    column_blocks = math.ceil(seq_len / block_columns)
    matrix = seq_len * head_dim
    return {
        "standard": 4 * matrix + 4 * seq_len**2,
        "flash": 2 * matrix + column_blocks * (3 * matrix + 4 * seq_len),
    }

# Made by `workbook release` from source/01-scaled-dot-product-attention, to be changed there.
"""Scaled dot-product attention, the lookup that every Transformer is made of.

Vaswani et al., "Attention Is All You Need" (2017), section 3.2.1.
"""

import math

import numpy as np
import torch
from torch import Tensor


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Turn the logits along `axis` into weights that are not negative and sum to 1.

    x, any shape -> the same shape and floating dtype; integers become float64.
    A slice of which every logit is -inf gets weights 0.

    Source: Goodfellow et al., "Deep Learning" (2016), equation 6.29; section 4.1 on overflow.
    """
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(np.float64)
    largest = x.max(axis=axis, keepdims=True, initial=-np.inf)
    # Subtracting a constant cancels in the fraction below, and exp of 0 or less cannot overflow.
    # Where all is -inf the constant is 0 instead, because -inf - -inf is NaN.
    exponentials: np.ndarray = np.exp(x - np.where(largest == -np.inf, 0, largest))
    total = exponentials.sum(axis=axis, keepdims=True)
    return exponentials / np.where(total == 0, 1, total)


def attention_scores(query: Tensor, key: Tensor) -> Tensor:
    """Compare every query with every key: their dot product divided by sqrt(E).

    query (..., L, E), key (..., S, E) -> (..., L, S).
    Raises: ValueError naming `key`, when its last size differs from the query's.

    Source: Vaswani et al. (2017), equation 1, what stands inside the softmax.
    """
    if key.shape[-1] != query.shape[-1]:
        raise ValueError(
            f"key vectors have size {key.shape[-1]}, but query vectors have {query.shape[-1]}"
        )
    # Scaling the query, not the product, keeps large dot products inside float16's range.
    scaled = query / math.sqrt(query.shape[-1])  # (..., L, E)
    return scaled @ key.mT  # (..., L, S)


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor
) -> tuple[Tensor, Tensor]:
    """Give each query a mixture of the values, weighted by how well their keys fit it.

    query (..., L, E), key (..., S, E), value (..., S, Ev)
    -> output (..., L, Ev), weights (..., L, S).
    Raises: ValueError naming `key`, when its last size differs from the query's;
    ValueError naming `value`, when its length differs from the key's.

    Source: Vaswani et al. (2017), equation 1.
    """
    if value.shape[-2] != key.shape[-2]:
        raise ValueError(
            f"value has length {value.shape[-2]}, but there are {key.shape[-2]} keys to weigh"
        )
    weights = torch.softmax(attention_scores(query, key), dim=-1)  # (..., L, S)
    return weights @ value, weights


def attention_shapes(
    batch: int, length: int, d_model: int, d_k: int, d_v: int | None = None
) -> dict[str, tuple[int, ...]]:
    """Name the shape of every matrix on the way from the words to the output of self-attention.

    Weights are oriented as in X @ W_Q; without `d_v`, values are as wide as keys.

    Source: Vaswani et al. (2017), sections 3.2.1 and 3.2.2, for one head.
    """
    if d_v is None:
        d_v = d_k
    return {
        "X": (batch, length, d_model),
        # One set of weights serves every sentence of the batch.
        "W_Q": (d_model, d_k),
        "W_K": (d_model, d_k),
        "W_V": (d_model, d_v),
        "Q": (batch, length, d_k),
        "K": (batch, length, d_k),
        "V": (batch, length, d_v),
        "scores": (batch, length, length),
        "weights": (batch, length, length),
        "output": (batch, length, d_v),
    }

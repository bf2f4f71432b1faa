"""Notebook 01 by torch's own softmax, attention and linear layers."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """`torch.softmax` of the same logits."""
    logits = torch.from_numpy(np.array(x))
    if not logits.is_floating_point():
        logits = logits.double()
    weights = torch.softmax(logits, axis)
    # torch makes NaN of a slice of -inf alone; here it gets 0.
    weights[(logits == -torch.inf).all(axis, keepdim=True).expand_as(logits)] = 0.0
    return weights.numpy()


def attention_scores(query: Tensor, key: Tensor) -> Tensor:
    """Equation 1, entry by entry, in float64 and rounded once."""
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("key has vectors of another size than query")
    products = torch.einsum("...ie,...je->...ij", query.double(), key.double())
    return (products / query.shape[-1] ** 0.5).to(query.dtype)


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor
) -> tuple[Tensor, Tensor]:
    """torch's operator, in float64; with the identity as values it shows its weights."""
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("key has vectors of another size than query")
    if value.shape[-2] != key.shape[-2]:
        raise ValueError("value has another length than key")
    q, k, v = query.double(), key.double(), value.double()
    identity = torch.eye(k.shape[-2], dtype=k.dtype).expand(*k.shape[:-1], -1)
    output, weights = (F.scaled_dot_product_attention(q, k, x) for x in (v, identity))
    return output.to(query.dtype), weights.to(query.dtype)


def attention_shapes(
    batch: int, length: int, d_model: int, d_k: int, d_v: int | None = None
) -> dict[str, tuple[int, ...]]:
    """The shapes that torch's layers and products have, with no memory behind them."""
    with torch.device("meta"):
        made = {"X": torch.empty(batch, length, d_model)}
        for letter, width in (("Q", d_k), ("K", d_k), ("V", d_k if d_v is None else d_v)):
            linear = nn.Linear(d_model, width, bias=False)
            made["W_" + letter], made[letter] = linear.weight.T, linear(made["X"])
        made["scores"] = torch.bmm(made["Q"], made["K"].transpose(1, 2))
        made["weights"] = F.softmax(made["scores"], dim=-1)
        made["output"] = F.scaled_dot_product_attention(made["Q"], made["K"], made["V"])
    return {name: tuple(tensor.shape) for name, tensor in made.items()}

# Made by `workbook release` from source/04-positional-encoding, to be changed there.
"""Positional encoding: where a word stands ("Attention Is All You Need", section 3.5)."""

import torch
from torch import Tensor, nn


def sinusoidal_encoding(seq_len: int, d_model: int, base: float = 10_000.0) -> Tensor:
    """Give every position a row of sines and cosines, one frequency for each pair of columns.

    seq_len, d_model -> encoding (seq_len, d_model), float32; angles in radians, computed in
    float64; positions count from 0; sines in the even columns, cosines in the odd ones.
    Raises: ValueError naming `d_model`, when it is odd.
    Source: "Attention Is All You Need", section 3.5.
    """
    if d_model % 2:
        raise ValueError(f"d_model must be even, a sine and a cosine for each pair: got {d_model}")
    positions = torch.arange(seq_len, dtype=torch.float64)  # (L,)
    pairs = torch.arange(d_model // 2, dtype=torch.float64)  # (D/2,)
    frequencies = base ** (-2 * pairs / d_model)  # (D/2,)
    angles = positions[:, None] * frequencies  # (L, D/2)
    # A new last axis puts every sine right beside its own cosine once it is flattened.
    table = torch.stack((angles.sin(), angles.cos()), dim=-1)  # (L, D/2, 2)
    # Rounded only now: float32 angles would be off by 1e-4 at position 5,000.
    return table.flatten(-2).float()  # (L, D)


class PositionalEncoding(nn.Module):
    """Add the sinusoidal row of its position to every vector of a sequence, then apply dropout.

    x (..., L, D) -> output (..., L, D) in x's dtype, from rows offset ... offset + L - 1.
    Buffer `encoding` (max_len, D), not in the state dict; no parameters.
    Raises: ValueError naming `x`, when it needs a row past max_len; naming `offset`, when that
    is negative.
    Source: "Attention Is All You Need", sections 3.5 and 5.4 (dropout on the sum).
    """

    encoding: Tensor

    def __init__(
        self, d_model: int, max_len: int = 5_000, dropout: float = 0.0, base: float = 10_000.0
    ) -> None:
        super().__init__()
        # A buffer follows `.to(device)` but is never trained. Not persistent: a checkpoint need
        # not carry what a formula gives again, and then fits a model with another max_len.
        self.register_buffer(
            "encoding", sinusoidal_encoding(max_len, d_model, base), persistent=False
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """Return x + encoding[offset], encoding[offset + 1], ..., after dropout."""
        if offset < 0:
            raise ValueError(f"offset must not be negative, got {offset}")
        end, max_len = offset + x.shape[-2], self.encoding.shape[0]
        if end > max_len:
            raise ValueError(f"x needs {end} positions from 0, but max_len is {max_len}")
        # Without the cast a float32 table would turn a bfloat16 x into float32.
        rows = self.encoding[offset:end].to(x.dtype)  # (L, D)
        output: Tensor = self.dropout(x + rows)  # (..., L, D)
        return output


def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
    """Build the matrix that moves any row of the sinusoidal table by `offset` positions.

    offset (negative too), d_model (even) -> M (D, D), float64, with
    encoding[p + offset] = M @ encoding[p] for every p.
    Source: "Attention Is All You Need", section 3.5 ("a linear function of PE_pos").
    """
    pairs = torch.arange(d_model // 2, dtype=torch.float64)  # (D/2,)
    angles = offset * base ** (-2 * pairs / d_model)  # (D/2,)
    sines, cosines = torch.arange(d_model).view(-1, 2).unbind(-1)  # columns 0, 2, ... and 1, 3, ...
    matrix = torch.zeros(d_model, d_model, dtype=torch.float64)
    # sin(a + b) = cos(b) sin(a) + sin(b) cos(a)
    matrix[sines, sines] = angles.cos()
    matrix[sines, cosines] = angles.sin()
    # cos(a + b) = -sin(b) sin(a) + cos(b) cos(a)
    matrix[cosines, sines] = -angles.sin()
    matrix[cosines, cosines] = angles.cos()
    return matrix  # (D, D)


class LearnedPositionalEmbedding(nn.Module):
    """Add a trained row of its position to every vector of a sequence.

    x (..., L, D) -> output (..., L, D) in x's dtype, from rows offset ... offset + L - 1.
    Parameter `embedding.weight` (max_len, D).
    Raises: ValueError naming `x`, when it needs a row past max_len; naming `offset`, when that
    is negative.
    Source: "Convolutional Sequence to Sequence Learning", section 3.1; BERT and GPT-2 do the same.
    """

    def __init__(self, d_model: int, max_len: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """Return x + weight[offset], weight[offset + 1], ..., one row for each position."""
        if offset < 0:
            raise ValueError(f"offset must not be negative, got {offset}")
        end, max_len = offset + x.shape[-2], self.embedding.num_embeddings
        if end > max_len:
            raise ValueError(f"x needs {end} positions from 0, but max_len is {max_len}")
        rows = self.embedding.weight[offset:end]  # (L, D)
        return x + rows.to(x.dtype)  # (..., L, D)

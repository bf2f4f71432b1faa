"""Notebook 04 by the published code, `nn.Embedding` and torch's matrix exponential."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def sinusoidal_encoding(seq_len: int, d_model: int, base: float = 10_000.0) -> Tensor:
    """The lines of Rush et al., "The Annotated Transformer" (2018), in float64."""
    if d_model % 2:
        raise ValueError("d_model is odd")
    position = torch.arange(seq_len, dtype=torch.float64).unsqueeze(1)
    log_base = torch.tensor(base, dtype=torch.float64).log()
    div_term = torch.exp(torch.arange(0, d_model, 2) * -(log_base / d_model))
    pe = torch.zeros(seq_len, d_model, dtype=torch.float64)
    pe[:, 0::2] = torch.sin(position * div_term)
    pe[:, 1::2] = torch.cos(position * div_term)
    return pe.float()


def _rows(x: Tensor, offset: int, table: Tensor) -> Tensor:
    if offset < 0:
        raise ValueError("offset is negative")
    if offset + x.shape[-2] > len(table):
        raise ValueError("x is longer than the table")
    index = torch.arange(offset, offset + x.shape[-2], device=table.device)
    return F.embedding(index, table).to(x.dtype)


class PositionalEncoding(nn.Module):
    """A lookup in the published table."""

    encoding: Tensor

    def __init__(
        self, d_model: int, max_len: int = 5_000, dropout: float = 0.0, base: float = 10_000.0
    ) -> None:
        super().__init__()
        table = sinusoidal_encoding(max_len, d_model, base)
        self.register_buffer("encoding", table, persistent=False)
        self.dropout = dropout

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """torch's dropout of the sum."""
        return F.dropout(x + _rows(x, offset, self.encoding), self.dropout, self.training)


def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
    """torch's matrix exponential of what turns each pair, as often as there are steps."""
    generator = torch.zeros(d_model, d_model, dtype=torch.float64)
    for column in range(0, d_model, 2):
        generator[column, column + 1] = base ** (-column / d_model)
        generator[column + 1, column] = -generator[column, column + 1]
    return torch.linalg.matrix_exp(offset * generator)


class LearnedPositionalEmbedding(nn.Module):
    """A lookup in `nn.Embedding`."""

    def __init__(self, d_model: int, max_len: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """The sum with the rows that were looked up."""
        return x + _rows(x, offset, self.embedding.weight)

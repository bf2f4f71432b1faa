"""Notebook 05 by `nn.LayerNorm` and `nn.TransformerEncoderLayer`."""

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.multi_head_attention import MultiHeadAttention


class LayerNorm(nn.LayerNorm):
    """torch's module and function, in float64: in float32 it loses digits far from zero."""

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__(d_model, eps)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102  # as nn.LayerNorm
        wide = x.double(), self.normalized_shape, self.weight.double(), self.bias.double()
        return F.layer_norm(*wide, self.eps).to(x.dtype)


class FeedForward(nn.Sequential):
    """torch's modules in a row."""

    def __init__(self, d_model: int, d_ff: int, dropout: float = 0.0) -> None:
        parts: dict[str, nn.Module] = {
            "linear1": nn.Linear(d_model, d_ff),
            "gelu": nn.GELU(),
            "dropout": nn.Dropout(dropout),
            "linear2": nn.Linear(d_ff, d_model),
        }
        super().__init__(OrderedDict(parts))


class TransformerBlock(nn.TransformerEncoderLayer):
    """torch's layer with the sub-layers under their names here: how they are joined is torch's.

    Its attention is that of notebook 03, which has an oracle of its own, since torch's has other
    parameters, drops weights and makes NaN of a query without a key.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.0,
        norm_first: bool = True,
    ) -> None:
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first=norm_first)
        del self.self_attn, self.linear1, self.linear2
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        # Keeps torch's layer from its fused operator, which would ask for the parts deleted.
        self.self_attn: Any = SimpleNamespace(batch_first=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """torch's forward; the mask goes past it, because it would make numbers of it."""
        self.mask = mask
        return super().forward(x)

    def _sa_block(self, x: Tensor, *_: Any, **__: Any) -> Tensor:
        output: Tensor = self.dropout1(self.attention(x, x, x, self.mask)[0])
        return output

    def _ff_block(self, x: Tensor) -> Tensor:
        output: Tensor = self.dropout2(self.feed_forward(x))
        return output


class TransformerEncoder(nn.Module):
    """Such layers in a row; `nn.TransformerEncoder` copies one, so that all would start alike."""

    def __init__(
        self,
        num_layers: int,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.0,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        sizes = d_model, num_heads, d_ff, dropout, norm_first
        self.layers = nn.ModuleList(TransformerBlock(*sizes) for _ in range(num_layers))
        self.norm = LayerNorm(d_model) if norm_first else nn.Identity()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Every layer, then the norm."""
        for layer in self.layers:
            x = layer(x, mask)
        output: Tensor = self.norm(x)
        return output


def transformer_parameter_count(
    vocab_size: int,
    max_len: int,
    d_model: int,
    num_layers: int,
    d_ff: int,
    *,
    type_vocab_size: int = 0,
    pooler: bool = False,
) -> int:
    """As many as a model made of torch's own modules has."""
    with torch.device("meta"):  # no memory behind them
        parts: list[nn.Module] = [
            *(nn.Embedding(n, d_model) for n in (vocab_size, max_len, type_vocab_size)),
            *[nn.TransformerEncoderLayer(d_model, 1, d_ff)] * num_layers,
            nn.LayerNorm(d_model),
            *[nn.Linear(d_model, d_model)] * pooler,
        ]
    return sum(parameter.numel() for part in parts for parameter in part.parameters())

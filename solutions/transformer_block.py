# Made by `workbook release` from source/05-transformer-block, to be changed there.
"""The Transformer block and the encoder that stacks it (Vaswani et al. 2017, section 3)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.multi_head_attention import MultiHeadAttention


class LayerNorm(nn.Module):
    """Bring every position to mean 0 and variance 1, then apply a learned scale and shift.

    x (..., D) -> (..., D); parameters `weight` (D,), which starts at 1, and `bias` (D,), at 0.

    Source: Ba, Kiros and Hinton 2016, "Layer Normalization", equations 3 and 4.
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (..., D) over its last dimension."""
        # The mean goes first: mean(x^2) - mean(x)^2 loses every digit where the mean is large.
        centred = x - x.mean(dim=-1, keepdim=True)  # (..., D)
        variance = centred.square().mean(dim=-1, keepdim=True)  # (..., 1)
        # Inside the root, eps also keeps the gradient finite where a row is constant.
        return centred / torch.sqrt(variance + self.eps) * self.weight + self.bias


class FeedForward(nn.Module):
    """Transform every position by itself: widen to d_ff, apply GELU, narrow to d_model.

    x (..., D) -> (..., D); submodules `linear1` D -> F and `linear2` F -> D; dropout after GELU.

    Source: Vaswani et al. 2017, section 3.3, equation 2, with the exact GELU of Hendrycks and
    Gimpel 2016, section 2, in the place of ReLU.
    """

    def __init__(self, d_model: int, d_ff: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Send x (..., D) through both layers; no position sees another."""
        hidden = self.dropout(F.gelu(self.linear1(x)))  # (..., F)
        output: Tensor = self.linear2(hidden)  # (..., D)
        return output


class TransformerBlock(nn.Module):
    """Attention between positions, then a feed-forward network, each added to its input.

    x (B, L, D), mask (L, L), (B, L, L) or (B, H, L, L), True = may attend -> (B, L, D).
    `norm_first` True normalises what each sub-layer reads (pre-norm), False each sum (post-norm).

    Raises: ValueError naming `mask`, when it is not bool or not broadcastable.

    Source: Vaswani et al. 2017, sections 3.1 and 5.4 (post-norm); Xiong et al. 2020, "On Layer
    Normalization in the Transformer Architecture", table 1 (both).
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.0,
        norm_first: bool = True,
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply both sub-layers to x (B, L, D)."""
        if self.norm_first:
            normed = self.norm1(x)  # (B, L, D)
            # x itself stays unnormalised: it is the path that every layer adds to.
            x = x + self.dropout(self.attention(normed, normed, normed, mask)[0])
            x = x + self.dropout(self.feed_forward(self.norm2(x)))
        else:
            x = self.norm1(x + self.dropout(self.attention(x, x, x, mask)[0]))
            x = self.norm2(x + self.dropout(self.feed_forward(x)))
        return x


class TransformerEncoder(nn.Module):
    """A stack of blocks, each with weights of its own.

    x (B, L, D), mask (L, L), (B, L, L) or (B, H, L, L), True = may attend -> (B, L, D).
    Submodules `layers`, the blocks, and `norm`: a last LayerNorm when norm_first, else nothing.

    Raises: ValueError naming `mask`, when it is not bool or not broadcastable.

    Source: Vaswani et al. 2017, section 3.1; the last LayerNorm of the pre-norm form: Xiong et
    al. 2020, table 1.
    """

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
        self.layers = nn.ModuleList(
            TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first)
            for _ in range(num_layers)
        )
        # Post-norm blocks end in a norm; pre-norm blocks end in a sum that nothing has scaled yet.
        self.norm = LayerNorm(d_model) if norm_first else nn.Identity()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply every block to x (B, L, D), in order and with the same mask."""
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
    """Count the trained numbers of a Transformer such as BERT or GPT-2, without an output head.

    Word, position and type embeddings, `num_layers` blocks, one LayerNorm outside the blocks and,
    with `pooler`, one linear layer D -> D; biases everywhere.

    Source: Devlin et al. 2019, section 3 (BERT-base); Radford et al. 2019, table 2 (GPT-2).
    """
    embeddings = (vocab_size + max_len + type_vocab_size) * d_model
    layer_norm = 2 * d_model
    # Heads divide the four projections among themselves and add nothing.
    attention = 4 * (d_model * d_model + d_model)
    feed_forward = (d_model * d_ff + d_ff) + (d_ff * d_model + d_model)
    block = attention + feed_forward + 2 * layer_norm
    pooling = d_model * d_model + d_model if pooler else 0
    return embeddings + layer_norm + num_layers * block + pooling

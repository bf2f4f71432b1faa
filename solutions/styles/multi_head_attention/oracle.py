"""Notebook 03 by the function under `nn.MultiheadAttention`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """The chunks that torch cuts the last dimension into, stacked."""
    if num_heads < 1 or x.shape[-1] % num_heads:
        raise ValueError("num_heads does not divide the last size")
    return torch.stack(x.chunk(num_heads, dim=-1), dim=-3)


def merge_heads(x: Tensor) -> Tensor:
    """The heads' pieces, concatenated."""
    return torch.cat(x.unbind(-3), dim=-1)


class MultiHeadAttention(nn.Module):
    """`F.multi_head_attention_forward` with the weights of four layers and the inverted mask."""

    def __init__(self, d_model: int, num_heads: int, bias: bool = True) -> None:
        super().__init__()
        if num_heads < 1 or d_model % num_heads:
            raise ValueError("num_heads does not divide d_model")
        self.d_model, self.num_heads = d_model, num_heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            self.add_module(name, nn.Linear(d_model, d_model, bias))

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Output without weights, and weights without output: two paths through torch."""
        size = query.shape[0], self.num_heads, query.shape[1], key.shape[1]
        allowed = torch.ones(size, dtype=torch.bool, device=query.device)
        if mask is not None:
            if mask.dtype != torch.bool:  # torch adds a mask of numbers
                raise ValueError("mask is not bool")
            try:  # torch has no mask for each sentence, only one for each sentence and head
                allowed = (mask[:, None] if mask.ndim == 3 else mask).expand(size)
            except RuntimeError as error:
                raise ValueError("mask does not broadcast") from error
        some = allowed.any(-1, keepdim=True)
        output, _ = self._torch(query, key, value, allowed, need_weights=False)
        # With its weights, torch gives NaN to a query without a key: it sees all, and then gets 0.
        _, weights = self._torch(query, key, value, allowed | ~some, need_weights=True)
        assert weights is not None
        broken = query.isnan().any(-1, keepdim=True)  # which torch's fused operator does not show
        output = output.transpose(0, 1).masked_fill(broken, float("nan"))
        return output, weights.where(some, torch.zeros((), dtype=weights.dtype))

    def _torch(
        self, query: Tensor, key: Tensor, value: Tensor, allowed: Tensor, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        q, k, v, out = self.q_proj, self.k_proj, self.v_proj, self.out_proj
        return F.multi_head_attention_forward(
            *(x.transpose(0, 1) for x in (query, key, value)),
            self.d_model,
            self.num_heads,
            in_proj_weight=None,
            in_proj_bias=None if q.bias is None else torch.cat((q.bias, k.bias, v.bias)),
            bias_k=None,
            bias_v=None,
            add_zero_attn=False,
            dropout_p=0.0,
            out_proj_weight=out.weight,
            out_proj_bias=out.bias,
            need_weights=need_weights,
            # torch cannot give a mask of no sentences, queries or keys its shape.
            attn_mask=None if allowed.all() else ~allowed.flatten(0, 1),
            use_separate_proj_weight=True,
            q_proj_weight=q.weight,
            k_proj_weight=k.weight,
            v_proj_weight=v.weight,
            average_attn_weights=False,
        )


def attention_parameter_count(d_model: int, num_heads: int, bias: bool = True) -> int:
    """As many as torch's module has."""
    theirs = nn.MultiheadAttention(d_model, num_heads, bias=bias, device="meta")
    return sum(parameter.numel() for parameter in theirs.parameters())

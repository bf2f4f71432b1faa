# Made by `workbook release` from source/challenge-llama, to be changed there.
"""Llama: RMSNorm, SwiGLU, rotary positions and grouped queries, its size, and published weights.

Touvron et al. (2023), LLaMA, section 2.2; Llama 2, section 2.2.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.challenge_gqa import grouped_query_attention
from solutions.challenge_rope import apply_rope, rope_half_to_interleaved
from solutions.multi_head_attention import merge_heads, split_heads
from solutions.tokenization import TokenEmbedding


class RMSNorm(nn.Module):
    """Divide every vector by the root of the mean of its squares, then scale it by `weight`.

    Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4.
    """

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        """Norm each vector by itself: x (..., D) -> (..., D), in the dtype of x.

        Calculated in at least float32 to the end, the product with `weight` included, and rounded
        once.
        """
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        size = torch.sqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps)  # (..., 1)
        return (wide / size * self.weight).to(x.dtype)


class SwiGLU(nn.Module):
    """A feed-forward network with a gate: down(silu(gate(x)) * up(x)), three layers without bias.

    Submodules `gate_proj`, `up_proj` (D -> F) and `down_proj` (F -> D).

    Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6.
    """

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Send every vector by itself through the three layers: x (..., D) -> (..., D)."""
        opened = F.silu(self.gate_proj(x))  # (..., F)
        output: Tensor = self.down_proj(opened * self.up_proj(x))  # (..., D)
        return output


class LlamaBlock(nn.Module):
    """A pre-norm block with rotary positions, grouped queries, SwiGLU, and a cache.

    Submodules `attention` (with q_proj, k_proj, v_proj, o_proj without bias, and the attributes
    num_heads, num_kv_heads), `norm1`, `norm2` (RMSNorm), `feed_forward` (SwiGLU).

    Source: Touvron et al. 2023, "LLaMA", section 2.2; grouped queries: "Llama 2", section 2.2.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        num_kv_heads: int,
        d_ff: int,
        base: float = 10_000.0,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        head_dim = d_model // num_heads
        self.base = base
        self.attention: Any = nn.Module()  # it holds the four layers; forward is below
        vars(self.attention).update(num_heads=num_heads, num_kv_heads=num_kv_heads)
        self.attention.q_proj = nn.Linear(d_model, num_heads * head_dim, bias=False)
        self.attention.k_proj = nn.Linear(d_model, num_kv_heads * head_dim, bias=False)
        self.attention.v_proj = nn.Linear(d_model, num_kv_heads * head_dim, bias=False)
        self.attention.o_proj = nn.Linear(num_heads * head_dim, d_model, bias=False)
        self.norm1 = RMSNorm(d_model, eps)
        self.norm2 = RMSNorm(d_model, eps)
        self.feed_forward = SwiGLU(d_model, d_ff)

    def forward(
        self, x: Tensor, positions: Tensor, cache: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Apply both sub-layers to the new tokens x (B, L, D), at `positions` (L,).

        cache: turned keys and values (B, Hkv, S - L, E) each -> output (B, L, D), grown cache:
        turned keys and values (B, Hkv, S, E) each. Causal by index, aligned bottom right.
        """
        attention, normed = self.attention, self.norm1(x)
        query = split_heads(attention.q_proj(normed), attention.num_heads)  # (B, H, L, E)
        key = split_heads(attention.k_proj(normed), attention.num_kv_heads)  # (B, Hkv, L, E)
        value = split_heads(attention.v_proj(normed), attention.num_kv_heads)
        query = apply_rope(query, positions, self.base)
        key = apply_rope(key, positions, self.base)
        if cache is not None:
            # What is in the cache was turned when it came in.
            key = torch.cat([cache[0], key], dim=-2)  # (B, Hkv, S, E)
            value = torch.cat([cache[1], value], dim=-2)
        new, seen = query.shape[-2], key.shape[-2]
        mask = torch.ones(new, seen, dtype=torch.bool, device=x.device).tril(seen - new)
        heard = grouped_query_attention(query, key, value, mask)  # (B, H, L, E)
        x = x + attention.o_proj(merge_heads(heard))  # (B, L, D)
        x = x + self.feed_forward(self.norm2(x))
        return x, (key, value)


class Llama(nn.Module):
    """Llama: tokens, blocks with rotary positions, a last norm, and scores by a table of its own.

    Submodules `token` (TokenEmbedding), `blocks` (nn.ModuleList of LlamaBlock), `norm` (RMSNorm),
    `output` (nn.Linear without bias; tied: absent, None, or sharing token.weight).

    Source: Touvron et al. 2023, "LLaMA", section 2.2; "Llama 2", section 2.2.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        num_layers: int,
        num_heads: int,
        num_kv_heads: int,
        d_ff: int,
        base: float = 10_000.0,
        eps: float = 1e-5,
        tied: bool = False,
    ) -> None:
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(
            LlamaBlock(d_model, num_heads, num_kv_heads, d_ff, base, eps) for _ in range(num_layers)
        )
        self.norm = RMSNorm(d_model, eps)
        self.output = None if tied else nn.Linear(d_model, vocab_size, bias=False)

    def forward(
        self, ids: Tensor, caches: list[tuple[Tensor, Tensor]] | None = None
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Score every token as the next one, at each place: ids (B, L) -> logits (B, L, V).

        caches: what the last call returned, one for each block; positions go on where they end.
        The grown caches are the second result.
        """
        start = caches[0][0].shape[-2] if caches else 0
        positions = torch.arange(start, start + ids.shape[-1], device=ids.device)  # (L,)
        x = self.token(ids)  # (B, L, D)
        grown = []
        for number, block in enumerate(self.blocks):
            x, cache = block(x, positions, caches[number] if caches else None)
            grown.append(cache)
        x = self.norm(x)
        return self.token.logits(x) if self.output is None else self.output(x), grown


def llama_parameter_count(
    vocab_size: int,
    d_model: int,
    num_layers: int,
    num_heads: int,
    num_kv_heads: int,
    d_ff: int,
    tied: bool = False,
) -> int:
    """Count the parameters of a `Llama` of these sizes; a tied table counts once.

    Source: "The Llama 3 Herd of Models", 2024, table 3, for sizes to try it on.
    """
    kv_width = d_model // num_heads * num_kv_heads
    attention = 2 * d_model * d_model + 2 * d_model * kv_width
    block = attention + 3 * d_model * d_ff + 2 * d_model
    tables = vocab_size * d_model * (1 if tied else 2)
    return tables + num_layers * block + d_model


def load_llama(model: Llama, weights: Mapping[str, Tensor]) -> None:
    """Copy Llama's weights, in the layout of Hugging Face's class, into a Llama.

    weights: a state dict of LlamaForCausalLM, names with or without "model.". Its rotary layout is
    split halves, so the rows of q_proj and k_proj are moved. lm_head.weight is needed when the
    model is not tied, and passed over when it is. Names that it has no place for are passed over.

    Raises: ValueError naming `weights`, when a name is missing or a shape is not exactly the one
    needed; the model is then as before.

    Source: the class LlamaForCausalLM of transformers, and its script of conversion, `permute`.
    """
    prefix = "model." if "model.embed_tokens.weight" in weights else ""
    written: list[tuple[Tensor, Tensor]] = []

    def plan(name: str, parameter: Tensor, turned_heads: int = 0) -> None:
        """Note what goes where; the rows of so many heads are turned in pairs there."""
        if name not in weights:
            raise ValueError(f"weights lack {name}")
        found = weights[name]
        if found.shape != parameter.shape:
            raise ValueError(f"weights hold {name} in shape {tuple(found.shape)}")
        if turned_heads:
            found = rope_half_to_interleaved(found, turned_heads)
        written.append((parameter, found))

    plan(f"{prefix}embed_tokens.weight", model.token.weight)
    for number, block in enumerate(model.blocks):
        attention: Any = block.attention
        there = f"{prefix}layers.{number}"
        plan(f"{there}.self_attn.q_proj.weight", attention.q_proj.weight, attention.num_heads)
        plan(f"{there}.self_attn.k_proj.weight", attention.k_proj.weight, attention.num_kv_heads)
        for part in ("v_proj", "o_proj"):
            plan(f"{there}.self_attn.{part}.weight", attention.get_parameter(f"{part}.weight"))
        for part in ("gate_proj", "up_proj", "down_proj"):
            plan(f"{there}.mlp.{part}.weight", block.get_parameter(f"feed_forward.{part}.weight"))
        plan(f"{there}.input_layernorm.weight", block.get_parameter("norm1.weight"))
        plan(f"{there}.post_attention_layernorm.weight", block.get_parameter("norm2.weight"))
    plan(f"{prefix}norm.weight", model.norm.weight)
    output = getattr(model, "output", None)
    if output is not None and output.weight is not model.token.weight:
        plan("lm_head.weight", output.weight)
    # Nothing was written so far: what is refused leaves the model as it was.
    with torch.no_grad():
        for parameter, numbers in written:
            parameter.copy_(numbers)

"""The Llama challenge by torch's own norm and attention, half by half as in Hugging Face's code.

Hugging Face's model itself stands beside the reference in tests/solutions/test_challenge_llama.py.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.tokenization import TokenEmbedding


class RMSNorm(nn.Module):
    """torch's own `F.rms_norm`, in at least float32."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.eps = eps

    def forward(self, x):
        """The weight goes in with the norm, so there is one rounding."""
        wide = x.double() if x.dtype == torch.float64 else x.float()
        return F.rms_norm(wide, self.weight.shape, self.weight.to(wide.dtype), self.eps).to(x.dtype)


class SwiGLU(nn.Module):
    """SiLU as the sigmoid times the number."""

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        """Three of torch's products."""
        gate = torch.matmul(x, self.gate_proj.weight.T)
        said = torch.matmul(x, self.up_proj.weight.T)
        return torch.matmul(nn.functional.silu(gate) * said, self.down_proj.weight.T)


def rotate_half(x):
    """`rotate_half` of transformers' modeling_llama.py."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


def turned(x, positions, base):
    """Neighbours brought to halves, turned as Hugging Face does, and brought back."""
    size = x.shape[-1]
    inv_freq = 1.0 / (base ** (torch.arange(0, size, 2, device=x.device).double() / size))
    angles = torch.outer(positions.double(), inv_freq.float().double()).repeat(1, 2)
    halves = x.double().unflatten(-1, (size // 2, 2)).transpose(-1, -2).flatten(-2)
    rotated = halves * angles.cos() + rotate_half(halves) * angles.sin()
    return rotated.unflatten(-1, (2, size // 2)).transpose(-1, -2).flatten(-2).to(x.dtype)


class Attention(nn.Module):
    """Four of torch's linear layers."""

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        self.head_dim = d_model // num_heads
        self.q_proj = nn.Linear(d_model, d_model, bias=False)
        self.k_proj = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(d_model, d_model, bias=False)


class LlamaBlock(nn.Module):
    """An added mask, and torch's attention with heads of keys that are repeated."""

    def __init__(self, d_model, num_heads, num_kv_heads, d_ff, base=10_000.0, eps=1e-5):
        super().__init__()
        self.base = base
        self.attention = Attention(d_model, num_heads, num_kv_heads)
        self.feed_forward = SwiGLU(d_model, d_ff)
        self.norm1 = RMSNorm(d_model, eps)
        self.norm2 = RMSNorm(d_model, eps)

    def forward(self, x, positions, cache=None):
        """As `LlamaDecoderLayer`."""
        own = self.attention
        batch, new, _ = x.shape
        hidden = self.norm1(x)
        query = own.q_proj(hidden).view(batch, new, own.num_heads, own.head_dim).transpose(1, 2)
        key = own.k_proj(hidden).view(batch, new, own.num_kv_heads, own.head_dim).transpose(1, 2)
        value = own.v_proj(hidden).view(batch, new, own.num_kv_heads, own.head_dim).transpose(1, 2)
        query, key = turned(query, positions, self.base), turned(key, positions, self.base)
        if cache is not None:
            key, value = torch.cat([cache[0], key], dim=2), torch.cat([cache[1], value], dim=2)
        seen, group = key.shape[2], own.num_heads // own.num_kv_heads
        added = torch.full((new, seen), -math.inf, dtype=x.dtype, device=x.device).triu(seen - new + 1)
        heard = F.scaled_dot_product_attention(
            query,
            key.repeat_interleave(group, dim=1),
            value.repeat_interleave(group, dim=1),
            attn_mask=added,
        )
        x = x + own.o_proj(heard.transpose(1, 2).flatten(2))
        return x + self.feed_forward(self.norm2(x)), (key, value)


class Llama(nn.Module):
    """torch's own modules around such blocks; tied as `tie_weights` does it."""

    def __init__(
        self,
        vocab_size,
        d_model,
        num_layers,
        num_heads,
        num_kv_heads,
        d_ff,
        base=10_000.0,
        eps=1e-5,
        tied=False,
    ):
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.blocks = nn.ModuleList()
        for _ in range(num_layers):
            self.blocks.append(LlamaBlock(d_model, num_heads, num_kv_heads, d_ff, base, eps))
        self.norm = RMSNorm(d_model, eps)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        if tied:
            self.output.weight = self.token.weight

    def forward(self, ids, caches=None):
        """As `LlamaForCausalLM`."""
        past = 0 if caches is None else caches[0][0].size(2)
        positions = torch.arange(past, past + ids.size(1), device=ids.device)
        hidden = self.token(ids)
        caches = [None] * len(self.blocks) if caches is None else caches
        results = []
        for block, cache in zip(self.blocks, caches):
            hidden, cache = block(hidden, positions, cache)
            results.append(cache)
        return self.output(self.norm(hidden)), results


def load_llama(model, weights):
    """Into the names of this model, and then by torch's own `load_state_dict`."""
    given = {name.removeprefix("model."): each.detach() for name, each in weights.items()}
    names = {"token.weight": "embed_tokens.weight", "norm.weight": "norm.weight"}
    own = model.state_dict()
    for name in own:
        if name.startswith("blocks."):
            number, part = name.removeprefix("blocks.").split(".", 1)
            for ours, theirs in (
                ("attention.", "self_attn."),
                ("feed_forward.", "mlp."),
                ("norm1.", "input_layernorm."),
                ("norm2.", "post_attention_layernorm."),
            ):
                part = theirs + part.removeprefix(ours) if part.startswith(ours) else part
            names[name] = f"layers.{number}.{part}"
    output = getattr(model, "output", None)
    is_tied = output is None or output.weight.data_ptr() == model.token.weight.data_ptr()
    if not is_tied:
        names["output.weight"] = "lm_head.weight"
    found = {}
    for name, theirs in names.items():
        if theirs not in given or given[theirs].shape != own[name].shape:
            raise ValueError(f"weights: {theirs}")
        each = given[theirs]
        for part, heads in (("q_proj", "num_heads"), ("k_proj", "num_kv_heads")):
            if part in name:
                number = getattr(model.blocks[int(name.split(".")[1])].attention, heads)
                rows = torch.arange(len(each)).view(number, 2, -1).transpose(1, 2).flatten()
                each = each[rows]
        found[name] = each
    model.load_state_dict(found, strict=False)


def llama_parameter_count(
    vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff, tied=False
):
    """The numbers of such a block and such tables, with no memory behind them."""
    with torch.device("meta"):
        block = LlamaBlock(d_model, num_heads, num_kv_heads, d_ff)
        rest = Llama(vocab_size, d_model, 0, num_heads, num_kv_heads, d_ff, tied=tied)
    in_block = sum(each.numel() for each in block.parameters())
    return num_layers * in_block + sum(each.numel() for each in rest.parameters())

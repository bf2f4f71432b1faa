"""Notebook 07 by torch's own loss, its modules, an added mask, and `load_state_dict`.

Hugging Face's model itself stands beside the reference in tests/solutions/test_language_model.py.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.language_model import FeedForward
from solutions.multi_head_attention import MultiHeadAttention
from solutions.tokenization import TokenEmbedding


def next_token_log_probabilities(logits, ids):
    """torch's loss of each place, with its sign turned."""
    if tuple(ids.shape) != tuple(logits.shape[:-1]):
        raise ValueError("ids")
    wide = logits if logits.dtype == torch.float64 else logits.float()
    losses = F.cross_entropy(wide[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    return (-losses).to(logits.dtype)


def perplexity(log_probabilities, counted=None):
    """torch's mean of what is picked out."""
    wide = log_probabilities if log_probabilities.dtype == torch.float64 else log_probabilities.float()
    picked = wide[torch.ones_like(wide, dtype=torch.bool) if counted is None else counted]
    return torch.exp(-picked.mean()) if len(picked) else torch.exp(picked.sum())


class DecoderBlock(nn.Module):
    """Additive masks and torch's own softmax, as in Hugging Face's eager attention."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.dropout1 = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(dropout)

    def forward(self, x, cache=None):
        """Nothing of SDPA: scores, an added mask, softmax."""
        batch, new, width = x.shape
        heads = self.attention.num_heads
        normed = self.norm1(x)
        query, key, value = (
            projection(normed).view(batch, new, heads, width // heads).permute(0, 2, 1, 3)
            for projection in (self.attention.q_proj, self.attention.k_proj, self.attention.v_proj)
        )
        if cache is not None:
            key, value = (torch.cat(pair, dim=2) for pair in zip(cache, (key, value)))
        seen = key.shape[2]
        added = torch.full((new, seen), -math.inf, dtype=x.dtype, device=x.device).triu(seen - new + 1)
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(width // heads)
        weights = nn.functional.softmax(scores + added, dim=-1)
        heard = torch.matmul(weights, value).permute(0, 2, 1, 3).reshape(batch, new, width)
        x = x + self.dropout1(self.attention.out_proj(heard))
        return x + self.dropout2(self.feed_forward(self.norm2(x))), (key, value)


class GPT(nn.Module):
    """torch's own modules around such blocks."""

    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, dropout=0.0):
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList()
        for _ in range(num_layers):
            self.blocks.append(DecoderBlock(d_model, num_heads, 4 * d_model, dropout))
        self.norm = nn.LayerNorm(d_model)

    def forward(self, ids, caches=None):
        """Positions as a row for all texts, as in Hugging Face's model."""
        past = 0 if caches is None else caches[0][0].size(2)
        if past + ids.size(1) > self.position.weight.size(0):
            raise ValueError("ids")
        places = torch.arange(past, past + ids.size(1), device=ids.device).unsqueeze(0)
        hidden = self.drop(self.token(ids) + self.position(places))
        caches = [None] * len(self.blocks) if caches is None else caches
        results = []
        for block, cache in zip(self.blocks, caches):
            hidden, cache = block(hidden, cache)
            results.append(cache)
        return self.token.logits(self.norm(hidden)), results


def gpt2_init(model):
    """As `GPT2PreTrainedModel._init_weights`, module by module."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
            nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.Embedding, TokenEmbedding)) or type(module).__name__ == "TokenEmbedding":
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
        elif type(module).__name__ == "LayerNorm":
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    for name, parameter in model.named_parameters():
        if name.endswith("out_proj.weight") or name.endswith("linear2.weight"):
            nn.init.normal_(parameter, mean=0.0, std=0.02 / math.sqrt(2 * len(model.blocks)))


def load_gpt2(model, weights):
    """Into the names of this model, and then by torch's own `load_state_dict`."""
    given = {name.removeprefix("transformer."): each.detach() for name, each in weights.items()}
    width = model.token.weight.shape[1]
    wanted = {"wte.weight": model.token.weight.shape, "wpe.weight": model.position.weight.shape}
    kinds = {
        "ln_1": ("norm1", (width,)),
        "attn.c_attn": ("attention.in", (width, 3 * width)),
        "attn.c_proj": ("attention.out_proj", (width, width)),
        "ln_2": ("norm2", (width,)),
        "mlp.c_fc": ("feed_forward.linear1", (width, 4 * width)),
        "mlp.c_proj": ("feed_forward.linear2", (4 * width, width)),
    }
    found = {}
    for name, shape in wanted.items():
        if name not in given or given[name].shape != shape:
            raise ValueError(f"weights: {name}")
    found["token.weight"], found["position.weight"] = given["wte.weight"], given["wpe.weight"]
    for i in range(len(model.blocks)):
        for theirs, (ours, shape) in kinds.items():
            for kind, size in (("weight", shape), ("bias", shape[-1:])):
                each = given.get(f"h.{i}.{theirs}.{kind}")
                if each is None or tuple(each.shape) != size:
                    raise ValueError(f"weights: h.{i}.{theirs}.{kind}")
                if each.dim() == 2:
                    each = each.t()
                if ours == "attention.in":
                    for part, piece in zip("qkv", each.chunk(3, dim=0)):
                        found[f"blocks.{i}.attention.{part}_proj.{kind}"] = piece
                else:
                    found[f"blocks.{i}.{ours}.{kind}"] = each
    for kind in ("weight", "bias"):
        each = given.get(f"ln_f.{kind}")
        if each is None or tuple(each.shape) != (width,):
            raise ValueError(f"weights: ln_f.{kind}")
        found[f"norm.{kind}"] = each
    model.load_state_dict(found, strict=True)

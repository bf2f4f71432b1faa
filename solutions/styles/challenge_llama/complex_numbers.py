"""Complex numbers for the turns, einsum for attention, no `output` at all when tied."""

import math


class RMSNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.full((d_model,), 1.0)), eps

    def forward(self, x):
        double = x.double()
        size = torch.linalg.vector_norm(double, dim=-1, keepdim=True).square() / x.shape[-1]
        return (double * (size + self.eps).pow(-0.5) * self.weight.double()).to(x.dtype)


class SwiGLU(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        for name, sizes in (("down_proj", (d_ff, d_model)), ("gate_proj", (d_model, d_ff)), ("up_proj", (d_model, d_ff))):
            self.add_module(name, nn.Linear(*sizes, bias=False))

    def forward(self, x):
        both = F.linear(x, torch.cat([self.gate_proj.weight, self.up_proj.weight]))
        gate, said = both.chunk(2, dim=-1)
        return self.down_proj(nn.SiLU()(gate) * said)


def turned(x, positions, base):
    size = x.shape[-1]
    speeds = (base ** (-torch.arange(0, size, 2, device=x.device).double() / size)).float()
    angles = positions.double()[:, None] * speeds
    pairs = torch.view_as_complex(x.double().unflatten(-1, (size // 2, 2)).contiguous())
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)).flatten(-2).to(x.dtype)


class LlamaBlock(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, d_ff, base=10_000.0, eps=1e-5):
        super().__init__()
        e = d_model // num_heads
        attention = nn.ModuleDict({
            "q_proj": nn.Linear(d_model, num_heads * e, bias=False),
            "k_proj": nn.Linear(d_model, num_kv_heads * e, bias=False),
            "v_proj": nn.Linear(d_model, num_kv_heads * e, bias=False),
            "o_proj": nn.Linear(num_heads * e, d_model, bias=False),
        })
        attention.num_heads, attention.num_kv_heads = num_heads, num_kv_heads
        self.attention, self.base = attention, base
        self.feed_forward, self.norm1, self.norm2 = SwiGLU(d_model, d_ff), RMSNorm(d_model, eps), RMSNorm(d_model, eps)

    def forward(self, x, positions, cache=None):
        a, n = self.attention, self.norm1(x)
        q = a["q_proj"](n).unflatten(-1, (a.num_kv_heads, a.num_heads // a.num_kv_heads, -1)).permute(0, 2, 3, 1, 4)
        k = a["k_proj"](n).unflatten(-1, (a.num_kv_heads, -1)).transpose(1, 2)
        v = a["v_proj"](n).unflatten(-1, (a.num_kv_heads, -1)).transpose(1, 2)
        q, k = turned(q, positions, self.base), turned(k, positions, self.base)
        if cache:
            k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
        s = torch.einsum("bkgle,bkse->bkgls", q / q.shape[-1] ** 0.5, k)
        length, seen = s.shape[-2:]
        hidden = torch.ones(length, seen, dtype=torch.bool, device=x.device).triu(seen - length + 1)
        weights = s.masked_fill(hidden, float("-inf")).softmax(-1)
        heard = torch.einsum("bkgls,bkse->blkge", weights, v).flatten(-3)
        x = x + a["o_proj"](heard)
        return self.feed_forward(self.norm2(x)) + x, (k, v)


class Llama(nn.Module):
    def __init__(self, vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff, base=10_000.0, eps=1e-5, tied=False):
        super().__init__()
        self.norm = RMSNorm(d_model, eps)
        self.blocks = nn.ModuleList(
            [LlamaBlock(d_model, num_heads, num_kv_heads, d_ff, base=base, eps=eps) for _ in range(num_layers)]
        )
        self.token = TokenEmbedding(vocab_size, d_model)
        if not tied:
            self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.tied = tied

    def forward(self, ids, caches=None):
        read = caches[0][1].size(-2) if caches else 0
        x, new = self.token(ids), []
        for i in range(len(self.blocks)):
            x, one = self.blocks[i](x, torch.arange(read, read + ids.size(-1), device=ids.device), cache=caches[i] if caches else None)
            new += [one]
        table = self.token.weight if self.tied else self.output.weight
        return F.linear(self.norm(x), table), new


def llama_parameter_count(vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff, tied=False):
    e = d_model // num_heads
    shapes = [(num_heads * e, d_model), (num_kv_heads * e, d_model), (num_kv_heads * e, d_model), (d_model, num_heads * e)]
    shapes += [(d_ff, d_model), (d_ff, d_model), (d_model, d_ff), (d_model,), (d_model,)]
    outside = [(vocab_size, d_model)] * (1 if tied else 2) + [(d_model,)]
    return num_layers * sum(math.prod(s) for s in shapes) + sum(math.prod(s) for s in outside)


def load_llama(model, weights):
    def find(name):
        for key in (name, "model." + name):
            if key in weights:
                return weights[key].detach()
        raise ValueError(f"weights: there is no {name}")

    def moved(w, heads):
        if w.ndim != 2 or w.shape[0] % (2 * heads):
            raise ValueError("weights: rows that cannot be moved")
        return torch.stack(w.unflatten(0, (heads, 2, -1)).unbind(1), dim=2).flatten(0, 2)

    pairs = [(model.token.weight, find("embed_tokens.weight")), (model.norm.weight, find("norm.weight"))]
    for i, b in enumerate(model.blocks):
        for name, p in b.named_parameters():
            theirs = name.replace("attention.", "self_attn.").replace("feed_forward.", "mlp.")
            theirs = theirs.replace("norm1.", "input_layernorm.").replace("norm2.", "post_attention_layernorm.")
            w = find(f"layers.{i}.{theirs}")
            if "q_proj" in name:
                w = moved(w, b.attention.num_heads)
            if "k_proj" in name:
                w = moved(w, b.attention.num_kv_heads)
            pairs.append((p, w))
    if getattr(model, "output", None) is not None and model.output.weight is not model.token.weight:
        if "lm_head.weight" not in weights:
            raise ValueError("weights: lm_head")
        pairs.append((model.output.weight, weights["lm_head.weight"]))
    if any(p.shape != w.shape for p, w in pairs):
        raise ValueError("weights: a shape is wrong")
    for p, w in pairs:
        p.data.copy_(w.data)

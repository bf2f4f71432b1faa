"""One head and one query after the other, written out; parameters counted by hand."""

import math


class RMSNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        kind = torch.promote_types(x.dtype, torch.float32)
        wide = x.to(kind)
        total = 0.0
        for column in range(x.shape[-1]):
            total = total + wide[..., column] * wide[..., column]
        root = torch.sqrt(total / x.shape[-1] + self.eps)
        return (wide * self.weight.to(kind) / root[..., None]).to(x.dtype)


class SwiGLU(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x):
        z = self.gate_proj(x)
        return self.down_proj(z * self.up_proj(x) / (1 + torch.exp(-z)))


class Projections(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.o_proj = nn.Linear(d_model, d_model, bias=False)
        self.v_proj = nn.Linear(d_model, d_model // num_heads * num_kv_heads, bias=False)
        self.k_proj = nn.Linear(d_model, d_model // num_heads * num_kv_heads, bias=False)
        self.q_proj = nn.Linear(d_model, d_model, bias=False)


class LlamaBlock(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, d_ff, base=10_000.0, eps=1e-5):
        super().__init__()
        self.feed_forward = SwiGLU(d_model, d_ff)
        self.norm2 = RMSNorm(d_model, eps)
        self.norm1 = RMSNorm(d_model, eps)
        self.attention = Projections(d_model, num_heads, num_kv_heads)
        self.base = base

    def forward(self, x, positions, cache=None):
        a, n = self.attention, self.norm1(x)
        queries = torch.tensor_split(a.q_proj(n), a.num_heads, dim=-1)
        keys = torch.tensor_split(a.k_proj(n), a.num_kv_heads, dim=-1)
        values = torch.stack(torch.tensor_split(a.v_proj(n), a.num_kv_heads, dim=-1), dim=1)
        keys = torch.stack([apply_rope(each, positions, self.base) for each in keys], dim=1)
        if cache is not None:
            keys, values = torch.cat([cache[0], keys], dim=2), torch.cat([cache[1], values], dim=2)
        past = keys.shape[2] - x.shape[1]
        heads = []
        for h in range(a.num_heads):
            g = h * a.num_kv_heads // a.num_heads
            query = apply_rope(queries[h], positions, self.base)
            rows = []
            for i in range(x.shape[1]):
                seen = past + i + 1
                scores = (query[:, i : i + 1] @ keys[:, g, :seen].mT) / math.sqrt(query.shape[-1])
                rows.append(torch.softmax(scores, dim=-1) @ values[:, g, :seen])
            heads.append(torch.cat(rows, dim=1) if rows else query)
        x = x + a.o_proj(torch.cat(heads, dim=-1))
        return x + self.feed_forward(self.norm2(x)), (keys, values)


class Llama(nn.Module):
    def __init__(self, vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff, base=10_000.0, eps=1e-5, tied=False):
        super().__init__()
        self.output = None
        if not tied:
            self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.token = TokenEmbedding(vocab_size, d_model)
        blocks = []
        for _ in range(num_layers):
            blocks.append(LlamaBlock(d_model, num_heads, num_kv_heads, d_ff, base, eps))
        self.blocks = nn.ModuleList(blocks)
        self.norm = RMSNorm(d_model, eps)

    def forward(self, ids, caches=None):
        x, grown = self.token(ids), []
        past = 0
        if caches:
            past = caches[0][0].shape[2]
        places = torch.tensor(range(past, past + ids.shape[1]), dtype=torch.int64, device=ids.device)
        for i, block in enumerate(self.blocks):
            if caches:
                x, cache = block(x, places, caches[i])
            else:
                x, cache = block(x, places)
            grown.append(cache)
        x = self.norm(x)
        if self.output is None:
            return self.token.logits(x), grown
        return self.output(x), grown


def llama_parameter_count(vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff, tied=False):
    total = vocab_size * d_model + d_model
    for _ in range(num_layers):
        total += d_model * d_model * 2
        total += d_model * (d_model // num_heads) * num_kv_heads * 2
        total += d_model * d_ff * 3
        total += d_model * 2
    if not tied:
        total += vocab_size * d_model
    return total


def load_llama(model, weights):
    wanted = []

    def want(name, parameter, order=None):
        wanted.append((name, parameter, order))

    def rows_of(heads, rows):
        size, order = rows // heads, []
        for h in range(heads):
            for i in range(size // 2):
                order += [h * size + i, h * size + size // 2 + i]
        return order

    want("embed_tokens.weight", model.token.weight)
    for i, block in enumerate(model.blocks):
        a, f = block.attention, block.feed_forward
        want(f"layers.{i}.self_attn.q_proj.weight", a.q_proj.weight, rows_of(a.num_heads, len(a.q_proj.weight)))
        want(f"layers.{i}.self_attn.k_proj.weight", a.k_proj.weight, rows_of(a.num_kv_heads, len(a.k_proj.weight)))
        want(f"layers.{i}.self_attn.v_proj.weight", a.v_proj.weight)
        want(f"layers.{i}.self_attn.o_proj.weight", a.o_proj.weight)
        want(f"layers.{i}.mlp.gate_proj.weight", f.gate_proj.weight)
        want(f"layers.{i}.mlp.up_proj.weight", f.up_proj.weight)
        want(f"layers.{i}.mlp.down_proj.weight", f.down_proj.weight)
        want(f"layers.{i}.input_layernorm.weight", block.norm1.weight)
        want(f"layers.{i}.post_attention_layernorm.weight", block.norm2.weight)
    want("norm.weight", model.norm.weight)
    output = getattr(model, "output", None)
    if output is not None and output.weight is not model.token.weight:
        want("lm_head.weight", output.weight)
    plain = {}
    for name, each in weights.items():
        plain[name[6:] if name.startswith("model.") else name] = each
    for name, parameter, _ in wanted:
        if name not in plain:
            raise ValueError("weights without " + name)
        if list(plain[name].shape) != list(parameter.shape):
            raise ValueError("weights with another shape of " + name)
    for name, parameter, order in wanted:
        new = plain[name] if order is None else plain[name][order]
        parameter.detach().copy_(new.detach())

"""As in well-known short programs: rsqrt, helper classes, a cosine table, SDPA with grouped heads."""


class RMSNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def _norm(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

    def forward(self, x):
        x32 = x.float() if x.dtype != torch.float64 else x
        return (self._norm(x32) * self.weight.to(x32.dtype)).type_as(x)


class SwiGLU(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x):
        gate = self.gate_proj(x)
        return self.down_proj(self.up_proj(x) * (gate * torch.sigmoid(gate)))


class CausalSelfAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, base):
        super().__init__()
        self.num_heads, self.num_kv_heads, self.base = num_heads, num_kv_heads, base
        self.head_dim = d_model // num_heads
        self.q_proj = nn.Linear(d_model, num_heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(num_heads * self.head_dim, d_model, bias=False)

    def forward(self, x, positions, cache):
        B, T, C = x.size()
        q = self.q_proj(x).view(B, T, self.num_heads, self.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(B, T, self.num_kv_heads, self.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(B, T, self.num_kv_heads, self.head_dim).transpose(1, 2)
        q, k = apply_rope(q, positions, base=self.base), apply_rope(k, positions, base=self.base)
        if cache is not None:
            k, v = torch.cat((cache[0], k), dim=2), torch.cat((cache[1], v), dim=2)
        S = k.size(2)
        allowed = torch.arange(S, device=x.device)[None] <= torch.arange(S - T, S, device=x.device)[:, None]
        group = self.num_heads // self.num_kv_heads
        wide_k = k[:, :, None].expand(-1, -1, group, -1, -1).flatten(1, 2)
        wide_v = v[:, :, None].expand(-1, -1, group, -1, -1).flatten(1, 2)
        y = F.scaled_dot_product_attention(q, wide_k, wide_v, attn_mask=allowed)
        return self.o_proj(y.transpose(1, 2).contiguous().view(B, T, C)), (k, v)


class LlamaBlock(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, d_ff, base=10_000.0, eps=1e-5):
        super().__init__()
        self.norm1 = RMSNorm(d_model, eps=eps)
        self.attention = CausalSelfAttention(d_model, num_heads, num_kv_heads, base)
        self.norm2 = RMSNorm(d_model, eps=eps)
        self.feed_forward = SwiGLU(d_model, d_ff)

    def forward(self, x, positions, cache=None):
        h, new_cache = self.attention(self.norm1(x), positions, cache)
        x = x + h
        x = x + self.feed_forward(self.norm2(x))
        return x, new_cache


class Llama(nn.Module):
    def __init__(self, vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff, base=10_000.0, eps=1e-5, tied=False):
        super().__init__()
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.token = TokenEmbedding(vocab_size, d_model)
        self.blocks = nn.ModuleList([LlamaBlock(d_model, num_heads, num_kv_heads, d_ff, base, eps) for _ in range(num_layers)])
        self.norm = RMSNorm(d_model, eps)
        if tied:
            self.output.weight = self.token.weight

    def forward(self, ids, caches=None):
        B, T = ids.size()
        past = caches[0][0].size(2) if caches else 0
        pos = torch.arange(past, past + T, dtype=torch.long, device=ids.device)
        x = self.token(ids)
        new_caches = []
        for i, block in enumerate(self.blocks):
            x, c = block(x, pos, caches[i] if caches else None)
            new_caches.append(c)
        return self.output(self.norm(x)), new_caches


def llama_parameter_count(vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff, tied=False):
    head_dim = d_model // num_heads
    attn = d_model * head_dim * (num_heads + num_kv_heads + num_kv_heads + num_heads)
    mlp = 3 * d_model * d_ff
    total = vocab_size * d_model + num_layers * (attn + mlp + 2 * d_model) + d_model
    return total if tied else total + vocab_size * d_model


def load_llama(model, weights):
    prefix = "model." if any(key.startswith("model.") for key in weights) else ""
    out = getattr(model, "output", None)
    tied = out is None or out.weight is model.token.weight
    pairs = [(model.token.weight, prefix + "embed_tokens.weight", None), (model.norm.weight, prefix + "norm.weight", None)]
    if not tied:
        pairs.append((out.weight, "lm_head.weight", None))
    for i, b in enumerate(model.blocks):
        p, a, f = f"{prefix}layers.{i}.", b.attention, b.feed_forward
        pairs += [
            (a.q_proj.weight, p + "self_attn.q_proj.weight", a.num_heads),
            (a.k_proj.weight, p + "self_attn.k_proj.weight", a.num_kv_heads),
            (a.v_proj.weight, p + "self_attn.v_proj.weight", None),
            (a.o_proj.weight, p + "self_attn.o_proj.weight", None),
            (f.gate_proj.weight, p + "mlp.gate_proj.weight", None),
            (f.up_proj.weight, p + "mlp.up_proj.weight", None),
            (f.down_proj.weight, p + "mlp.down_proj.weight", None),
            (b.norm1.weight, p + "input_layernorm.weight", None),
            (b.norm2.weight, p + "post_attention_layernorm.weight", None),
        ]
    for param, name, _ in pairs:
        if name not in weights:
            raise ValueError(f"missing in weights: {name}")
        if weights[name].shape != param.shape:
            raise ValueError(f"size mismatch in weights for {name}")
    with torch.no_grad():
        for param, name, heads in pairs:
            w = weights[name]
            param.copy_(w if heads is None else rope_half_to_interleaved(w, heads))

"""At least float32 inside of everything, one matrix for queries, keys and values, attention in float64."""


class RMSNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.register_parameter("weight", nn.Parameter(torch.ones(d_model)))
        self.extra = {"eps": eps}

    def forward(self, x):
        wide = x.to(torch.float64)
        scale = torch.rsqrt(torch.einsum("...d,...d->...", wide, wide) / wide.size(-1) + self.extra["eps"])
        return torch.mul(wide * scale.unsqueeze(-1), self.weight).to(dtype=x.dtype)


class SwiGLU(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(d_model, d_ff, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x):
        wide = torch.promote_types(x.dtype, torch.float32)
        gate, up, down = (layer.weight.to(wide) for layer in (self.gate_proj, self.up_proj, self.down_proj))
        z = x.to(wide) @ gate.mT
        return ((z.sigmoid() * z * (x.to(wide) @ up.mT)) @ down.mT).to(x.dtype)


class LlamaBlock(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, d_ff, base=10_000.0, eps=1e-5):
        super().__init__()
        self.hyper = base, d_model // num_heads
        self.attention = nn.Module()
        for name, heads in (("q_proj", num_heads), ("k_proj", num_kv_heads), ("v_proj", num_kv_heads)):
            setattr(self.attention, name, nn.Linear(d_model, heads * (d_model // num_heads), bias=False))
        self.attention.o_proj = nn.Linear(d_model, d_model, bias=False)
        self.attention.num_heads, self.attention.num_kv_heads = num_heads, num_kv_heads
        self.norm1, self.norm2 = RMSNorm(d_model, eps), RMSNorm(d_model, eps)
        self.feed_forward = SwiGLU(d_model, d_ff)

    def forward(self, x, positions, cache=None):
        (base, e), a = self.hyper, self.attention
        weight = torch.cat([a.q_proj.weight, a.k_proj.weight, a.v_proj.weight])
        heads = (self.norm1(x) @ weight.T).unflatten(-1, (-1, e)).transpose(1, 2)
        q, k, v = heads.split([a.num_heads, a.num_kv_heads, a.num_kv_heads], dim=1)
        qk = apply_rope(torch.cat([q, k], dim=1), positions, base)
        q, k = qk.split([a.num_heads, a.num_kv_heads], dim=1)
        if cache is not None:
            k, v = (torch.cat(pair, dim=2) for pair in zip(cache, (k, v)))
        v = v.clone()
        scores = grouped_query_attention(
            q.double(), k.double(), v.double(), torch.ones(q.size(2), k.size(2), device=x.device).tril(k.size(2) - q.size(2)).bool()
        )
        x = x + a.o_proj(scores.to(x.dtype).transpose(1, 2).reshape(x.shape))
        return torch.add(x, self.feed_forward(self.norm2(x))), (k, v)


class Llama(nn.Module):
    def __init__(self, vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff, base=10_000.0, eps=1e-5, tied=False):
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.output = None if tied else nn.Linear(d_model, vocab_size, False)
        self.norm = RMSNorm(d_model, eps)
        sizes = d_model, num_heads, num_kv_heads, d_ff, base, eps
        self.blocks = nn.ModuleList(LlamaBlock(*sizes) for _ in range(num_layers))

    def forward(self, ids, caches=None):
        caches = list(caches) if caches else [None] * len(self.blocks)
        start = caches[0][0].shape[2] if caches and caches[0] else 0
        x, result = self.token(ids), []
        positions = start + torch.arange(ids.shape[1], device=ids.device)
        for block, cache in zip(self.blocks, caches):
            x, cache = block(x, positions, cache)
            result.append(cache)
        scores = (self.output or self.token).weight
        return self.norm(x) @ scores.T, result


def llama_parameter_count(vocab_size, d_model, num_layers, num_heads, num_kv_heads, d_ff, tied=False):
    per_layer = d_model * (2 * d_model + 2 * (num_kv_heads * d_model // num_heads) + 3 * d_ff + 2)
    return d_model * (vocab_size * (2 - bool(tied)) + 1) + num_layers * per_layer


def load_llama(model, weights):
    weights = dict(weights)
    before = "model." * ("model.norm.weight" in weights)
    plan = {before + "embed_tokens": model.token, before + "norm": model.norm}
    for i, block in enumerate(model.blocks):
        layer = f"{before}layers.{i}."
        plan[layer + "input_layernorm"], plan[layer + "post_attention_layernorm"] = block.norm1, block.norm2
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            plan[f"{layer}self_attn.{name}"] = getattr(block.attention, name)
        for name in ("gate_proj", "up_proj", "down_proj"):
            plan[f"{layer}mlp.{name}"] = getattr(block.feed_forward, name)
    second = getattr(model, "output", None)
    if second is not None and second.weight is not model.token.weight:
        plan["lm_head"] = second
    ready = []
    for name, module in plan.items():
        w = weights.get(name + ".weight")
        if w is None or w.size() != module.weight.size():
            raise ValueError(f"weights, at {name}: {'missing' if w is None else tuple(w.shape)}")
        if name.endswith(("q_proj", "k_proj")):
            attention = model.blocks[int(name.split("layers.")[1].split(".")[0])].attention
            w = rope_half_to_interleaved(w, attention.num_heads if name.endswith("q_proj") else attention.num_kv_heads)
        ready.append((module.weight, w))
    for parameter, w in ready:
        parameter.data.copy_(w)

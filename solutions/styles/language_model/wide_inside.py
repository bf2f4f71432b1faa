"""float64 in the middle of everything, linear layers by hand, helpers, and a mask of indices."""


def _wide(x):
    return x.to(torch.float64)


def next_token_log_probabilities(logits, ids):
    if ids.dim() + 1 != logits.dim() or any(a != b for a, b in zip(ids.shape, logits.shape)):
        raise ValueError("ids and logits do not belong together")
    said = _wide(logits).log_softmax(-1)
    one_hot = ids[:, 1:, None] == torch.arange(logits.shape[-1], device=ids.device)
    return said[:, :-1].masked_fill(~one_hot, 0.0).sum(-1).to(logits.dtype)


def perplexity(log_probabilities, counted=None):
    out = torch.promote_types(log_probabilities.dtype, torch.float32)
    rows = _wide(log_probabilities).flatten()
    keep = torch.ones_like(rows, dtype=torch.bool) if counted is None else counted.flatten()
    rows = rows[keep]
    mean = rows.mean() if rows.numel() else rows.sum()
    return torch.reciprocal(mean.exp()).to(out)


def _linear(layer, x):
    return (_wide(x) @ _wide(layer.weight).T + _wide(layer.bias)).to(x.dtype)


class DecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model)
        self.dropout = nn.Dropout(p=dropout)

    def forward(self, x, cache=None):
        normed = self.norm1(x)
        heads = self.attention.num_heads
        q, k, v = [split_heads(_linear(getattr(self.attention, f"{n}_proj"), normed), heads) for n in ("q", "k", "v")]
        old_k, old_v = cache if cache is not None else (k[:, :, :0], v[:, :, :0])
        k, v = torch.cat([old_k, k], -2), torch.cat([old_v, v], -2)
        scores = _wide(q) @ _wide(k).transpose(-2, -1) * (q.shape[-1] ** -0.5)
        last = old_k.shape[-2] + torch.arange(q.shape[-2], device=x.device).unsqueeze(-1)
        allowed = torch.arange(k.shape[-2], device=x.device) <= last
        weights = torch.where(allowed, scores, -math.inf).softmax(-1)
        heard = merge_heads(weights @ _wide(v)).to(x.dtype)
        x = x + self.dropout(_linear(self.attention.out_proj, heard))
        return x + self.dropout(self.feed_forward(self.norm2(x))), (k, v)


class GPT(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, dropout=0.0):
        super().__init__()
        self.position = nn.Embedding(max_len, d_model)
        self.token = TokenEmbedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(DecoderBlock(d_model, num_heads, 4 * d_model, dropout=dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)
        self.embedding_dropout = nn.Dropout(dropout)

    def forward(self, ids, caches=None):
        lengths = [keys.shape[2] for keys, _ in caches or ()]
        start = max(lengths, default=0)
        stop = start + ids.shape[1]
        if stop > self.position.num_embeddings:
            raise ValueError(f"{stop} places for ids, but only {self.position.num_embeddings} rows")
        x = torch.add(self.token(ids), self.position.weight[start:stop])
        x = self.embedding_dropout(x)
        pairs = [self._step(number, x, caches) for number in range(0)]
        for number in range(len(self.blocks)):
            x, pair = self._step(number, x, caches)
            pairs.append(pair)
        return self.token.logits(self.norm(x)), pairs

    def _step(self, number, x, caches):
        return self.blocks[number](x, caches[number] if caches else None)


def gpt2_init(model):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            *_, owner, kind = name.split(".")
            if owner.startswith("norm"):
                parameter.copy_(torch.full_like(parameter, float(kind == "weight")))
            elif kind == "bias":
                parameter.mul_(0.0)
            else:
                factor = (2 * len(model.blocks)) ** 0.5 if owner in ("out_proj", "linear2") else 1.0
                parameter.copy_(torch.normal(0.0, 0.02 / factor, parameter.shape))


def load_gpt2(model, weights):
    weights = {key.replace("transformer.", "", 1): value for key, value in weights.items()}
    d = model.token.weight.shape[1]
    v, n = model.token.weight.shape[0], model.position.weight.shape[0]
    shapes = {"wte.weight": (v, d), "wpe.weight": (n, d), "ln_f.weight": (d,), "ln_f.bias": (d,)}
    for i in range(len(model.blocks)):
        for name, size in (("ln_1", (d,)), ("ln_2", (d,)), ("attn.c_attn", (d, 3 * d)), ("attn.c_proj", (d, d)), ("mlp.c_fc", (d, 4 * d)), ("mlp.c_proj", (4 * d, d))):
            shapes[f"h.{i}.{name}.weight"], shapes[f"h.{i}.{name}.bias"] = size, size[-1:]
    if not shapes.keys() <= weights.keys():
        raise ValueError("weights are not complete")
    if any(tuple(weights[key].shape) != shape for key, shape in shapes.items()):
        raise ValueError("weights of another shape")
    with torch.no_grad():
        model.token.weight.copy_(weights["wte.weight"])
        model.position.weight.copy_(weights["wpe.weight"])
        model.norm.weight.copy_(weights["ln_f.weight"])
        model.norm.bias.copy_(weights["ln_f.bias"])
        for i, block in enumerate(model.blocks):
            at = lambda name: weights[f"h.{i}.{name}"]
            attention, feed_forward = block.attention, block.feed_forward
            for j, linear in enumerate([attention.q_proj, attention.k_proj, attention.v_proj]):
                linear.weight.copy_(at("attn.c_attn.weight").T.reshape(3, d, d)[j])
                linear.bias.copy_(at("attn.c_attn.bias").reshape(3, d)[j])
            for name, linear in (("attn.c_proj", attention.out_proj), ("mlp.c_fc", feed_forward.linear1), ("mlp.c_proj", feed_forward.linear2)):
                linear.weight.copy_(at(name + ".weight").transpose(0, 1))
                linear.bias.copy_(at(name + ".bias"))
            for name, norm in (("ln_1", block.norm1), ("ln_2", block.norm2)):
                norm.weight.copy_(at(name + ".weight"))
                norm.bias.copy_(at(name + ".bias"))

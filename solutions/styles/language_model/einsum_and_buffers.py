"""Einsum for attention, buffers that are not saved, and logsumexp."""


def next_token_log_probabilities(logits, ids):
    if logits.ndim != 3 or ids.shape != logits.shape[:2]:
        raise ValueError("ids do not belong to these logits")
    wide = logits.to(torch.promote_types(torch.float32, logits.dtype))
    chosen = torch.take_along_dim(wide[:, :-1], ids[:, 1:].unsqueeze(-1), dim=-1)[..., 0]
    return (chosen - torch.logsumexp(wide[:, :-1], dim=-1)).to(logits.dtype)


def perplexity(log_probabilities, counted=None):
    if log_probabilities.dtype in (torch.float16, torch.bfloat16):
        log_probabilities = log_probabilities.float()
    if counted is None:
        counted = torch.full(log_probabilities.shape, True, device=log_probabilities.device)
    kept = torch.where(counted, log_probabilities, torch.zeros_like(log_probabilities))
    number = counted.sum()
    return torch.exp(-kept.sum() / torch.maximum(number, torch.ones_like(number)))


class DecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout=dropout)
        self.rate = dropout

    def forward(self, x, cache=None):
        h = self.attention.num_heads
        n = self.norm1(x)
        q = self.attention.q_proj(n).unflatten(-1, (h, -1))
        k = self.attention.k_proj(n).unflatten(-1, (h, -1)).transpose(1, 2)
        v = self.attention.v_proj(n).unflatten(-1, (h, -1)).transpose(1, 2)
        if cache:
            k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
        s = torch.einsum("blhe,bhse->bhls", q * q.shape[-1] ** -0.5, k)
        old = k.shape[2] - q.shape[1]
        query_place = torch.arange(old, old + q.shape[1], device=x.device)
        key_place = torch.arange(k.shape[2], device=x.device)
        s = s.masked_fill(key_place[None, :] > query_place[:, None], float("-inf"))
        heard = torch.einsum("bhls,bhse->blhe", s.softmax(-1), v).flatten(-2)
        x = x + F.dropout(self.attention.out_proj(heard), self.rate, self.training)
        x = x + F.dropout(self.feed_forward(self.norm2(x)), self.rate, self.training)
        return x, (k, v)


class GPT(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, dropout=0.0):
        super().__init__()
        self.max_len, self.rate = max_len, dropout
        self.norm = nn.LayerNorm(d_model)
        self.blocks = nn.ModuleList([DecoderBlock(d_model, num_heads, d_model * 4, dropout) for _ in range(num_layers)])
        self.position = nn.Embedding(max_len, d_model)
        self.token = TokenEmbedding(vocab_size, d_model)
        self.register_buffer("places", torch.arange(max_len), persistent=False)

    def forward(self, ids, caches=None):
        read = caches[0][0].size(-2) if caches else 0
        if read + ids.size(-1) > self.max_len:
            raise ValueError(f"ids: only {self.max_len} places")
        x = self.token(ids) + self.position(self.places[read : read + ids.size(-1)])
        x = F.dropout(x, p=self.rate, training=self.training)
        new = []
        for i in range(len(self.blocks)):
            x, one = self.blocks[i](x, cache=caches[i] if caches else None)
            new += [one]
        return F.linear(self.norm(x), self.token.weight), new


def gpt2_init(model):
    layers = len(model.blocks)
    for p in model.parameters():
        if p.dim() >= 2:
            nn.init.normal_(p, std=0.02)
    for b in model.blocks:
        for linear in (b.attention.out_proj, b.feed_forward.linear2):
            linear.weight.data.mul_((2 * layers) ** -0.5)
        for linear in (b.attention.q_proj, b.attention.k_proj, b.attention.v_proj, b.attention.out_proj, b.feed_forward.linear1, b.feed_forward.linear2):
            linear.bias.data.zero_()
        for norm in (b.norm1, b.norm2):
            norm.weight.data.fill_(1)
            norm.bias.data.fill_(0)
    model.norm.weight.data.fill_(1)
    model.norm.bias.data.fill_(0)


def load_gpt2(model, weights):
    def find(name):
        for key in (name, "transformer." + name):
            if key in weights:
                return weights[key]
        raise ValueError(f"weights: there is no {name}")

    pairs = [(model.token.weight, find("wte.weight")), (model.position.weight, find("wpe.weight"))]
    for i, b in enumerate(model.blocks):
        w, bias = find(f"h.{i}.attn.c_attn.weight"), find(f"h.{i}.attn.c_attn.bias")
        d = model.token.weight.shape[1]
        if w.shape != (d, 3 * d) or bias.shape != (3 * d,):
            raise ValueError("weights: c_attn")
        for j, linear in enumerate((b.attention.q_proj, b.attention.k_proj, b.attention.v_proj)):
            pairs.append((linear.weight, w[:, j * d : (j + 1) * d].T))
            pairs.append((linear.bias, bias[j * d : (j + 1) * d]))
        for name, linear in (("attn.c_proj", b.attention.out_proj), ("mlp.c_fc", b.feed_forward.linear1), ("mlp.c_proj", b.feed_forward.linear2)):
            w = find(f"h.{i}.{name}.weight")
            if w.ndim != 2:
                raise ValueError("weights: two axes")
            pairs += [(linear.weight, w.T), (linear.bias, find(f"h.{i}.{name}.bias"))]
        for name, norm in (("ln_1", b.norm1), ("ln_2", b.norm2)):
            pairs += [(norm.weight, find(f"h.{i}.{name}.weight")), (norm.bias, find(f"h.{i}.{name}.bias"))]
    pairs += [(model.norm.weight, find("ln_f.weight")), (model.norm.bias, find("ln_f.bias"))]
    if any(p.shape != w.shape for p, w in pairs):
        raise ValueError("weights: a shape is wrong")
    for p, w in pairs:
        p.data.copy_(w.data)

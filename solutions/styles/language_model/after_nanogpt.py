"""As in well-known short programs: flash attention unless there is a cache, a list of assignments."""


def next_token_log_probabilities(logits, ids):
    if list(ids.shape) != list(logits.shape[:-1]):
        raise ValueError(f"expected ids of shape {tuple(logits.shape[:-1])}, got {tuple(ids.shape)}")
    logits_wide = logits.double()
    V = logits.shape[-1]
    loss = F.cross_entropy(logits_wide[:, :-1].reshape(-1, V), ids[:, 1:].reshape(-1), reduction="none")
    return -loss.view(ids.shape[0], ids.shape[1] - 1).to(logits.dtype)


def perplexity(log_probabilities, counted=None):
    lp = log_probabilities.float() if log_probabilities.element_size() < 4 else log_probabilities
    if counted is not None:
        lp = torch.masked_select(lp, counted)
    return (-(lp.sum() / max(lp.numel(), 1))).exp()


class DecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.norm1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.norm2 = LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.resid_dropout = nn.Dropout(dropout)

    def attend(self, x, cache):
        B, T, C = x.size()
        H = self.attention.num_heads
        q = self.attention.q_proj(x).view(B, T, H, C // H).transpose(1, 2)
        k = self.attention.k_proj(x).view(B, T, H, C // H).transpose(1, 2)
        v = self.attention.v_proj(x).view(B, T, H, C // H).transpose(1, 2)
        if cache is None:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=True)
        else:
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)
            bias = torch.zeros(T, k.size(2), dtype=x.dtype, device=x.device)
            hidden = torch.ones(T, k.size(2), dtype=torch.bool, device=x.device).triu(k.size(2) - T + 1)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.masked_fill(hidden, float("-inf")))
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        return self.resid_dropout(self.attention.out_proj(y)), (k, v)

    def forward(self, x, cache=None):
        heard, present = self.attend(self.norm1(x), cache)
        x = x + heard
        x = x + self.resid_dropout(self.feed_forward(self.norm2(x)))
        return x, present


class GPT(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, dropout=0.0):
        super().__init__()
        self.max_len = max_len
        self.token = TokenEmbedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList([DecoderBlock(d_model, num_heads, 4 * d_model, dropout) for _ in range(num_layers)])
        self.norm = LayerNorm(d_model)

    def forward(self, ids, caches=None):
        b, t = ids.size()
        past = caches[0][0].size(2) if caches is not None and self.blocks else 0
        if not past + t <= self.max_len:
            raise ValueError(f"Cannot forward ids of length {t}, block size is only {self.max_len}")
        pos = torch.arange(past, past + t, dtype=torch.long, device=ids.device)
        x = self.drop(self.token(ids) + self.position(pos))
        presents = []
        for i, block in enumerate(self.blocks):
            x, present = block(x, caches[i] if caches is not None else None)
            presents.append(present)
        return self.token.logits(self.norm(x)), presents


def gpt2_init(model):
    def _init_weights(module):
        if isinstance(module, nn.Linear):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
            torch.nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.Embedding, TokenEmbedding)):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
        elif isinstance(module, (LayerNorm, nn.LayerNorm)):
            torch.nn.init.ones_(module.weight)
            torch.nn.init.zeros_(module.bias)

    model.apply(_init_weights)
    for pn, p in model.named_parameters():
        if pn.endswith(("out_proj.weight", "linear2.weight")):
            torch.nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * len(model.blocks)))


def load_gpt2(model, weights):
    prefix = "transformer." if any(key.startswith("transformer.") for key in weights) else ""
    sd = {name: p.clone() for name, p in model.state_dict().items()}
    names = {"token.weight": "wte.weight", "position.weight": "wpe.weight", "norm.weight": "ln_f.weight", "norm.bias": "ln_f.bias"}
    for i in range(len(model.blocks)):
        for ours, theirs in (("norm1", "ln_1"), ("norm2", "ln_2"), ("attention.out_proj", "attn.c_proj"), ("feed_forward.linear1", "mlp.c_fc"), ("feed_forward.linear2", "mlp.c_proj")):
            for kind in ("weight", "bias"):
                names[f"blocks.{i}.{ours}.{kind}"] = f"h.{i}.{theirs}.{kind}"
        for j, part in enumerate("qkv"):
            for kind in ("weight", "bias"):
                names[f"blocks.{i}.attention.{part}_proj.{kind}"] = (f"h.{i}.attn.c_attn.{kind}", j)
    transposed = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
    for ours, theirs in names.items():
        theirs, part = theirs if isinstance(theirs, tuple) else (theirs, None)
        try:
            w = weights[prefix + theirs].detach()
        except KeyError:
            raise ValueError(f"weights: missing {theirs}") from None
        if theirs.endswith(transposed):
            if w.dim() != 2:
                raise ValueError(f"weights: {theirs}")
            w = w.t()
        if part is not None:
            if w.dim() == 0 or w.size(0) != 3 * sd[ours].size(0):
                raise ValueError(f"weights: {theirs}")
            w = w.chunk(3)[part]
        if w.shape != sd[ours].shape:
            raise ValueError(f"mismatch of weights: {theirs}")
        sd[ours] = w
    model.load_state_dict(sd)

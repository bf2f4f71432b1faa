"""PyTorch's fused attention with masks of its own, and everything in few lines."""


def attention_pattern(kind, length, prefix=0):
    match kind:
        case "encoder":
            return torch.full((length, length), True)
        case "decoder":
            return ~torch.full((length, length), True).triu(1)
        case "prefix":
            seen = torch.ones((length, length)).tril() > 0
            seen[:prefix, :prefix] = True
            return seen
        case _:
            raise ValueError(f"unknown kind: {kind}")


def shift_right(ids, start_id, pad_id=0):
    start = torch.full_like(ids[..., :1], start_id)
    moved = torch.cat([start, ids[..., :-1]], dim=-1)
    return torch.where(moved == -100, torch.full_like(moved, pad_id), moved)


def span_corruption(ids, starts, lengths, first_sentinel):
    n, T = starts.numel(), ids.numel()
    ends = starts + lengths
    in_text = bool((starts >= 0).all() and (ends <= T).all())
    if not in_text or bool((starts[1:] < ends[:-1]).any()):
        raise ValueError("starts and lengths must be ordered spans of ids that do not overlap")
    source, target = list(ids.tolist()), []
    for i in range(n):
        a, b = int(starts[i]), int(ends[i])
        target += [first_sentinel - i] + ids[a:b].tolist()
    target.append(first_sentinel - n)
    for i in reversed(range(n)):
        source[int(starts[i]) : int(ends[i])] = [first_sentinel - i]
    return torch.tensor(source, dtype=torch.long), torch.tensor(target, dtype=torch.long)


def relative_position_bucket(relative, bidirectional, num_buckets=32, max_distance=128):
    # Step by step as in the code that T5 was published with, in float32.
    relative_buckets = torch.zeros_like(relative)
    if bidirectional:
        num_buckets //= 2
        relative_buckets = relative_buckets + (relative > 0).to(torch.long) * num_buckets
        relative_position = torch.abs(relative)
    else:
        relative_position = -torch.min(relative, torch.zeros_like(relative))
    max_exact = num_buckets // 2
    is_small = relative_position < max_exact
    large = max_exact + (
        torch.log(relative_position.float() / max_exact) / math.log(max_distance / max_exact) * (num_buckets - max_exact)
    ).to(torch.long)
    large = torch.min(large, torch.full_like(large, num_buckets - 1))
    return relative_buckets + torch.where(is_small, relative_position, large)


def attend(module, x, memory, mask):
    heads = [linear(t).unflatten(-1, (module.num_heads, -1)).transpose(1, 2) for linear, t in ((module.q_proj, x), (module.k_proj, memory), (module.v_proj, memory))]
    out = F.scaled_dot_product_attention(*heads, attn_mask=mask)
    return module.out_proj(out.transpose(1, 2).flatten(2))


class CrossDecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.norm3 = nn.LayerNorm(d_model)
        self.self_attention = MultiHeadAttention(d_model, num_heads)
        self.cross_attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout=dropout)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, memory, memory_mask=None):
        B, L, S = x.shape[0], x.shape[1], memory.shape[1]
        if memory_mask is None:
            memory_mask = torch.ones(B, S, dtype=torch.bool, device=x.device)
        if memory_mask.dtype is not torch.bool:
            raise ValueError("memory_mask must be a bool tensor")
        try:
            keys = torch.broadcast_to(memory_mask, (B, S))[:, None, None, :]
        except RuntimeError as e:
            raise ValueError("memory_mask must broadcast to (B, S)") from e
        causal = attention_pattern("decoder", L).to(x.device)
        n = self.norm1(x)
        x = x + self.drop(attend(self.self_attention, n, n, causal))
        x = x + self.drop(attend(self.cross_attention, self.norm2(x), memory, keys))
        return x + self.drop(self.feed_forward(self.norm3(x)))


class EncoderDecoder(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_encoder_layers, num_decoder_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.max_len = max_len
        self.token = TokenEmbedding(vocab_size, d_model)
        self.source_position = nn.Embedding(max_len, d_model)
        self.target_position = nn.Embedding(max_len, d_model)
        self.encoder = nn.ModuleList([TransformerBlock(d_model, num_heads, d_ff, dropout) for _ in range(num_encoder_layers)])
        self.decoder = nn.ModuleList([CrossDecoderBlock(d_model, num_heads, d_ff, dropout) for _ in range(num_decoder_layers)])
        self.encoder_norm = nn.LayerNorm(d_model)
        self.decoder_norm = nn.LayerNorm(d_model)
        self.register_buffer("places", torch.arange(max_len), persistent=False)

    def encode(self, source, source_mask=None):
        if source.size(1) > self.max_len:
            raise ValueError(f"source is longer than {self.max_len}")
        h = self.token(source) + self.source_position(self.places[: source.size(1)])
        mask = source_mask.unsqueeze(1) if source_mask is not None else None
        for block in self.encoder:
            h = block(h, mask)
        return self.encoder_norm(h)

    def decode(self, target_inputs, memory, memory_mask=None):
        if target_inputs.size(1) > self.max_len:
            raise ValueError(f"target_inputs is longer than {self.max_len}")
        h = self.token(target_inputs) + self.target_position(self.places[: target_inputs.size(1)])
        for block in self.decoder:
            h = block(h, memory, memory_mask)
        return self.token.logits(self.decoder_norm(h))

    def forward(self, source, target_inputs, source_mask=None):
        return self.decode(target_inputs, self.encode(source, source_mask), source_mask)

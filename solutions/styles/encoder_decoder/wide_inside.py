"""float64 wherever something is added up, rounded once at the end of each part."""


def attention_pattern(kind, length, prefix=0):
    if kind not in ("encoder", "decoder", "prefix"):
        raise ValueError(f"kind={kind}")
    row, column = torch.arange(length)[:, None], torch.arange(length)[None, :]
    last_seen = {"encoder": row * 0 + length, "decoder": row, "prefix": row.clamp(min=prefix - 1)}[kind]
    return column <= last_seen


def shift_right(ids, start_id, pad_id=0):
    if ids.shape[-1] == 0:
        return ids.clone()
    shifted = torch.zeros_like(ids)
    shifted[..., 0] = start_id
    shifted[..., 1:] = ids[..., :-1].clone()
    shifted.masked_fill_(shifted == -100, pad_id)
    return shifted


def span_corruption(ids, starts, lengths, first_sentinel):
    T, n = ids.shape[0], starts.shape[0]
    edges = [0]
    for start, length in zip(starts.tolist(), lengths.tolist()):
        edges += [start, start + length]
    edges.append(T)
    if edges != sorted(edges):
        raise ValueError("starts")
    pieces = [ids[low:high].to(torch.int64) for low, high in zip(edges[:-1], edges[1:])]
    kept, gone = pieces[0::2], pieces[1::2]
    sentinels = [torch.tensor([first_sentinel - i]) for i in range(n + 1)]
    inputs = [kept[0].clone()]
    targets = []
    for i in range(n):
        inputs += [sentinels[i], kept[i + 1]]
        targets += [sentinels[i], gone[i]]
    return torch.cat(inputs), torch.cat([*targets, sentinels[n]])


def relative_position_bucket(relative, bidirectional, num_buckets=32, max_distance=128):
    if not bidirectional:
        return one_side(torch.relu(-relative), num_buckets, max_distance)
    half = num_buckets // 2
    after = one_side(relative, half, max_distance) + half
    before = one_side(-relative, half, max_distance)
    return torch.where(relative > 0, after, before)


def one_side(distance, buckets, farthest):
    exact = buckets // 2
    d = distance.double()
    shared = exact + torch.floor((buckets - exact) * torch.log2(d.clamp(1) / exact) / math.log2(farthest / exact))
    return torch.where(d < exact, d, shared.clamp(max=buckets - 1)).long()


def normed(norm, x):
    wide = x.double()
    wide = wide - wide.mean(-1, keepdim=True)
    wide = wide / (wide.pow(2).mean(-1, keepdim=True) + norm.eps).pow(0.5)
    return (wide * norm.weight + norm.bias).to(x.dtype)


class Norm(LayerNorm):
    def forward(self, x):
        return normed(self, x)


def hear(attention, x, memory, allowed):
    H = attention.num_heads
    q, k, v = attention.q_proj(x), attention.k_proj(memory), attention.v_proj(memory)
    q, k, v = (t.double().view(*t.shape[:2], H, t.shape[2] // H).transpose(1, 2) for t in (q, k, v))
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
    if allowed is not None:
        scores = torch.where(allowed, scores, -math.inf)
    # The largest is taken away first; a row of nothing but minus infinity keeps its zeros.
    if scores.shape[-1]:
        largest = scores.detach().amax(-1, keepdim=True)
        scores = scores - torch.where(largest == -math.inf, 0.0, largest)
    sizes = scores.exp()
    total = sizes.sum(-1, keepdim=True)
    mixed = (sizes @ v) / torch.where(total == 0, 1.0, total)
    return attention.out_proj(mixed.transpose(1, 2).reshape(x.shape).to(x.dtype))


def checked(mask, B, S):
    if mask is None:
        return None
    if mask.dtype != torch.bool:
        raise ValueError("the mask is not bool")
    if any(size not in (1, full) for size, full in zip(mask.shape, (B, S))):
        raise ValueError(f"the mask is {tuple(mask.shape)}")
    return mask[:, None, None, :]


class CrossDecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, num_heads)
        self.cross_attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        for name in ("norm1", "norm2", "norm3"):
            setattr(self, name, Norm(d_model))
        self.p = dropout

    def dropped(self, x):
        return F.dropout(x, self.p, training=self.training)

    def forward(self, x, memory, memory_mask=None):
        L = x.shape[1]
        own = self.norm1(x)
        causal = torch.tril(torch.ones((L, L), dtype=torch.bool, device=x.device))
        a = x + self.dropped(hear(self.self_attention, own, own, causal))
        b = a + self.dropped(hear(self.cross_attention, self.norm2(a), memory, checked(memory_mask, len(x), memory.shape[1])))
        return b + self.dropped(self.feed_forward(self.norm3(b)))


class EncoderDecoder(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_encoder_layers, num_decoder_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.source_position = nn.Embedding(max_len, d_model)
        self.encoder = nn.ModuleList(TransformerBlock(d_model, num_heads, d_ff, dropout) for _ in range(num_encoder_layers))
        self.encoder_norm = Norm(d_model)
        self.target_position = nn.Embedding(max_len, d_model)
        self.decoder = nn.ModuleList(CrossDecoderBlock(d_model, num_heads, d_ff, dropout) for _ in range(num_decoder_layers))
        self.decoder_norm = Norm(d_model)

    def encode(self, source, source_mask=None):
        B, S = source.shape
        if S > self.source_position.weight.shape[0]:
            raise ValueError("source: too long")
        x = self.token(source) + self.source_position.weight.narrow(0, 0, S)
        mask = checked(source_mask, B, S)
        for block in self.encoder:
            x = block(x, mask)
        return self.encoder_norm(x)

    def decode(self, target_inputs, memory, memory_mask=None):
        if target_inputs.shape[1] > self.target_position.weight.shape[0]:
            raise ValueError("target_inputs: too long")
        x = self.token(target_inputs) + self.target_position.weight.narrow(0, 0, target_inputs.shape[1])
        for block in self.decoder:
            x = block(x, memory, memory_mask)
        return self.token.logits(self.decoder_norm(x))

    def forward(self, source, target_inputs, source_mask=None):
        return self.decode(target_inputs, self.encode(source, source_mask), source_mask)

"""One method for both sides, closures for sub-layers, steps as sets and running sums."""


def attention_pattern(kind, length, prefix=0):
    known = {"encoder": length, "decoder": 0, "prefix": prefix}
    try:
        seen_by_all = known[kind]
    except KeyError:
        raise ValueError(f"kind has to be one of {sorted(known)}, not {kind!r}") from None
    index = torch.arange(length)
    return (index.unsqueeze(1) >= index) | (index < seen_by_all)


def shift_right(ids, start_id, pad_id=0):
    rolled = torch.roll(ids, shifts=1, dims=-1)
    first = torch.arange(ids.shape[-1], device=ids.device) == 0
    return torch.where(first, start_id, torch.where(rolled.eq(-100), pad_id, rolled))


def span_corruption(ids, starts, lengths, first_sentinel):
    free = 0
    for start, length in zip(starts, lengths):
        if not free <= start <= start + length <= ids.numel():
            raise ValueError(f"starts={starts.tolist()} with lengths={lengths.tolist()}")
        free = start + length
    change = torch.zeros(ids.numel() + 1, dtype=torch.int64)
    change.index_add_(0, starts.long(), torch.ones(len(starts), dtype=torch.int64))
    change.index_add_(0, (starts + lengths).long(), -torch.ones(len(starts), dtype=torch.int64))
    in_span = change.cumsum(0)[:-1] > 0
    begins = torch.zeros(ids.numel(), dtype=torch.bool)
    begins[starts.long()] = True
    number = begins.cumsum(0) - 1
    inputs = torch.where(begins, first_sentinel - number, ids)[~in_span | begins]
    doubled = torch.stack([first_sentinel - number, ids.long()], dim=1)
    targets = doubled[torch.stack([begins, in_span], dim=1)]
    return inputs.long(), torch.cat([targets, torch.tensor([first_sentinel - len(starts)])])


def relative_position_bucket(relative, bidirectional, num_buckets=32, max_distance=128):
    side = num_buckets // (1 + bool(bidirectional))
    near = side // 2
    distance = relative.abs().masked_fill(torch.logical_and(relative > 0, torch.tensor(not bidirectional)), 0)
    scale = (side - near) / math.log(max_distance / near)
    far = (near + scale * torch.log(distance.clamp(min=near).float() / near)).floor().to(torch.int64)
    bucket = distance.clone()
    bucket[distance >= near] = far.clamp(max=side - 1)[distance >= near]
    if bidirectional:
        bucket[relative > 0] += side
    return bucket


class CrossDecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.self_attention, self.cross_attention = (MultiHeadAttention(d_model, num_heads) for _ in range(2))
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2, self.norm3 = [nn.LayerNorm(d_model, eps=1e-5) for _ in range(3)]
        self.dropout1, self.dropout2, self.dropout3 = [nn.Dropout(dropout) for _ in range(3)]

    def forward(self, x, memory, memory_mask=None):
        mask = memory_mask.unsqueeze(1).unsqueeze(1) if memory_mask is not None else memory_mask
        causal = torch.ones(1, 1, x.size(1), x.size(1), device=x.device).tril().bool()
        sub_layers = (
            (self.norm1, self.dropout1, lambda q: self.self_attention(q, q, q, mask=causal)[0]),
            (self.norm2, self.dropout2, lambda q: self.cross_attention(q, memory, memory, mask=mask)[0]),
            (self.norm3, self.dropout3, self.feed_forward),
        )
        for norm, dropout, sub_layer in sub_layers:
            x = x + dropout(sub_layer(norm(x)))
        return x


class EncoderDecoder(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_encoder_layers, num_decoder_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        sizes = d_model, num_heads, d_ff, dropout
        self.token = TokenEmbedding(vocab_size, d_model)
        for side, kind, layers in (("source", TransformerBlock, num_encoder_layers), ("target", CrossDecoderBlock, num_decoder_layers)):
            stack = "encoder" if side == "source" else "decoder"
            self.add_module(f"{side}_position", nn.Embedding(max_len, d_model))
            self.add_module(stack, nn.ModuleList(kind(*sizes) for _ in range(layers)))
            self.add_module(f"{stack}_norm", nn.LayerNorm(d_model))

    def run(self, name, ids, position, blocks, norm, *context):
        if ids.size(1) > position.num_embeddings:
            raise ValueError(f"{name} has more tokens than the model has places")
        x = self.token(ids) + position(torch.arange(ids.size(1), device=ids.device)).unsqueeze(0)
        for block in blocks:
            x = block(x, *context)
        return norm(x)

    def encode(self, source, source_mask=None):
        mask = None if source_mask is None else source_mask[:, None, None]
        return self.run("source", source, self.source_position, self.encoder, self.encoder_norm, mask)

    def decode(self, target_inputs, memory, memory_mask=None):
        hidden = self.run("target_inputs", target_inputs, self.target_position, self.decoder, self.decoder_norm, memory, memory_mask)
        return torch.einsum("bld,vd->blv", hidden, self.token.weight)

    def forward(self, source, target_inputs, source_mask=None):
        return self.decode(target_inputs, self.encode(source, source_mask), source_mask)

"""Lists and loops: token by token, text by text, head by head."""


def attention_pattern(kind, length, prefix=0):
    if kind not in {"encoder", "decoder", "prefix"}:
        raise ValueError("kind must be encoder, decoder or prefix")
    rows = []
    for i in range(length):
        row = []
        for j in range(length):
            if kind == "encoder":
                row.append(True)
            elif kind == "prefix" and j < prefix:
                row.append(True)
            else:
                row.append(j <= i)
        rows.append(row)
    return torch.tensor(rows, dtype=torch.bool).reshape(length, length)


def shift_right(ids, start_id, pad_id=0):
    result = torch.empty_like(ids)
    length = ids.shape[-1]
    for place in range(length):
        before = ids[..., place - 1] if place else torch.full(ids.shape[:-1], start_id, dtype=ids.dtype, device=ids.device)
        result[..., place] = before
    result[result == -100] = pad_id
    return result


def span_corruption(ids, starts, lengths, first_sentinel):
    span_of = {}
    for i, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist())):
        for place in range(start, start + length):
            if place in span_of or not 0 <= place < len(ids) or any(other > place for other in span_of):
                raise ValueError("starts: these spans cannot be cut out")
            span_of[place] = i
    inputs, targets, last = [], [], None
    for place, token in enumerate(ids.tolist()):
        number = span_of.get(place)
        if number is None:
            inputs.append(token)
        else:
            if number != last:
                inputs.append(first_sentinel - number)
                targets.append(first_sentinel - number)
            targets.append(token)
        last = number
    targets.append(first_sentinel - len(starts))
    return torch.tensor(inputs, dtype=torch.int64), torch.tensor(targets, dtype=torch.int64)


def relative_position_bucket(relative, bidirectional, num_buckets=32, max_distance=128):
    per_side = num_buckets // 2 if bidirectional else num_buckets
    exact = per_side // 2

    def bucket(r):
        d = abs(r) if bidirectional else max(0, -r)
        upper = per_side if bidirectional and r > 0 else 0
        if d < exact:
            return upper + d
        more = int((math.log(d) - math.log(exact)) * (per_side - exact) / (math.log(max_distance) - math.log(exact)))
        return upper + min(per_side - 1, exact + more)

    return torch.tensor([bucket(r) for r in relative.flatten().tolist()], dtype=torch.int64).reshape(relative.shape)


class CrossDecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm3, self.norm2, self.norm1 = LayerNorm(d_model), LayerNorm(d_model), LayerNorm(d_model)
        self.self_attention = MultiHeadAttention(d_model, num_heads)

    def forward(self, x, memory, memory_mask=None):
        texts = []
        for b in range(x.shape[0]):
            target, source = x[b : b + 1], memory[b : b + 1]
            rows = [torch.arange(x.shape[1], device=x.device) <= i for i in range(x.shape[1])]
            causal = torch.stack(rows) if rows else torch.ones(0, 0, dtype=torch.bool, device=x.device)
            normed = self.norm1(target)
            target = target + self.dropout(self.self_attention(normed, normed, normed, causal)[0])
            mask = None
            if memory_mask is not None:
                if memory_mask.dtype != torch.bool:
                    raise ValueError("memory_mask is not bool")
                if memory_mask.shape[0] not in (1, x.shape[0]):
                    raise ValueError("memory_mask is of another number of texts")
                mask = memory_mask[b if memory_mask.shape[0] > 1 else 0][None, None]
            target = target + self.dropout(self.cross_attention(self.norm2(target), source, source, mask)[0])
            texts.append(target + self.dropout(self.feed_forward(self.norm3(target))))
        return torch.cat(texts) if texts else x.clone()


class EncoderDecoder(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_encoder_layers, num_decoder_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.decoder_norm, self.encoder_norm = LayerNorm(d_model), LayerNorm(d_model)
        self.decoder, self.encoder = nn.ModuleList(), nn.ModuleList()
        for _ in range(num_decoder_layers):
            self.decoder.append(CrossDecoderBlock(d_model, num_heads, d_ff, dropout))
        for _ in range(num_encoder_layers):
            self.encoder.append(TransformerBlock(d_model, num_heads, d_ff, dropout))
        self.target_position, self.source_position = nn.Embedding(max_len, d_model), nn.Embedding(max_len, d_model)
        self.token = TokenEmbedding(vocab_size, d_model)

    def rows(self, ids, table, name):
        if ids.shape[1] > len(table.weight):
            raise ValueError(f"{name}: at most {len(table.weight)} tokens")
        return self.token(ids) + table.weight[None, : ids.shape[1]]

    def encode(self, source, source_mask=None):
        x = self.rows(source, self.source_position, "source")
        for i in range(len(self.encoder)):
            x = self.encoder[i](x, source_mask if source_mask is None else source_mask.unsqueeze(-2))
        return self.encoder_norm(x)

    def decode(self, target_inputs, memory, memory_mask=None):
        x = self.rows(target_inputs, self.target_position, "target_inputs")
        for i in range(len(self.decoder)):
            x = self.decoder[i](x, memory, memory_mask)
        return self.token.logits(self.decoder_norm(x))

    def forward(self, source, target_inputs, source_mask=None):
        memory = self.encode(source, source_mask)
        return self.decode(target_inputs, memory, source_mask)

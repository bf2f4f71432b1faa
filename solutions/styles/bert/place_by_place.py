"""Loops over places and texts, and layers that are wired by hand from the block's parts."""


class BertEmbeddings(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, type_vocab_size=2, dropout=0.0):
        super().__init__()
        self.max_len = max_len
        self.word = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.token_type = nn.Embedding(type_vocab_size, d_model)
        self.norm = LayerNorm(d_model, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids, token_types=None):
        if ids.shape[1] > self.max_len:
            raise ValueError("max_len is less than the length of ids")
        columns = []
        for place in range(ids.shape[1]):
            kind = self.token_type.weight[0] if token_types is None else self.token_type(token_types[:, place])
            columns.append(self.word(ids[:, place]) + self.position.weight[place] + kind)
        empty = self.word(ids)
        x = torch.stack(columns, dim=1) if columns else empty
        return self.dropout(self.norm(x))


class PostNorm(TransformerBlock):
    def __init__(self, *sizes, dropout):
        super().__init__(*sizes, dropout=dropout, norm_first=False)
        d_model = sizes[0]
        self.norm1 = LayerNorm(d_model, eps=1e-12)
        self.norm2 = LayerNorm(d_model, eps=1e-12)

    def forward(self, x, mask=None):
        heard, _ = self.attention(x, x, x, mask)
        a = self.norm1(x + self.dropout(heard))
        return self.norm2(a + self.dropout(self.feed_forward(a)))


class Bert(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.embeddings = BertEmbeddings(vocab_size, max_len, d_model, dropout=dropout)
        self.layers = nn.ModuleList([PostNorm(d_model, num_heads, d_ff, dropout=dropout) for _ in range(num_layers)])
        self.pooler = nn.Linear(d_model, d_model)

    def forward(self, ids, attention_mask=None, token_types=None):
        batch, length = ids.shape
        mask = None
        if attention_mask is not None:
            fits = attention_mask.dim() == 2 and attention_mask.size(0) in (1, batch) and attention_mask.size(1) in (1, length)
            if attention_mask.dtype != torch.bool or not fits:
                raise ValueError(f"attention_mask has to be bool ({batch}, {length})")
            mask = attention_mask.repeat(batch // attention_mask.size(0) if batch else 1, length // attention_mask.size(1))
            mask = mask.reshape(-1, 1, 1, length)
        x = self.embeddings(ids, token_types=token_types)
        for block in self.layers:
            x = block(x, mask)
        if not batch:
            return x, torch.tanh(self.pooler(x[:, 0]))
        return x, torch.stack([self.pooler(text[0]).tanh() for text in x])


class MaskedLanguageHead(nn.Module):
    def __init__(self, embeddings):
        super().__init__()
        self.shared = embeddings
        d_model = embeddings.word.weight.size(1)
        self.dense = nn.Linear(d_model, d_model)
        self.norm = LayerNorm(d_model, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(embeddings.word.weight.size(0)))

    def forward(self, hidden):
        x = self.norm(F.gelu(self.dense(hidden)))
        table = self.shared.word.weight
        return torch.cat([x @ table[v : v + 1].T + self.bias[v] for v in range(table.shape[0])], dim=-1)


class SequenceClassifier(nn.Module):
    def __init__(self, bert, num_classes, dropout=0.0):
        super().__init__()
        self.bert = bert
        self.head = nn.Dropout(dropout)
        self.linear = nn.Linear(bert.embeddings.word.embedding_dim, num_classes)

    def forward(self, ids, attention_mask=None, token_types=None):
        hidden, pooled = self.bert(ids, attention_mask, token_types)
        return F.linear(self.head(pooled), self.linear.weight, self.linear.bias)


def load_bert(model, weights):
    if "embeddings.word_embeddings.weight" in weights:
        given = dict(weights)
    else:
        given = {name[5:]: each for name, each in weights.items() if name.startswith("bert.")}
    for name in list(given):
        given[name.replace(".gamma", ".weight").replace(".beta", ".bias")] = given[name]
    wanted = {}
    for name in ("word", "position", "token_type"):
        wanted[f"embeddings.{name}_embeddings.weight"] = getattr(model.embeddings, name).weight
    parts = {"embeddings.LayerNorm": model.embeddings.norm, "pooler.dense": model.pooler}
    for i, block in enumerate(model.layers):
        here = f"encoder.layer.{i}."
        for theirs, ours in zip(("query", "key", "value"), ("q_proj", "k_proj", "v_proj")):
            parts[here + "attention.self." + theirs] = getattr(block.attention, ours)
        parts[here + "attention.output.dense"] = block.attention.out_proj
        parts[here + "attention.output.LayerNorm"] = block.norm1
        parts[here + "intermediate.dense"] = block.feed_forward.linear1
        parts[here + "output.dense"] = block.feed_forward.linear2
        parts[here + "output.LayerNorm"] = block.norm2
    for name, part in parts.items():
        wanted[name + ".weight"], wanted[name + ".bias"] = part.weight, part.bias
    missing = sorted(wanted.keys() - given.keys())
    wrong = [name for name in wanted if name in given and given[name].shape != wanted[name].shape]
    if missing or wrong:
        raise ValueError(f"weights: missing {missing}, of another shape {wrong}")
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(given[name])

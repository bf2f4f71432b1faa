"""In float64 inside where it can be, and rounded to the parameters' dtype at the end."""


class BertEmbeddings(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, type_vocab_size=2, dropout=0.0):
        super().__init__()
        self.word, self.position, self.token_type = (
            nn.Embedding(size, d_model) for size in (vocab_size, max_len, type_vocab_size)
        )
        self.norm = LayerNorm(d_model, eps=1e-12)
        self.p = dropout

    def forward(self, ids, token_types=None):
        if ids.shape[1] > self.position.num_embeddings:
            raise ValueError(f"ids have {ids.shape[1]} places")
        dtype = self.word.weight.dtype
        if token_types is None:
            token_types = ids * 0
        places = torch.arange(self.position.num_embeddings, device=ids.device)[: ids.shape[1]]
        parts = (self.word(ids), self.position(places).expand(*ids.shape, -1), self.token_type(token_types))
        x = torch.stack(parts).to(torch.promote_types(dtype, torch.float32)).sum(dim=0)
        return F.dropout(self.norm(x).to(dtype), self.p, self.training)


class Bert(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.embeddings = BertEmbeddings(vocab_size, max_len, d_model, dropout=dropout)
        self.layers = nn.ModuleList()
        while len(self.layers) < num_layers:
            block = TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first=False)
            block.norm1, block.norm2 = LayerNorm(d_model, 1e-12), nn.LayerNorm(d_model, eps=1e-12)
            self.layers.append(block)
        self.pooler = nn.Linear(d_model, d_model)

    def heard(self, mask, ids):
        if mask is None:
            return torch.ones_like(ids, dtype=torch.bool)[:, None]
        if mask.dtype != torch.bool:
            raise ValueError(f"attention_mask is {mask.dtype}")
        if mask.ndim != 2:
            raise ValueError(f"the mask has {mask.ndim} axes")
        try:
            return (mask & torch.ones_like(ids, dtype=torch.bool)).view(ids.shape[0], 1, ids.shape[1])
        except RuntimeError as error:
            raise ValueError(f"the mask does not fit: {error}") from error

    def forward(self, ids, attention_mask=None, token_types=None):
        mask = self.heard(attention_mask, ids)
        x = self.embeddings(ids, token_types)
        for i in range(len(self.layers)):
            x = self.layers[i](x, mask)
        first = self.pooler(x.narrow(1, 0, 1).squeeze(1))
        return x, torch.tanh(first.to(torch.promote_types(x.dtype, torch.float32))).to(x.dtype)


class MaskedLanguageHead(nn.Module):
    def __init__(self, embeddings):
        super().__init__()
        self.__dict__["of"] = embeddings
        vocab, width = embeddings.word.num_embeddings, embeddings.word.embedding_dim
        self.dense = nn.Linear(width, width)
        self.norm = LayerNorm(width, 1e-12)
        self.bias = nn.Parameter(self.dense.weight.new_zeros(vocab))

    def forward(self, hidden):
        x = self.dense(hidden)
        wide = torch.promote_types(x.dtype, torch.float32)
        x = self.norm(F.gelu(x.to(wide))).to(wide)
        return (x @ self.of.word.weight.to(wide).mT + self.bias.to(wide)).to(hidden.dtype)


class SequenceClassifier(nn.Module):
    def __init__(self, bert, num_classes, dropout=0.0):
        super().__init__()
        self.bert = bert
        self.linear = nn.Linear(bert.pooler.bias.numel(), num_classes)
        self.before = nn.Dropout(dropout)

    def forward(self, ids, attention_mask=None, token_types=None):
        pooled = self.bert(ids, token_types=token_types, attention_mask=attention_mask)[-1]
        pooled = self.before(pooled)
        return pooled @ self.linear.weight.T + self.linear.bias


class Missing(ValueError):
    pass


def load_bert(model, weights):
    def take(name, parameter):
        kinds = [name]
        if "LayerNorm" in name:
            kinds.append(name[: -len("weight")] + "gamma" if name.endswith("weight") else name[: -len("bias")] + "beta")
        for start in ("", "bert."):
            for kind in kinds:
                try:
                    each = weights[start + kind]
                except KeyError:
                    continue
                if each.shape == parameter.shape:
                    return parameter, each.detach().clone()
                raise Missing(f"weights: shape of {start + kind}")
        raise Missing(f"weights: no {name}")

    plans = [take(f"embeddings.{n}_embeddings.weight", getattr(model.embeddings, n).weight) for n in ("word", "position", "token_type")]
    linears = [("embeddings.LayerNorm", model.embeddings.norm), ("pooler.dense", model.pooler)]
    for i in range(len(model.layers)):
        block, start = model.layers[i], f"encoder.layer.{i}"
        a, f = block.attention, block.feed_forward
        linears += [(f"{start}.attention.self.query", a.q_proj), (f"{start}.attention.self.key", a.k_proj)]
        linears += [(f"{start}.attention.self.value", a.v_proj), (f"{start}.attention.output.dense", a.out_proj)]
        linears += [(f"{start}.attention.output.LayerNorm", block.norm1), (f"{start}.output.LayerNorm", block.norm2)]
        linears += [(f"{start}.intermediate.dense", f.linear1), (f"{start}.output.dense", f.linear2)]
    for name, layer in linears:
        plans += [take(f"{name}.weight", layer.weight), take(f"{name}.bias", layer.bias)]
    for parameter, numbers in plans:
        parameter.data.copy_(numbers)

"""Tables by one-hot rows and einsum, and its own attention in the blocks' place of a call."""


def rows(table, ids):
    return torch.einsum("...v,vd->...d", F.one_hot(ids, table.shape[0]).to(table.dtype), table)


class BertEmbeddings(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, type_vocab_size=2, dropout=0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(d_model, eps=1e-12)
        self.token_type = nn.Embedding(type_vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.word = nn.Embedding(vocab_size, d_model)

    def forward(self, ids, token_types=None):
        _, length = ids.shape
        if not length <= len(self.position.weight):
            raise ValueError("too many ids")
        x = rows(self.word.weight, ids) + self.position.weight[None, :length]
        if token_types is None:
            x = x + self.token_type.weight[0]
        else:
            x = x + rows(self.token_type.weight, token_types)
        return self.dropout(self.norm(x))


class Bert(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.pooler = nn.Linear(d_model, d_model)
        self.layers = nn.ModuleList(self.layer(d_model, num_heads, d_ff, dropout) for _ in range(num_layers))
        self.embeddings = BertEmbeddings(vocab_size, max_len, d_model, dropout=dropout)

    def layer(self, d_model, num_heads, d_ff, dropout):
        block = TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first=False)
        block.norm1.eps = block.norm2.eps = 1e-12
        return block

    def forward(self, ids, attention_mask=None, token_types=None):
        batch, length = ids.shape
        if attention_mask is None:
            mask = ids.new_ones(1, 1, 1, dtype=torch.bool)
        elif attention_mask.dtype != torch.bool or attention_mask.ndim > 2:
            raise ValueError(f"mask of {attention_mask.dtype}, shape {attention_mask.shape}")
        else:
            try:
                mask = torch.broadcast_to(attention_mask, (batch, length))
            except RuntimeError:
                raise ValueError("attention_mask does not broadcast") from None
            mask = mask.unsqueeze(1).expand(batch, length, length)
        x = self.embeddings(ids, token_types)
        for layer in self.layers:
            x = layer(x, mask)
        return x, torch.tanh(self.pooler(x[:, 0, :]))


class MaskedLanguageHead(nn.Module):
    def __init__(self, embeddings):
        super().__init__()
        width = embeddings.word.weight.shape[-1]
        # Looked up at each call, without a name of its own among the parameters.
        self.look_up = lambda: embeddings.word.weight
        self.bias = nn.Parameter(torch.zeros(embeddings.word.weight.shape[0]))
        self.norm = nn.LayerNorm(width, 1e-12)
        self.dense = nn.Linear(width, width)

    def forward(self, hidden):
        transformed = self.norm(F.gelu(self.dense(hidden), approximate="none"))
        return torch.einsum("bld,vd->blv", transformed, self.look_up()) + self.bias


class SequenceClassifier(nn.Module):
    def __init__(self, bert, num_classes, dropout=0.0):
        super().__init__()
        self.linear = nn.Linear(bert.pooler.weight.shape[0], num_classes)
        self.rate = dropout
        self.bert = bert

    def forward(self, *given, **named):
        _, pooled = self.bert(*given, **named)
        return self.linear(F.dropout(pooled, self.rate, training=self.training))


def load_bert(model, weights):
    names = {"word": "word_embeddings", "position": "position_embeddings", "token_type": "token_type_embeddings"}
    names |= {"norm": "LayerNorm", "pooler": "pooler.dense", "norm1": "attention.output.LayerNorm", "norm2": "output.LayerNorm"}
    names |= {"attention.q_proj": "attention.self.query", "attention.k_proj": "attention.self.key"}
    names |= {"attention.v_proj": "attention.self.value", "attention.out_proj": "attention.output.dense"}
    names |= {"feed_forward.linear1": "intermediate.dense", "feed_forward.linear2": "output.dense"}
    numbers = {}
    for own, parameter in model.named_parameters():
        part, kind = own.rsplit(".", 1)
        if part.startswith("layers."):
            _, number, part = part.split(".", 2)
            before = f"encoder.layer.{number}."
        else:
            before, part = ("embeddings.", part.removeprefix("embeddings.")) if part.startswith("embeddings.") else ("", part)
        old = {"weight": "gamma", "bias": "beta"}[kind] if "norm" in part else kind
        tried = [f"{start}{before}{names[part]}.{end}" for start in ("", "bert.") for end in (kind, old)]
        there = [name for name in tried if name in weights]
        if not there or weights[there[0]].size() != parameter.size():
            raise ValueError("weights cannot be used for " + own)
        numbers[own] = weights[there[0]]
    with torch.no_grad():
        for own, parameter in model.named_parameters():
            parameter[...] = numbers[own].to(parameter.dtype)

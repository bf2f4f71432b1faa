"""As in the published code: index tables as arange rows, views by name, a list of assignments."""


class BertEmbeddings(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, type_vocab_size=2, dropout=0.0):
        super().__init__()
        self.word = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.token_type = nn.Embedding(type_vocab_size, d_model)
        self.norm = LayerNorm(d_model, 1e-12)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("position_ids", torch.arange(max_len).expand((1, -1)), persistent=False)

    def forward(self, ids, token_types=None):
        seq_length = ids.size()[1]
        if seq_length > self.position_ids.size(1):
            raise ValueError(f"ids: sequence of {seq_length} is longer than {self.position_ids.size(1)}")
        position_ids = self.position_ids[:, :seq_length]
        if token_types is None:
            token_types = torch.zeros(ids.size(), dtype=torch.long, device=ids.device)
        embeddings = self.word(ids) + self.token_type(token_types)
        embeddings += self.position(position_ids)
        return self.dropout(self.norm(embeddings))


class Bert(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.embeddings = BertEmbeddings(vocab_size, max_len, d_model, dropout=dropout)
        self.layers = nn.ModuleList(
            [TransformerBlock(d_model, num_heads, d_ff, dropout=dropout, norm_first=False) for _ in range(num_layers)]
        )
        for layer in self.layers:
            layer.norm1 = LayerNorm(d_model, 1e-12)
            layer.norm2 = LayerNorm(d_model, 1e-12)
        self.pooler = nn.Linear(d_model, d_model)
        self.activation = nn.Tanh()

    def forward(self, ids, attention_mask=None, token_types=None):
        extended = None
        if attention_mask is not None:
            if attention_mask.dtype != torch.bool:
                raise ValueError("the mask has to be bool")
            if attention_mask.dim() != 2:
                raise ValueError("wrong shape for attention_mask")
            # The block looks at the sizes itself.
            extended = attention_mask[:, None, None, :]
            if len(self.layers) == 0:
                attention_mask.expand(ids.shape)
        hidden_states = self.embeddings(ids, token_types)
        for layer_module in self.layers:
            hidden_states = layer_module(hidden_states, extended)
        pooled_output = self.activation(self.pooler(hidden_states[:, 0]))
        return hidden_states, pooled_output


class PredictionHeadTransform(nn.Module):
    pass


class MaskedLanguageHead(nn.Module):
    def __init__(self, embeddings):
        super().__init__()
        self.embeddings = embeddings
        hidden_size = embeddings.norm.weight.size(0)
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.norm = LayerNorm(hidden_size, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(embeddings.word.num_embeddings))

    def gelu(self, x):
        return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))

    def forward(self, hidden):
        hidden = self.dense(hidden)
        hidden = self.gelu(hidden)
        hidden = self.norm(hidden)
        return F.linear(hidden, self.embeddings.word.weight) + self.bias


class SequenceClassifier(nn.Module):
    def __init__(self, bert, num_classes, dropout=0.0):
        super().__init__()
        self.num_labels = num_classes
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(bert.pooler.in_features, num_classes)

    def forward(self, ids, attention_mask=None, token_types=None):
        outputs = self.bert(ids, attention_mask=attention_mask, token_types=token_types)
        pooled_output = outputs[1]
        pooled_output = self.dropout(pooled_output)
        return self.linear(pooled_output)


def load_bert(model, weights):
    start = "bert." if any(key.startswith("bert.") for key in weights.keys()) else ""
    pairs = [
        (model.embeddings.word.weight, "embeddings.word_embeddings.weight"),
        (model.embeddings.position.weight, "embeddings.position_embeddings.weight"),
        (model.embeddings.token_type.weight, "embeddings.token_type_embeddings.weight"),
        (model.embeddings.norm.weight, "embeddings.LayerNorm.weight"),
        (model.embeddings.norm.bias, "embeddings.LayerNorm.bias"),
        (model.pooler.weight, "pooler.dense.weight"),
        (model.pooler.bias, "pooler.dense.bias"),
    ]
    for i, layer in enumerate(model.layers):
        key = f"encoder.layer.{i}."
        for module, theirs in (
            (layer.attention.q_proj, "attention.self.query"),
            (layer.attention.k_proj, "attention.self.key"),
            (layer.attention.v_proj, "attention.self.value"),
            (layer.attention.out_proj, "attention.output.dense"),
            (layer.norm1, "attention.output.LayerNorm"),
            (layer.feed_forward.linear1, "intermediate.dense"),
            (layer.feed_forward.linear2, "output.dense"),
            (layer.norm2, "output.LayerNorm"),
        ):
            pairs.append((module.weight, key + theirs + ".weight"))
            pairs.append((module.bias, key + theirs + ".bias"))
    arrays = []
    for param, name in pairs:
        full = start + name
        if full not in weights:
            full = full.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        if full not in weights:
            raise ValueError(f"weights: {full} missing")
        if list(weights[full].shape) != list(param.shape):
            raise ValueError(f"weights: {full} has the wrong shape")
        arrays.append(weights[full])
    for (param, _), array in zip(pairs, arrays):
        param.data.copy_(array.data)

class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def normalise(self, row):
        mean = row.sum() / len(row)
        deviations = row - mean
        variance = deviations.dot(deviations) / len(row)
        return deviations / (variance + self.eps).sqrt() * self.weight + self.bias

    def forward(self, x):
        if x.numel() == 0:
            return x * self.weight + self.bias
        rows = x.reshape(-1, x.shape[-1])
        return torch.stack([self.normalise(row) for row in rows]).reshape(x.shape)

def transformer_parameter_count(
    vocab_size, max_len, d_model, num_layers, d_ff, *, type_vocab_size=0, pooler=False
):
    with torch.device("meta"):
        parts = [nn.Embedding(n, d_model) for n in (vocab_size, max_len, type_vocab_size)]
        parts += [LayerNorm(d_model), nn.Linear(d_model, d_model) if pooler else nn.Identity()]
        block = TransformerBlock(d_model, 1, d_ff)
    per_block = sum(p.numel() for p in block.parameters())
    return sum(p.numel() for m in parts for p in m.parameters()) + num_layers * per_block

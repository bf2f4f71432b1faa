class LearnedPositionalEmbedding(nn.Module):
    def __init__(self, d_model, max_len):
        super().__init__()
        self.embedding = nn.Embedding(num_embeddings=max_len, embedding_dim=d_model)

    def forward(self, x, offset=0):
        if offset < 0:
            raise ValueError("offset: not below 0")
        # Indices on the CPU are fine in brackets, whatever the device of the weight.
        positions = torch.arange(offset, offset + x.shape[-2])
        if (positions >= self.embedding.num_embeddings).any():
            raise ValueError("x: past the last row")
        return x + self.embedding.weight[positions].to(x)

class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5_000, dropout=0.0, base=10_000.0):
        super().__init__()
        table = sinusoidal_encoding(max_len, d_model, base)
        self.register_buffer("encoding", table, persistent=False)
        self.drop = nn.Dropout(dropout)
        self.most = max_len

    def forward(self, x, offset=0):
        if offset < 0:
            raise ValueError("offset: not below 0")
        positions = [offset + place for place in range(x.shape[-2])]
        if any(position >= self.most for position in positions):
            raise ValueError("x: past the last row")
        return self.drop(x.clone().add_(self.encoding[positions]))

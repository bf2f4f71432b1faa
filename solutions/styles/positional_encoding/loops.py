import math

def sinusoidal_encoding(seq_len: int, d_model: int, base: float = 10_000.0) -> Tensor:
    if d_model % 2 == 1:
        raise ValueError("d_model has to be even")
    table = []
    for pos in range(seq_len):
        row = []
        for i in range(0, d_model, 2):
            angle = pos / base ** (i / d_model)
            row += [math.sin(angle), math.cos(angle)]
        table.append(row)
    return torch.tensor(table).reshape(seq_len, d_model)

class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5_000, dropout=0.0, base=10_000.0):
        super().__init__()
        self.p = dropout
        self.max_len = max_len
        self.register_buffer("encoding", sinusoidal_encoding(max_len, d_model, base), False)

    def forward(self, x, offset=0):
        length = x.size(-2)
        if offset < 0 or offset + length > self.max_len:
            raise ValueError("x or offset leads out of the table")
        rows = []
        for place in range(length):
            rows.append(x[..., place, :] + self.encoding[offset + place].to(x))
        out = torch.stack(rows, dim=-2) if rows else x.clone()
        return torch.nn.functional.dropout(out, self.p, self.training)

def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
    rows = [[0.0] * d_model for _ in range(d_model)]
    for i in range(0, d_model, 2):
        angle = offset / base ** (i / d_model)
        c, s = math.cos(angle), math.sin(angle)
        rows[i][i], rows[i][i + 1] = c, s
        rows[i + 1][i], rows[i + 1][i + 1] = -s, c
    return torch.tensor(rows, dtype=torch.float64)

class LearnedPositionalEmbedding(nn.Module):
    def __init__(self, d_model, max_len):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)
        self.max_len = max_len

    def forward(self, x, offset=0):
        length = x.size(-2)
        if offset < 0:
            raise ValueError("offset < 0")
        if offset + length > self.max_len:
            raise ValueError("x is too long")
        rows = [x[..., i, :] + self.embedding.weight[offset + i].to(x.dtype) for i in range(length)]
        return torch.stack(rows, dim=-2) if rows else x.clone()

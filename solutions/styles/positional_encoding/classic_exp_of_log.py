import math

def sinusoidal_encoding(seq_len: int, d_model: int, base: float = 10_000.0) -> Tensor:
    if d_model % 2 != 0:
        raise ValueError("d_model must be even")
    pe = torch.zeros(seq_len, d_model, dtype=torch.float64)
    position = torch.arange(0, seq_len, dtype=torch.float64).unsqueeze(1)
    div_term = torch.exp(
        torch.arange(0, d_model, 2, dtype=torch.float64) * (-math.log(base) / d_model)
    )
    pe[:, 0::2] = torch.sin(position * div_term)
    pe[:, 1::2] = torch.cos(position * div_term)
    return pe.to(torch.float32)

class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5_000, dropout=0.0, base=10_000.0):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = sinusoidal_encoding(max_len, d_model, base)
        self.register_buffer("encoding", pe, persistent=False)

    def forward(self, x, offset=0):
        n = x.size(-2)
        if offset < 0:
            raise ValueError("offset must be >= 0")
        if offset + n > self.encoding.size(0):
            raise ValueError("x has more positions than max_len")
        x = x + self.encoding.narrow(0, offset, n).to(dtype=x.dtype, device=x.device)
        return self.dropout(x)

def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
    div_term = torch.exp(
        torch.arange(0, d_model, 2, dtype=torch.float64) * (-math.log(base) / d_model)
    )
    angle = offset * div_term
    M = torch.diag(torch.repeat_interleave(torch.cos(angle), 2))
    M[0::2, 1::2] += torch.diag(torch.sin(angle))
    M[1::2, 0::2] -= torch.diag(torch.sin(angle))
    return M

class LearnedPositionalEmbedding(nn.Module):
    def __init__(self, d_model, max_len):
        super().__init__()
        self.max_len = max_len
        self.embedding = nn.Embedding(max_len, d_model)

    def forward(self, x, offset=0):
        n = x.size(-2)
        if offset < 0:
            raise ValueError("offset must be >= 0")
        if offset + n > self.max_len:
            raise ValueError("x has more positions than max_len")
        pos = torch.arange(n).to(x.device) + offset
        return x + self.embedding(pos).type_as(x)

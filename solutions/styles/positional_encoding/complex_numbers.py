def _turns(count, d_model, base):
    """exp(i * angle) of every pair: the real part is the cosine, the imaginary one the sine."""
    speed = torch.pow(torch.tensor(base, dtype=torch.float64),
                      torch.arange(0, d_model, 2, dtype=torch.float64).div(d_model).neg())
    angle = torch.outer(count.double(), speed)
    return torch.polar(torch.ones_like(angle), angle)

def sinusoidal_encoding(seq_len: int, d_model: int, base: float = 10_000.0) -> Tensor:
    if d_model & 1:
        raise ValueError(f"d_model={d_model} is odd")
    turns = _turns(torch.arange(seq_len), d_model, base)
    return torch.view_as_real(turns).flip(-1).reshape(seq_len, d_model).to(torch.float32)

class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5_000, dropout=0.0, base=10_000.0):
        super().__init__()
        self.drop = nn.Dropout(p=dropout)
        table = sinusoidal_encoding(max_len, d_model, base)
        self.register_buffer("encoding", table, persistent=False)

    def forward(self, x, offset=0):
        if offset < 0:
            raise ValueError("offset is negative")
        if x.shape[-2] + offset > self.encoding.size(0):
            raise ValueError("x is longer than the table")
        positions = torch.arange(x.shape[-2], device=x.device) + offset
        total = x + self.encoding[positions]
        return self.drop(total.to(x.dtype))

def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
    blocks = []
    for turn in _turns(torch.tensor([offset]), d_model, base)[0]:
        blocks.append(torch.stack([turn.real, turn.imag, -turn.imag, turn.real]).reshape(2, 2))
    return torch.block_diag(*blocks)

class LearnedPositionalEmbedding(nn.Module):
    def __init__(self, d_model, max_len):
        super().__init__()
        self.embedding = nn.Embedding(max_len, d_model)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, x, offset=0):
        if offset < 0:
            raise ValueError("offset is negative")
        positions = torch.arange(offset, offset + x.shape[-2], device=x.device)
        if len(positions) and int(positions[-1]) >= self.embedding.num_embeddings:
            raise ValueError("x is longer than the table")
        return (x + self.embedding(positions)).to(x.dtype)

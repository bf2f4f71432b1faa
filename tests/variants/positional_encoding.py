"""Correct work on 04-positional-encoding in other styles."""

LOOPS = """
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
"""

COMPLEX = '''
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
'''

CLASSIC = """
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
"""

NUMPY = """
import numpy as np

def sinusoidal_encoding(seq_len: int, d_model: int, base: float = 10_000.0) -> Tensor:
    if d_model % 2:
        raise ValueError("an odd d_model")
    columns = np.arange(d_model)
    angles = np.arange(seq_len)[:, None] / np.power(base, 2 * (columns // 2) / d_model)
    table = np.where(columns % 2 == 0, np.sin(angles), np.cos(angles))
    return torch.from_numpy(table.astype(np.float32))

def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
    speed = np.power(base, -np.arange(0, d_model, 2) / d_model)
    c, s = np.cos(offset * speed), np.sin(offset * speed)
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    return torch.from_numpy(np.kron(np.diag(c), np.eye(2)) + np.kron(np.diag(s), turn))
"""

CONTAINERS = """
class _Weight(nn.Module):
    def __init__(self, rows, columns):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, columns).uniform_(-0.1, 0.1))

class LearnedPositionalEmbedding(nn.Module):
    def __init__(self, d_model, max_len):
        super().__init__()
        self.embedding = _Weight(max_len, d_model)

    def forward(self, x, offset=0):
        length, most = x.shape[-2], self.embedding.weight.shape[0]
        if offset < 0:
            raise ValueError("offset")
        if length > most - offset:
            raise ValueError("x")
        chosen = torch.nn.functional.one_hot(
            torch.arange(offset, offset + length, device=x.device), most
        ).to(self.embedding.weight.dtype)
        return x + (chosen @ self.embedding.weight).to(x.dtype)

class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5_000, dropout=0.0, base=10_000.0):
        super().__init__()
        self.keep = 1.0 - dropout
        self.register_buffer("encoding", torch.empty(0), persistent=False)
        self.encoding = sinusoidal_encoding(max_len, d_model, base)

    def forward(self, x, offset=0):
        if offset < 0:
            raise ValueError("offset must be 0 or more")
        stop = offset + x.shape[-2]
        if stop > self.encoding.shape[-2]:
            raise ValueError("x needs more rows")
        index = torch.arange(offset, stop, device=self.encoding.device)
        rows = self.encoding.index_select(0, index)
        total = (x.double() + rows.double().expand(x.shape)).to(x.dtype)
        if not self.training or self.keep == 1.0:
            return total
        if self.keep == 0.0:
            return torch.zeros_like(total)
        kept = torch.rand(total.shape, device=x.device) < self.keep
        return torch.where(kept, total / self.keep, torch.zeros_like(total))
"""

GENERATOR = '''
def sinusoidal_encoding(seq_len: int, d_model: int, base: float = 10_000.0) -> Tensor:
    """A cosine is a sine a quarter of a turn ahead; the speeds form a geometric series."""
    if d_model % 2:
        raise ValueError("d_model: even numbers only")
    last = -(d_model - 2) / d_model
    speeds = torch.logspace(0, last, d_model // 2, base=base, dtype=torch.float64)
    angle = torch.einsum("p,i->pi", torch.arange(seq_len).double(), speeds)
    quarter = torch.tensor([0.0, torch.pi / 2], dtype=torch.float64)
    return (angle[..., None] + quarter).sin().reshape(seq_len, d_model).type(torch.float32)

def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
    """The exponential of `offset` times the generator of all turns."""
    generator = torch.zeros(d_model, d_model, dtype=torch.float64)
    for i in range(d_model // 2):
        generator[2 * i, 2 * i + 1] = base ** (-2 * i / d_model)
        generator[2 * i + 1, 2 * i] = -generator[2 * i, 2 * i + 1]
    return torch.linalg.matrix_exp(offset * generator)
'''

POWERS = '''
def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
    """One step, as often as wanted; the inverse of a turn is its transpose."""
    step = torch.zeros(d_model, d_model, dtype=torch.float64)
    for i in range(0, d_model, 2):
        speed = torch.tensor(base, dtype=torch.float64) ** (-i / d_model)
        step[i, i] = step[i + 1, i + 1] = torch.cos(speed)
        step[i, i + 1] = torch.sin(speed)
        step[i + 1, i] = -torch.sin(speed)
    return torch.linalg.matrix_power(step if offset >= 0 else step.T, abs(offset)).contiguous()
'''

PLAIN_INDICES = """
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
"""

VARIANTS: dict[str, str] = {
    "loops": LOOPS,
    "complex-numbers": COMPLEX,
    "classic-exp-of-log": CLASSIC,
    "numpy": NUMPY,
    "own-containers-and-one-hot": CONTAINERS,
    "generator-and-quarter-turns": GENERATOR,
    "powers-of-one-step": POWERS,
    "plain-indices": PLAIN_INDICES,
}

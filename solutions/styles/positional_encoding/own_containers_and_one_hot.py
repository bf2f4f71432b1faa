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

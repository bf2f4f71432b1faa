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

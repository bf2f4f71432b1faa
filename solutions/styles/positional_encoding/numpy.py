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

def shift_matrix(offset: int, d_model: int, base: float = 10_000.0) -> Tensor:
    """One step, as often as wanted; the inverse of a turn is its transpose."""
    step = torch.zeros(d_model, d_model, dtype=torch.float64)
    for i in range(0, d_model, 2):
        speed = torch.tensor(base, dtype=torch.float64) ** (-i / d_model)
        step[i, i] = step[i + 1, i + 1] = torch.cos(speed)
        step[i, i + 1] = torch.sin(speed)
        step[i + 1, i] = -torch.sin(speed)
    return torch.linalg.matrix_power(step if offset >= 0 else step.T, abs(offset)).contiguous()

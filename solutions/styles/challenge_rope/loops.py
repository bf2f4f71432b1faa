def rope_frequencies(head_dim, base=10_000.0):
    if head_dim % 2:
        raise ValueError(f"head_dim={head_dim} must be divisible by 2")
    return torch.tensor(
        [1 / base ** (2 * i / head_dim) for i in range(head_dim // 2)], dtype=torch.float32
    )


def apply_rope(x, positions, base=10_000.0):
    columns = []
    for i, frequency in enumerate(rope_frequencies(x.shape[-1], base).tolist()):
        angle = positions.to(torch.float64) * frequency
        a, b = x[..., 2 * i].double(), x[..., 2 * i + 1].double()
        columns.append(a * angle.cos() - b * angle.sin())
        columns.append(a * angle.sin() + b * angle.cos())
    return torch.stack(columns, dim=-1).to(x.dtype)


def rope_half_to_interleaved(weight, num_heads):
    half = weight.shape[0] // num_heads // 2
    rows = [
        weight[head * 2 * half + part * half + i]
        for head in range(num_heads)
        for i in range(half)
        for part in range(2)
    ]
    return torch.stack(rows)


def rope_attention(query, key, value, positions, causal=True, base=10_000.0):
    q = apply_rope(query, positions, base)
    k = apply_rope(key, positions, base)
    scores = (q @ k.mT) / query.shape[-1] ** 0.5
    if causal:
        mask = torch.tril(torch.ones_like(scores, dtype=torch.bool))
        scores = scores.masked_fill(mask.logical_not(), float("-inf"))
    if scores.numel() == 0:
        return scores @ value
    weights = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    return (weights @ value) / weights.sum(dim=-1, keepdim=True)

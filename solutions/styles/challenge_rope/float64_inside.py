def rope_frequencies(head_dim, base=10_000.0):
    if head_dim % 2 == 1:
        raise ValueError(f"head_dim {head_dim} is odd")
    return torch.tensor([base ** (-2 * i / head_dim) for i in range(head_dim // 2)])


def apply_rope(x, positions, base=10_000.0):
    size = x.shape[-1]
    if size % 2:
        raise ValueError("the last size of x, head_dim, is odd")
    theta = torch.tensor(base, dtype=torch.float64) ** (
        -torch.arange(0, size, 2, dtype=torch.float64) / size
    )
    angles = positions.double().unsqueeze(-1) * theta
    a, b = x.double().unflatten(-1, (size // 2, 2)).unbind(-1)
    out = torch.empty(x.shape, dtype=torch.float64)
    out[..., ::2] = a * angles.cos() - b * angles.sin()
    out[..., 1::2] = a * angles.sin() + b * angles.cos()
    return out.to(x.dtype)


def rope_half_to_interleaved(weight, num_heads):
    blocks = []
    for block in weight.chunk(num_heads):
        first, second = block.chunk(2)
        blocks.append(torch.stack([first, second], dim=1).reshape(block.shape))
    return torch.cat(blocks)


def rope_attention(query, key, value, positions, causal=True, base=10_000.0):
    dtype = query.dtype
    q = apply_rope(query.double(), positions, base) / math.sqrt(query.shape[-1])
    k = apply_rope(key.double(), positions, base)
    scores = q @ k.transpose(-2, -1)
    if causal:
        length = query.size(-2)
        scores = scores + torch.full((length, length), -torch.inf).triu(1)
    return (scores.softmax(-1) @ value.double()).to(dtype)

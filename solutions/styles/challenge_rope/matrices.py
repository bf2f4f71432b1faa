def rope_frequencies(head_dim, base=10_000.0):
    if head_dim & 1:
        raise ValueError("head_dim: odd")
    return torch.logspace(0, -1, head_dim // 2 + 1, base=base, dtype=torch.float64)[:-1].float()


def apply_rope(x, positions, base=10_000.0):
    angles = positions.unsqueeze(-1) * rope_frequencies(x.size(-1), base)
    cos, sin = torch.cos(angles), torch.sin(angles)
    matrix = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    pairs = x.to(torch.promote_types(x.dtype, torch.float32)).unflatten(-1, (x.size(-1) // 2, 2))
    return (matrix.to(pairs.dtype) @ pairs[..., None]).flatten(-3).to(x.dtype)


def rope_half_to_interleaved(weight, num_heads):
    head_dim = weight.size(0) // num_heads
    out = torch.empty_like(weight)
    for head in range(num_heads):
        start = head * head_dim
        for i in range(head_dim // 2):
            out[start + 2 * i] = weight[start + i]
            out[start + 2 * i + 1] = weight[start + head_dim // 2 + i]
    return out


def rope_attention(query, key, value, positions, causal=True, base=10_000.0):
    q, k = apply_rope(torch.stack([query, key]), positions, base)
    outputs = []
    for i in range(query.shape[-2]):
        end = i + 1 if causal else query.shape[-2]
        scores = (q[..., i : i + 1, :] * k[..., :end, :]).sum(-1) / math.sqrt(query.shape[-1])
        outputs.append((torch.softmax(scores, -1)[..., None] * value[..., :end, :]).sum(-2))
    return torch.stack(outputs, dim=-2) if outputs else torch.zeros_like(value)

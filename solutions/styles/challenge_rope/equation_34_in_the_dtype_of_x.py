def rope_frequencies(head_dim, base=10_000.0):
    if head_dim % 2 != 0:
        raise ValueError("head_dim has to be even")
    exponent = torch.arange(0, head_dim, 2, dtype=torch.float32) * (-math.log(base) / head_dim)
    return exponent.exp()


def rotate_pairs(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).reshape(x.shape)


def apply_rope(x, positions, base=10_000.0):
    angles = torch.einsum("...l,e->...le", positions.float(), rope_frequencies(x.shape[-1], base))
    angles = torch.repeat_interleave(angles, 2, dim=-1)
    return x * angles.cos().to(x.dtype) + rotate_pairs(x) * angles.sin().to(x.dtype)


def rope_half_to_interleaved(weight, num_heads):
    heads = weight.unflatten(0, (num_heads, 2, -1))
    return torch.stack([heads[:, 0], heads[:, 1]], dim=2).flatten(0, 2)


def rope_attention(query, key, value, positions, causal=True, base=10_000.0):
    query = apply_rope(query * query.shape[-1] ** -0.5, positions, base)
    key = apply_rope(key, positions, base)
    scores = torch.matmul(query, key.mT).float()
    if causal:
        seen = torch.ones(scores.shape[-2:]).tril().bool()
        scores = scores.masked_fill(~seen, torch.finfo(torch.float32).min)
    return scores.softmax(dim=-1).to(value.dtype) @ value

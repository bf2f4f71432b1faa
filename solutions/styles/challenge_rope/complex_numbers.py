def rope_frequencies(head_dim: int, base: float = 10_000.0) -> Tensor:
    if head_dim % 2:
        raise ValueError("head_dim must be even")
    return 1.0 / (base ** (torch.arange(0, head_dim, 2).float() / head_dim))


def apply_rope(x, positions, base=10_000.0):
    angles = positions[..., None].float() * rope_frequencies(x.shape[-1], base)
    cis = torch.polar(torch.ones_like(angles), angles)
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    pairs = torch.view_as_complex(wide.reshape(*x.shape[:-1], x.shape[-1] // 2, 2).contiguous())
    return torch.view_as_real(pairs * cis).flatten(-2).type_as(x)


def rope_half_to_interleaved(weight, num_heads):
    head_dim = weight.shape[0] // num_heads
    order = torch.arange(weight.shape[0]).view(num_heads, 2, head_dim // 2).mT.flatten()
    return weight[order]


def rope_attention(query, key, value, positions, causal=True, base=10_000.0):
    q, k = (apply_rope(x, positions, base) for x in (query, key))
    scores = torch.einsum("...le,...se->...ls", q, k) * query.shape[-1] ** -0.5
    if causal:
        i = torch.arange(query.shape[-2])
        scores = torch.where(i[:, None] >= i, scores, float("-inf"))
    return torch.einsum("...ls,...se->...le", scores.softmax(-1), value)

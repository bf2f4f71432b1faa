def apply_rope(x, positions, base=10_000.0):
    size = x.shape[-1]
    angles = positions[..., None] * rope_frequencies(size, base)
    angles = torch.cat([angles, angles], dim=-1)
    halves = torch.cat([x[..., ::2], x[..., 1::2]], dim=-1)
    halves = halves.to(torch.promote_types(x.dtype, angles.dtype))
    first, second = halves.chunk(2, dim=-1)
    turned = halves * angles.cos() + torch.cat([-second, first], dim=-1) * angles.sin()
    back = torch.arange(size).reshape(2, size // 2).T.flatten()
    return turned[..., back].to(x.dtype)


def rope_half_to_interleaved(weight, num_heads):
    size = weight.shape[0] // num_heads
    within = [r // 2 + (size // 2) * (r % 2) for r in range(size)]
    order = [head * size + row for head in range(num_heads) for row in within]
    return weight.index_select(0, torch.tensor(order))


def rope_attention(query, key, value, positions, causal=True, base=10_000.0):
    wide = torch.promote_types(query.dtype, torch.float32)
    # Only distances count, so small positions do as well as large ones.
    near = positions - positions[..., :1] if positions.shape[-1] else positions
    q = apply_rope(query.to(wide), near, base)
    k = apply_rope(key.to(wide), near, base)
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if causal:
        scores.masked_fill_(torch.ones_like(scores).triu(1) == 1, -1e30)
    return (torch.softmax(scores, -1) @ value.to(wide)).to(value.dtype)

"""Correct work for challenge-rope in other styles."""

# Meta's Llama: complex numbers, and frequencies in float32 all the way.
COMPLEX = """
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
"""

# Everything in float64, rounded at the end.
DOUBLE = """
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
"""

# Equation (34): cosines and sines repeated for neighbours, in the dtype of x.
EQUATION_34 = """
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
"""

# One 2 x 2 rotation matrix for each word and pair.
MATRICES = """
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
"""

# Pair by pair, in a loop; softmax by hand.
LOOPS = """
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
"""

# Goes to split halves and back; 16-bit attention in float32; relative positions.
THROUGH_HALVES = """
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
"""

VARIANTS: dict[str, str] = {
    "complex-numbers": COMPLEX,
    "float64-inside": DOUBLE,
    "equation-34-in-the-dtype-of-x": EQUATION_34,
    "matrices": MATRICES,
    "loops": LOOPS,
    "through-halves": THROUGH_HALVES,
}

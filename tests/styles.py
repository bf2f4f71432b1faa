"""Known mistakes written in other styles than the reference's, and the name that each should get.

The mutants are the reference with a piece changed; students write everything anew.
"""

from __future__ import annotations

REFUSING_KEY = (
    'if key.shape[-1] != query.shape[-1]:\n        raise ValueError("key has another size")'
)
REFUSING_MASK = """if mask is not None and mask.dtype != torch.bool:
        raise ValueError("mask has to be bool")
    scores = torch.einsum("...le,...se->...ls", query, key) * query.shape[-1] ** -0.5
    if mask is not None:
        try:
            mask = torch.broadcast_to(mask, scores.shape)
        except RuntimeError:
            raise ValueError("mask does not fit") from None"""

# assignment, name (two with " + " between them, or none), definition
STYLES: list[tuple[str, str, str]] = [
    (
        "01-scaled-dot-product-attention",
        "no-scaling",
        f"""def attention_scores(query, key):
    {REFUSING_KEY}
    return torch.einsum("...le,...se->...ls", query, key)""",
    ),
    (
        "01-scaled-dot-product-attention",
        "divided-by-size",
        f"""def attention_scores(query, key):
    {REFUSING_KEY}
    size = query.size(-1)
    return torch.matmul(query / size, key.transpose(-2, -1))""",
    ),
    (
        "01-scaled-dot-product-attention",
        "softmax-over-queries",
        """def scaled_dot_product_attention(query, key, value):
    if value.size(-2) != key.size(-2):
        raise ValueError("value has another length")
    weights = attention_scores(query, key).softmax(-2)
    return torch.einsum("...ls,...se->...le", weights, value), weights""",
    ),
    (
        "01-scaled-dot-product-attention",
        "empty-slice-is-nan",
        """def softmax(x, axis=-1):
    x = np.asarray(x)
    if x.dtype.kind in "iub":
        x = x.astype("float64")
    if x.shape[axis] == 0:
        return x.copy()
    shifted = np.exp(x - np.max(x, axis, keepdims=True)) if x.size else x.copy()
    return shifted / np.sum(shifted, axis, keepdims=True)""",
    ),
    (
        "02-causal-masking",
        "aligned-top-left",
        """def causal_mask(query_len, key_len=None, device=None):
    key_len = query_len if key_len is None else key_len
    rows = torch.arange(query_len, device=device).unsqueeze(1)
    return torch.arange(key_len, device=device) <= rows""",
    ),
    (
        "02-causal-masking",
        "aligned-top-left + floats-returned",
        """def causal_mask(query_len, key_len=None, device=None):
    if key_len is None:
        key_len = query_len
    return torch.tril(torch.ones(query_len, key_len, device=device))""",
    ),
    (
        "02-causal-masking",
        "aligned-top-left + added-mask",
        """def causal_mask(query_len, key_len=None, device=None):
    if key_len is None:
        key_len = query_len
    ones = torch.full((query_len, key_len), float("-inf"), device=device)
    return torch.triu(ones, diagonal=1)""",
    ),
    (
        "02-causal-masking",
        "masked-attention-inverted",
        f"""def masked_attention(query, key, value, mask=None):
    {REFUSING_MASK}
        scores = torch.where(mask, float("-inf"), scores)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = torch.where(mask, torch.zeros_like(weights), weights)
    return torch.einsum("...ls,...se->...le", weights, value), weights""",
    ),
    (
        "03-multi-head-attention",
        "split-in-one-regrouping",
        """def split_heads(x, num_heads):
    *lead, length, width = x.size()
    if num_heads <= 0 or width % num_heads:
        raise ValueError("num_heads has to divide the width")
    return torch.reshape(x, (*lead, num_heads, length, width // num_heads))""",
    ),
    (
        "03-multi-head-attention",
        "split-in-one-view",
        """def split_heads(x, num_heads):
    *lead, length, width = x.size()
    if num_heads <= 0 or width % num_heads:
        raise ValueError("num_heads has to divide the width")
    return x.view(*lead, num_heads, length, width // num_heads)""",
    ),
    (
        "03-multi-head-attention",
        "dtype-or-sizes-split_heads",  # the code stops, as others do, but in one check only
        """def split_heads(x, num_heads):
    if num_heads <= 0 or x.size(-1) % num_heads:
        raise ValueError("num_heads has to divide the width")
    return x.view(*x.shape[:-1], num_heads, -1).transpose(-3, -2)""",
    ),
    (
        "03-multi-head-attention",
        "positions-before-heads-unknown-size",
        """def split_heads(x, num_heads):
    if num_heads <= 0 or x.size(-1) % num_heads:
        raise ValueError("num_heads has to divide the width")
    return x.view(*x.shape[:-1], num_heads, -1)""",
    ),
    (
        "03-multi-head-attention",
        "split-counts-from-the-front-unknown-size",
        """def split_heads(x, num_heads):
    if num_heads <= 0 or x.size(-1) % num_heads:
        raise ValueError("num_heads has to divide the width")
    return x.view(*x.shape[:-1], num_heads, -1).transpose(1, 2)""",
    ),
    (
        "03-multi-head-attention",
        "split-in-one-view-unknown-size",
        """def split_heads(x, num_heads):
    if num_heads <= 0 or x.size(-1) % num_heads:
        raise ValueError("num_heads has to divide the width")
    return x.view(*x.shape[:-2], num_heads, x.shape[-2], -1)""",
    ),
    (
        "03-multi-head-attention",
        "split-asserts",
        """def split_heads(x, num_heads):
    assert x.size(-1) % num_heads == 0
    return torch.stack(x.chunk(num_heads, dim=-1), dim=-3)""",
    ),
    (
        "04-positional-encoding",
        "positions-from-one",
        """def sinusoidal_encoding(seq_len, d_model, base=10_000.0):
    if d_model % 2:
        raise ValueError("d_model has to be even")
    clocks = [base ** (-2 * i / d_model) for i in range(d_model // 2)]
    clocks = torch.tensor(clocks, dtype=torch.float64)
    angles = torch.outer(torch.linspace(1, seq_len, seq_len, dtype=torch.float64), clocks)
    return torch.stack((angles.sin(), angles.cos()), -1).reshape(seq_len, d_model).float()""",
    ),
    (
        "05-transformer-block",
        "sample-variance",
        """class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred * torch.rsqrt(x.var(-1, keepdim=True) + self.eps)
        return scaled * self.weight + self.bias""",
    ),
    (
        "challenge-rope",
        "turns-back",
        """def apply_rope(x, positions, base=10_000.0):
    angles = positions[..., None] * rope_frequencies(x.shape[-1], base).to(x.device)
    pairs = x.to(torch.promote_types(x.dtype, torch.float32)).unflatten(-1, (-1, 2))
    c, s = angles.cos(), angles.sin()
    a, b = pairs.unbind(-1)
    return torch.stack((a * c + b * s, b * c - a * s), -1).flatten(-2).to(x.dtype)""",
    ),
    (
        "challenge-gqa",
        "repeat-in-turn",
        """def repeat_kv(x, n_rep):
    return torch.cat([x] * n_rep, dim=1) if n_rep else x[:, :0]""",
    ),
    (
        "challenge-gqa",
        "heads-in-turn + sizes-grouped_query_attention",  # the second is a -1 that cannot be known
        """def grouped_query_attention(query, key, value, mask=None):
    B, H, L, E = query.shape
    K = key.shape[1]
    if K == 0 or H % K:
        raise ValueError("key has heads that do not divide those of query")
    scores = torch.einsum("bgkld,bksd->bgkls", query.reshape(B, H // K, K, L, E), key)
    scores = scores.reshape(B, H, L, -1) / math.sqrt(E)
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask has to be bool")
        try:
            mask = (mask.unsqueeze(1) if mask.dim() == 3 else mask).expand(scores.shape)
        except RuntimeError:
            raise ValueError("mask does not fit") from None
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    weights = weights if mask is None else weights.masked_fill(~mask, 0.0)
    weights = weights.reshape(B, H // K, K, L, -1)
    return torch.einsum("bgkls,bksv->bgklv", weights, value).reshape(B, H, L, -1)""",
    ),
]

# assignment, definitions, and which names each gets (None: it is to be mended after an earlier one)
BELOW: list[tuple[str, list[str], dict[str, list[str] | None]]] = [
    (
        "01-scaled-dot-product-attention",
        [
            """def attention_scores(query, key):
    return torch.einsum("...le,...se->...ls", query, key)"""
        ],
        {
            "attention_scores": ["no-scaling", "size-one-stretched"],
            "scaled_dot_product_attention": None,
        },
    ),
    (
        "02-causal-masking",
        [
            """def causal_mask(query_len, key_len=None, device=None):
    key_len = query_len if key_len is None else key_len
    return torch.ones(query_len, key_len, dtype=torch.bool, device=device).tril()""",
            """def decode_step(query, key, value, cache=None):
    if query.shape[-2] != 1:
        raise ValueError("query has to be one token")
    if cache is not None:
        key, value = (torch.cat(pair, dim=-2) for pair in zip(cache, (key, value)))
    seen = causal_mask(1, key.shape[-2])
    return masked_attention(query, key, value, seen)[0], (key, value)""",
        ],
        {"causal_mask": ["aligned-top-left"], "decode_step": None},
    ),
    (
        "04-positional-encoding",
        [
            """def sinusoidal_encoding(seq_len, d_model, base=10_000.0):
    if d_model % 2:
        raise ValueError("d_model has to be even")
    table = torch.zeros(seq_len, d_model)
    speeds = torch.exp(torch.arange(0, d_model, 2) * -(9.210340371976184 / d_model))
    angles = torch.arange(seq_len)[:, None] * speeds
    table[:, 0::2], table[:, 1::2] = angles.sin(), angles.cos()
    return table"""
        ],
        {
            "sinusoidal_encoding": ["base-ignored", "float32-angles-by-exponential"],
            "PositionalEncoding": None,
        },
    ),
    (
        "04-positional-encoding",
        [
            """def sinusoidal_encoding(seq_len, d_model, base=10_000.0):
    speeds = base ** (-torch.arange(0, d_model, 2, dtype=torch.float64) / d_model)
    angles = torch.arange(seq_len, dtype=torch.float64)[:, None] * speeds
    return torch.stack((angles.sin(), angles.cos()), -1).view(seq_len, d_model).float()""",
            """class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=5_000, dropout=0.0, base=10_000.0):
        super().__init__()
        self.register_buffer("encoding", sinusoidal_encoding(max_len, d_model, base))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, offset=0):
        return self.dropout(x + self.encoding[offset : offset + x.size(1)])""",
        ],
        {
            "sinusoidal_encoding": ["odd-width-left-to-torch"],
            "PositionalEncoding": [
                "length-counted-from-the-front",
                "result-promoted",
                "buffer-is-saved",
                "too-long-left-to-torch",
                "negative-offset-left-to-torch",
            ],
        },
    ),
]

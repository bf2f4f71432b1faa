def _groups(query, key):
    heads, shared = query.shape[1], key.shape[1]
    if shared == 0 or heads % shared:
        raise ValueError(f"{heads} query heads cannot share the {shared} heads of key")
    return heads // shared


def _full_mask(mask, query, key):
    """The mask with all four axes written out, True where a query may attend."""
    shape = (*query.shape[:3], key.shape[2])
    if mask is None:
        return torch.ones(shape, dtype=torch.bool, device=query.device)
    if mask.dtype is not torch.bool:
        raise ValueError(f"mask: bool expected, got {mask.dtype}")
    four = mask[:, None] if mask.dim() == 3 else mask
    try:
        return torch.broadcast_to(four, shape)
    except RuntimeError as error:
        raise ValueError(f"mask does not fit {shape}") from error

def kv_cache_bytes(batch, seq_len, num_layers, num_kv_heads, head_dim, bytes_per_element=2):
    return math.prod((2, batch, seq_len, num_layers, num_kv_heads, head_dim, bytes_per_element))


def repeat_kv(x, n_rep):
    return torch.stack([x] * n_rep, dim=2).flatten(1, 2)


def grouped_query_attention(query, key, value, mask=None):
    groups = _groups(query, key)
    allowed = _full_mask(mask, query, key).unflatten(1, (key.shape[1], groups))
    grouped = query.unflatten(1, (key.shape[1], groups))
    scores = torch.einsum("bkgle,bkse->bkgls", grouped, key) * query.shape[-1] ** -0.5
    scores = torch.where(allowed, scores, -torch.inf)
    weights = torch.where(allowed, scores.softmax(-1), 0.0)
    return torch.einsum("bkgls,bkse->bkgle", weights, value).flatten(1, 2)


class GroupedQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, bias=False):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("num_heads must divide d_model")
        if num_heads % num_kv_heads:
            raise ValueError("num_kv_heads must divide the query heads")
        self.size = d_model // num_heads
        self.out_proj = nn.Linear(d_model, d_model, bias)
        self.v_proj = nn.Linear(d_model, self.size * num_kv_heads, bias)
        self.k_proj = nn.Linear(d_model, self.size * num_kv_heads, bias)
        self.q_proj = nn.Linear(d_model, d_model, bias)

    def heads(self, x):
        return x.unflatten(-1, (x.shape[-1] // self.size, self.size)).movedim(-2, 1)

    def forward(self, x, mask=None, cache=None):
        query, *new = (self.heads(layer(x)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        if cache is not None:
            new = [torch.cat(pair, dim=-2) for pair in zip(cache, new)]
        merged = grouped_query_attention(query, *new, mask).movedim(1, -2).flatten(-2)
        return self.out_proj(merged), tuple(new)

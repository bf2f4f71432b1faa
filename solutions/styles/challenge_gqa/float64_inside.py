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

def grouped_query_attention(query, key, value, mask=None):
    """Everything in float64, batch and key/value heads as one axis of bmm."""
    groups, allowed = _groups(query, key), _full_mask(mask, query, key)
    (batch, heads, length, size), shared, dtype = query.shape, key.shape[1], query.dtype
    q = query.double().reshape(batch * shared, groups * length, size)
    k = key.double().reshape(batch * shared, key.shape[2], size)
    v = value.double().reshape(batch * shared, key.shape[2], value.shape[-1])
    if key.shape[2] == 0:
        return query.new_zeros(batch, heads, length, value.shape[-1])
    blocked = ~allowed.reshape(batch * shared, groups * length, key.shape[2])
    scores = torch.bmm(q, k.mT) / math.sqrt(size)
    top = scores.masked_fill(blocked, -torch.inf).amax(-1, keepdim=True).clamp_min(-1e300).detach()
    parts = torch.where(blocked, 0.0, torch.exp(torch.where(blocked, 0.0, scores - top)))
    total = parts.sum(-1, keepdim=True)
    weights = parts / torch.where(total == 0, 1.0, total)
    return torch.bmm(weights, v).reshape(batch, heads, length, value.shape[-1]).to(dtype)


class GroupedQueryAttention(nn.Module):
    """The output layer is applied head by head, the new cache is made first and then filled."""

    def __init__(self, d_model, num_heads, num_kv_heads, bias=False):
        super().__init__()
        head_dim, rest = divmod(d_model, num_heads)
        if rest != 0:
            raise ValueError("num_heads")
        if num_kv_heads not in [n for n in range(1, num_heads + 1) if num_heads % n == 0]:
            raise ValueError("num_kv_heads")
        self.k_proj, self.v_proj = (
            nn.Linear(d_model, num_kv_heads * head_dim, bias=bias) for _ in range(2)
        )
        self.q_proj, self.out_proj = (nn.Linear(d_model, d_model, bias=bias) for _ in range(2))
        self.num_kv_heads, self.head_dim = num_kv_heads, head_dim

    def forward(self, x, mask=None, cache=None):
        batch, length, _ = x.shape
        past = 0 if cache is None else cache[0].shape[2]
        grown = []
        for index, layer in enumerate((self.k_proj, self.v_proj)):
            part = x.new_zeros(batch, self.num_kv_heads, past + length, self.head_dim)
            if cache is not None:
                part[:, :, :past] = cache[index]
            new = layer(x).reshape(batch, length, self.num_kv_heads, self.head_dim)
            part[:, :, past:] = new.permute(0, 2, 1, 3)
            grown.append(part)
        num_heads = x.shape[-1] // self.head_dim
        query = self.q_proj(x).reshape(batch, length, num_heads, self.head_dim)
        heads = grouped_query_attention(query.permute(0, 2, 1, 3), *grown, mask)
        output = 0 if self.out_proj.bias is None else self.out_proj.bias
        for head, weight in zip(heads.unbind(1), self.out_proj.weight.split(self.head_dim, dim=1)):
            output = output + head @ weight.mT
        return output, (grown[0], grown[1])

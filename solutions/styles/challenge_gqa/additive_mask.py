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

def repeat_kv(x, n_rep):
    batch, heads, length, size = x.shape
    wide = x[:, :, None].expand(batch, heads, n_rep, length, size)
    return wide.reshape(batch, heads * n_rep, length, size)


def grouped_query_attention(query, key, value, mask=None):
    """An added mask of -inf; rows without a key are opened first and cleared afterwards."""
    groups = _groups(query, key)
    allowed = _full_mask(mask, query, key)
    some = allowed.any(-1, keepdim=True)
    added = torch.zeros(allowed.shape, dtype=query.dtype, device=query.device)
    added = added.masked_fill(~(allowed | ~some), -torch.inf)
    batch, heads, length, size = query.shape
    shared = query.contiguous().view(batch, key.shape[1], groups * length, size)
    scores = torch.matmul(shared, key.transpose(2, 3)).view(allowed.shape)
    weights = (scores / size**0.5 + added).softmax(dim=-1) * some
    output = torch.matmul(weights.view(batch, key.shape[1], groups * length, key.shape[2]), value)
    return output.view(batch, heads, length, value.shape[-1])

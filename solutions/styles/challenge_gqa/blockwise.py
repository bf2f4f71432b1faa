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
    """Keys in blocks of three with a running maximum, as Flash Attention does."""
    groups = _groups(query, key)
    allowed = _full_mask(mask, query, key).unflatten(1, (key.shape[1], groups)).flatten(2, 3)
    folded = query.reshape(*key.shape[:2], groups * query.shape[2], query.shape[3])
    work = torch.float32 if query.dtype.itemsize == 2 else query.dtype
    folded = folded.to(work) * query.shape[3] ** -0.5
    top = torch.full((*folded.shape[:3], 1), -torch.inf, dtype=work, device=query.device)
    total = torch.zeros((*folded.shape[:3], 1), dtype=work, device=query.device)
    output = torch.zeros((*folded.shape[:3], value.shape[3]), dtype=work, device=query.device)
    # a row that takes no gradient stays connected to its inputs
    output = output + folded[..., :0].sum() + key[..., :0].sum() + value[..., :0].sum()
    for start in range(0, key.shape[2], 3):
        part = slice(start, start + 3)
        scores = folded @ key[:, :, part].to(work).mT
        scores = scores.masked_fill(~allowed[..., part], -torch.inf)
        new_top = torch.maximum(top, scores.amax(-1, keepdim=True))
        safe = torch.where(new_top == -torch.inf, 0.0, new_top)
        weights, shrink = torch.exp(scores - safe), torch.exp(top - safe)
        total = total * shrink + weights.sum(-1, keepdim=True)
        output = output * shrink + weights @ value[:, :, part].to(work)
        top = new_top
    output = output / torch.where(total == 0, 1.0, total)
    return output.reshape(*query.shape[:3], value.shape[3]).to(query.dtype)

def causal_mask(query_len, key_len=None, device=None):
    if key_len is None:
        key_len = query_len
    mask = torch.zeros(query_len, key_len, dtype=torch.bool, device=device)
    for i in range(query_len):
        seen = i + 1 + key_len - query_len
        if seen > 0:
            mask[i, :seen] = True
    return mask


def padding_mask(lengths, max_len):
    mask = torch.zeros(len(lengths), 1, max_len, dtype=torch.bool, device=lengths.device)
    for b, length in enumerate(lengths.tolist()):
        if not 0 <= length <= max_len:
            raise ValueError(f"lengths[{b}] = {length}")
        mask[b, 0, :length] = True
    return mask


def masked_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    if mask.dtype != torch.bool:
        raise ValueError("mask: bool expected")
    try:
        mask = torch.broadcast_to(mask, scores.shape)
    except RuntimeError as error:
        raise ValueError("mask: " + str(error))
    rows = []
    for i in range(scores.shape[-2]):
        row, allowed = scores[..., i, :], mask[..., i, :]
        row = row.masked_fill(~allowed, -math.inf)
        row = row.masked_fill(~allowed.any(-1, keepdim=True), 0.0)
        rows.append(torch.softmax(row, dim=-1) * allowed.any(-1, keepdim=True))
    weights = torch.stack(rows, dim=-2) if rows else scores
    return weights @ value, weights


def decode_step(query, key, value, cache=None):
    if query.shape[-2] != 1:
        raise ValueError("query: one position at a time")
    if cache is not None:
        length = cache[0].shape[-2]
        keys = key.new_empty(*key.shape[:-2], length + 1, key.shape[-1])
        values = value.new_empty(*value.shape[:-2], length + 1, value.shape[-1])
        keys[..., :length, :], values[..., :length, :] = cache
        keys[..., length:, :], values[..., length:, :] = key, value
    else:
        keys, values = key, value
    return masked_attention(query, keys, values, causal_mask(1, keys.shape[-2]))[0], (keys, values)

def padding_mask(lengths, max_len):
    rows = []
    for n in lengths.tolist():
        if n < 0 or n > max_len:
            raise ValueError(f"{n} in lengths is not in 0..{max_len}")
        rows.append(torch.tensor([[True] * n + [False] * (max_len - n)], dtype=torch.bool))
    if not rows:
        return torch.zeros(0, 1, max_len, dtype=torch.bool, device=lengths.device)
    return torch.stack(rows).to(lengths.device)


def masked_attention(query, key, value, mask=None):
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError("bool mask wanted")
    lead, length, width = query.shape[:-2], query.shape[-2], key.shape[-2]
    if mask is not None:
        try:
            mask = mask.expand(*lead, length, width)
        except RuntimeError as error:
            raise ValueError("mask of a shape that does not fit") from error
    if lead:
        if lead[0] == 0:
            return query @ key.mT @ value, query @ key.mT
        pairs = [
            masked_attention(query[b], key[b], value[b], None if mask is None else mask[b])
            for b in range(lead[0])
        ]
        return torch.stack([o for o, _ in pairs]), torch.stack([w for _, w in pairs])
    scores = (query @ key.mT) / math.sqrt(query.shape[-1])
    if mask is None:
        return scores.softmax(-1) @ value, scores.softmax(-1)
    weights = scores.masked_fill(~mask, -math.inf).softmax(-1)
    weights = torch.where(mask, weights, torch.zeros((), dtype=weights.dtype))
    return weights @ value, weights


def decode_step(query, key, value, cache=None):
    if query.shape[-2] == 1:
        if cache is None:
            cache = key.new_zeros(*key.shape[:-2], 0, key.shape[-1]), value[..., :0, :]
        cache = torch.cat([cache[0], key], axis=-2), torch.cat([cache[1], value], axis=-2)
        everything = torch.ones(cache[0].shape[-2], dtype=torch.bool)
        return masked_attention(query, *cache, mask=everything)[0], cache
    raise ValueError("query longer or shorter than one")

def causal_mask(query_len, key_len=None, device=None):
    key_len = query_len if key_len is None else key_len
    queries = torch.arange(query_len, device=device)[:, None] + key_len - query_len
    keys = torch.arange(key_len, device=device)[None, :]
    return keys <= queries


def padding_mask(lengths, max_len):
    if lengths.numel() and (lengths.min() < 0 or lengths.max() > max_len):
        raise ValueError("every entry of lengths lies between 0 and max_len")
    return torch.arange(max_len, device=lengths.device).unsqueeze(0).lt(lengths.unsqueeze(1)).unsqueeze(1)


def masked_attention(query, key, value, mask=None):
    scores = torch.einsum("...le,...se->...ls", query, key) * query.size(-1) ** -0.5
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    if mask.dtype is not torch.bool:
        raise ValueError("the mask has to be boolean")
    try:
        fits = torch.broadcast_shapes(mask.shape, scores.shape) == scores.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError("the mask does not fit the scores")
    some = mask.any(dim=-1, keepdim=True)
    scores = torch.where(mask | ~some, scores, float("-inf"))
    weights = torch.where(some, scores.softmax(-1), 0.0)
    return torch.einsum("...ls,...sv->...lv", weights, value), weights


def decode_step(query, key, value, cache=None):
    if query.size(-2) != 1:
        raise ValueError(f"query has {query.size(-2)} positions")
    if cache is None:
        keys, values = key.clone(), value.clone()
    else:
        keys, values = (torch.cat(pair, -2) for pair in zip(cache, (key, value)))
    weights = torch.softmax(query / math.sqrt(query.size(-1)) @ keys.transpose(-2, -1), -1)
    return weights @ values, (keys, values)

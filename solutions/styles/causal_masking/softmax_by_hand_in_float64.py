def masked_attention(query, key, value, mask=None):
    dtype = query.dtype
    scores = query.double() @ key.double().mT / math.sqrt(query.shape[-1])
    if mask is None:
        mask = torch.ones((), dtype=torch.bool)
    if mask.dtype != torch.bool:
        raise ValueError("mask is not bool")
    try:
        mask = mask.expand_as(scores)
    except RuntimeError:
        raise ValueError("mask is of another shape") from None
    if scores.shape[-1] == 0:
        weights = scores
    else:
        scores = scores.masked_fill(~mask, -1e300)
        top = scores.detach().amax(-1, keepdim=True)
        exponentials = torch.exp(scores - top).masked_fill(~mask, 0.0)
        total = exponentials.sum(-1, keepdim=True)
        weights = exponentials / torch.where(total == 0, 1.0, total)
    return (weights @ value.double()).to(dtype), weights.to(dtype)


def decode_step(query, key, value, cache=None):
    if query.shape[-2] != 1 or key.shape[-2] != 1:
        raise ValueError("query and key must be one token")
    keys, values = cache or (key[..., :0, :], value[..., :0, :])
    keys, values = torch.cat([keys, key], dim=-2), torch.cat([values, value], dim=-2)
    scores = (query.double() * keys.double()).sum(-1) / math.sqrt(query.shape[-1])
    weights = torch.softmax(scores, dim=-1).to(value.dtype)
    return (weights[..., None] * values).sum(-2, keepdim=True), (keys, values)

"""Right answers in other styles, which must get full marks."""

from __future__ import annotations

VARIANTS: dict[str, str] = {
    "where and positions": """
def causal_mask(query_len, key_len=None, device=None):
    key_len = query_len if key_len is None else key_len
    queries = torch.arange(query_len, device=device)[:, None] + key_len - query_len
    keys = torch.arange(key_len, device=device)[None, :]
    return keys <= queries


def padding_mask(lengths, max_len):
    if lengths.numel() and (lengths.min() < 0 or lengths.max() > max_len):
        raise ValueError("every entry of lengths lies between 0 and max_len")
    return torch.arange(max_len).unsqueeze(0).lt(lengths.unsqueeze(1)).unsqueeze(1)


def masked_attention(query, key, value, mask=None):
    scores = torch.einsum("...le,...se->...ls", query, key) * query.size(-1) ** -0.5
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    if mask.dtype is not torch.bool:
        raise ValueError("the mask has to be boolean")
    try:
        shape = torch.broadcast_shapes(mask.shape, scores.shape)
    except RuntimeError:
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
""",
    "loops over rows": """
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
    mask = torch.zeros(len(lengths), 1, max_len, dtype=torch.bool)
    for b, length in enumerate(lengths.tolist()):
        if not 0 <= length <= max_len:
            raise ValueError(f"lengths[{b}] = {length}")
        mask[b, 0, :length] = True
    return mask


def masked_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    if mask is None:
        mask = torch.ones(scores.shape, dtype=torch.bool)
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
""",
    "additive mask": """
def causal_mask(query_len, key_len=None, device=None):
    key_len = query_len if key_len is None else key_len
    above = torch.ones((query_len, key_len), device=device).triu(diagonal=key_len - query_len + 1)
    return above == 0


def masked_attention(query, key, value, mask=None):
    scale = 1 / math.sqrt(query.shape[-1])
    scores = (query * scale) @ key.mT
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask")
        if mask.dim() > scores.dim() or any(
            m not in (1, s) for m, s in zip(mask.shape[::-1], scores.shape[::-1])
        ):
            raise ValueError("mask")
        bias = torch.zeros(mask.shape, dtype=scores.dtype).masked_fill(~mask, float("-inf"))
        bias = bias.masked_fill(~mask.any(-1, keepdim=True), 0.0)
        weights = torch.softmax(scores + bias, dim=-1) * mask.any(-1, keepdim=True)
    else:
        weights = torch.softmax(scores, dim=-1)
    return torch.matmul(weights, value), weights
""",
    "lowest finite number": """
def causal_mask(query_len, key_len=None, device=None):
    if key_len is None:
        key_len = query_len
    ones = torch.ones(query_len, key_len, device=device)
    return torch.tril(ones, diagonal=key_len - query_len).bool()


def padding_mask(lengths, max_len):
    for length in lengths:
        if length < 0 or length > max_len:
            raise ValueError("lengths out of range")
    return (torch.arange(max_len).expand(len(lengths), max_len) < lengths.view(-1, 1)).unsqueeze(-2)


def masked_attention(query, key, value, mask=None):
    scores = torch.matmul(query, key.transpose(-2, -1)).div(math.sqrt(query.shape[-1]))
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be boolean")
        try:
            scores = scores.masked_fill(mask.logical_not(), torch.finfo(scores.dtype).min)
        except RuntimeError as error:
            raise ValueError("mask cannot be broadcast") from error
    weights = torch.nn.functional.softmax(scores, -1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights
""",
    "softmax by hand, in float64": """
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
""",
    "one batch entry after the other": """
def padding_mask(lengths, max_len):
    rows = []
    for n in lengths.tolist():
        if n < 0 or n > max_len:
            raise ValueError(f"{n} in lengths is not in 0..{max_len}")
        rows.append(torch.tensor([[True] * n + [False] * (max_len - n)], dtype=torch.bool))
    if not rows:
        return torch.zeros(0, 1, max_len, dtype=torch.bool)
    return torch.stack(rows)


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
""",
}

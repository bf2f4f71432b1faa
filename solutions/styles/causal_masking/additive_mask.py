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
        bias = torch.zeros(mask.shape, dtype=scores.dtype, device=scores.device).masked_fill(~mask, float("-inf"))
        bias = bias.masked_fill(~mask.any(-1, keepdim=True), 0.0)
        weights = torch.softmax(scores + bias, dim=-1) * mask.any(-1, keepdim=True)
    else:
        weights = torch.softmax(scores, dim=-1)
    return torch.matmul(weights, value), weights

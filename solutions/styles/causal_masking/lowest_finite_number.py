def causal_mask(query_len, key_len=None, device=None):
    if key_len is None:
        key_len = query_len
    ones = torch.ones(query_len, key_len, device=device)
    return torch.tril(ones, diagonal=key_len - query_len).bool()


def padding_mask(lengths, max_len):
    for length in lengths:
        if length < 0 or length > max_len:
            raise ValueError("lengths out of range")
    positions = torch.arange(max_len).to(lengths.device)
    return (positions.expand(len(lengths), max_len) < lengths.view(-1, 1)).unsqueeze(-2)


def masked_attention(query, key, value, mask=None):
    scores = torch.matmul(query, key.transpose(-2, -1)).div(math.sqrt(query.shape[-1]))
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask must be boolean")
        try:
            scores = scores.masked_fill(mask.logical_not(), torch.finfo(scores.dtype).min)
        except RuntimeError as error:
            raise ValueError("mask cannot be broadcast") from error
        if scores.shape != (*query.shape[:-1], key.shape[-2]):
            raise ValueError("mask is larger than the scores")
    weights = torch.nn.functional.softmax(scores, -1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights

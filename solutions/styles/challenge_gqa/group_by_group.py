def repeat_kv(x, n_rep):
    return x[:, torch.arange(x.shape[1] * n_rep) // n_rep]


def grouped_query_attention(query, key, value, mask=None):
    """Scores with the keys as rows; one group at a time, the whole batch at once."""
    batch, heads, length, size = query.shape
    shared = key.shape[1]
    if shared < 1 or heads % shared:
        raise ValueError(f"key: {shared} heads for {heads} query heads")
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError("mask must be boolean")
    if mask is not None:
        if mask.dim() == 3:
            mask = mask.unsqueeze(1)
        while mask.dim() < 4:
            mask = mask.unsqueeze(0)
        full = (batch, heads, length, key.shape[2])
        if mask.dim() > 4 or any(m not in (1, f) for m, f in zip(mask.shape, full)):
            raise ValueError(f"mask {tuple(mask.shape)} is not broadcastable to {full}")
        mask = mask.expand(full)
    outputs = []
    for group, queries in enumerate(query.chunk(shared, dim=1)):
        rows = queries.reshape(batch, heads // shared * length, size)
        scores = (key[:, group] @ rows.mT / math.sqrt(size)).mT
        scores = scores.reshape(batch, heads // shared, length, key.shape[2])
        if mask is None:
            weights = scores.softmax(-1)
        else:
            allowed = mask.chunk(shared, dim=1)[group]
            lowest = torch.finfo(scores.dtype).min
            weights = torch.where(allowed, scores, lowest).softmax(-1)
            weights = weights * allowed.any(-1, keepdim=True)
        weights = weights.reshape(batch, heads // shared * length, key.shape[2])
        outputs.append((weights @ value[:, group]).unflatten(1, (heads // shared, length)))
    return torch.cat(outputs, dim=1)

def softmax(x, axis=-1):
    kind = x.dtype if np.issubdtype(x.dtype, np.floating) else np.float64
    wide = x.astype(np.float64)
    empty = np.isneginf(wide).all(axis, keepdims=True)
    wide = np.where(empty, 0.0, wide)
    powers = np.exp(wide - wide.max(axis, keepdims=True))
    weights = powers / powers.sum(axis, keepdims=True)
    return np.where(empty, 0.0, weights).astype(kind)

def attention_scores(query, key):
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("key: last size differs")
    scores = query.double() @ key.double().transpose(-1, -2) / math.sqrt(query.shape[-1])
    return scores.to(query.dtype)

def scaled_dot_product_attention(query, key, value):
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("key: last size differs")
    if key.shape[-2] != value.shape[-2]:
        raise ValueError("value: length differs")
    q, k, v = query.double(), key.double(), value.double()
    weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1)
    return (weights @ v).to(value.dtype), weights.to(value.dtype)

def softmax(x, axis=-1):
    x = np.array(x, dtype=None if np.issubdtype(x.dtype, np.floating) else np.float64)
    x = np.moveaxis(x, axis, 0)
    top = x.max(0)
    top = np.where(np.isneginf(top), np.zeros_like(top), top)
    x = np.exp(x - top)
    total = x.sum(0)
    return np.moveaxis(x / np.where(total > 0, total, np.ones_like(total)), 0, axis)

def attention_scores(query, key):
    E = query.shape[-1]
    if key.shape[-1] != E:
        raise ValueError("wrong size of key")
    root = torch.sqrt(torch.tensor(E, dtype=query.dtype))
    return torch.matmul(query, torch.transpose(key, -2, -1)) / root

def scaled_dot_product_attention(query, key, value):
    if value.shape[-2] != key.shape[-2]:
        raise ValueError("wrong length of value")
    scores = attention_scores(query, key)
    if scores.shape[-1] == 0:
        return scores @ value, scores
    weights = torch.exp(scores - torch.amax(scores, dim=-1, keepdim=True))
    weights = weights / weights.sum(dim=-1, keepdim=True)
    return torch.matmul(weights, value), weights

def attention_shapes(batch, length, d_model, d_k, d_v=None):
    X = torch.empty(batch, length, d_model)
    W_Q, W_K = torch.empty(d_model, d_k), torch.empty(d_model, d_k)
    W_V = torch.empty(d_model, d_k if d_v is None else d_v)
    Q, K, V = X @ W_Q, X @ W_K, X @ W_V
    scores = Q @ K.mT
    weights = scores.softmax(-1)
    made = dict(X=X, W_Q=W_Q, W_K=W_K, W_V=W_V, Q=Q, K=K, V=V)
    made.update(scores=scores, weights=weights, output=weights @ V)
    return {name: tensor.shape for name, tensor in made.items()}

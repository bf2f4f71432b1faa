def softmax(x, axis=-1):
    if x.dtype not in (np.float16, np.float32, np.float64):
        return softmax(x.astype(np.float64), axis)
    with np.errstate(invalid="ignore"):
        powers = np.exp(x - np.amax(x, axis=axis, keepdims=True))
        weights = powers / np.sum(powers, axis=axis, keepdims=True)
    weights[np.isnan(weights)] = 0
    return weights

def attention_scores(query, key):
    if query.shape[-1] != key.shape[-1]:
        raise ValueError("the size of key is not that of query")
    return torch.div(key @ query.transpose(-2, -1), math.sqrt(key.shape[-1])).transpose(-2, -1)

def scaled_dot_product_attention(query, key, value):
    if value.shape[-2] != key.shape[-2]:
        raise ValueError("the length of value is not that of key")
    columns = torch.softmax(attention_scores(query, key).mT, dim=-2)
    return (value.mT @ columns).mT, columns.mT

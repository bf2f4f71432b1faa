def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp of the logarithm of softmax."""
    if x.dtype.kind != "f":
        x = x.astype(float)
    top = np.max(x, axis, keepdims=True)
    top[~np.isfinite(top)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        log_total = top + np.log(np.exp(x - top).sum(axis, keepdims=True))
        return np.nan_to_num(np.exp((x - top) - (log_total - top)))

def attention_scores(query, key):
    if query.shape[-1] != key.shape[-1]:
        raise ValueError("query and key differ in their last size")
    return torch.einsum("...le,...se->...ls", query, key) * query.shape[-1] ** -0.5

def scaled_dot_product_attention(query, key, value):
    if value.shape[-2] != key.shape[-2]:
        raise ValueError("key and value differ in length")
    weights = torch.softmax(attention_scores(query, key), -1)
    return torch.einsum("...ls,...sv->...lv", weights, value), weights

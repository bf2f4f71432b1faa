def scaled_dot_product_attention(query, key, value):
    """Recurses over the leading dimensions."""
    if query.shape[-1] != key.shape[-1]:
        raise ValueError("key is not as wide as query")
    if value.shape[-2] != key.shape[-2]:
        raise ValueError("value is not as long as key")
    if query.dim() == 2 or query.shape[0] == 0:
        weights = torch.exp(torch.log_softmax(attention_scores(query, key), -1))
        return weights @ value, weights
    results = [scaled_dot_product_attention(*one) for one in zip(query, key, value)]
    return torch.stack([r[0] for r in results]), torch.stack([r[1] for r in results])

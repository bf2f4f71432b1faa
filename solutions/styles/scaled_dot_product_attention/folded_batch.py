def fold(x):
    return x.reshape(math.prod(x.shape[:-2]), *x.shape[-2:])

def attention_scores(query, key):
    if query.shape[-1] != key.shape[-1]:
        raise ValueError("The key has the wrong size.")
    root = query.shape[-1] ** 0.25
    scores = torch.bmm(fold(query) / root, fold(key).transpose(1, 2) / root)
    return scores.reshape(*query.shape[:-1], key.shape[-2])

def scaled_dot_product_attention(query, key, value):
    if value.shape[-2] != key.shape[-2]:
        raise ValueError("The value has the wrong length.")
    weights = torch.nn.Softmax(dim=-1)(attention_scores(query, key))
    output = torch.bmm(fold(weights), fold(value))
    return output.reshape(*query.shape[:-1], value.shape[-1]), weights

def softmax(x, axis=-1):
    work = x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)
    result = np.zeros_like(work)
    source, target = np.moveaxis(work, axis, -1), np.moveaxis(result, axis, -1)
    for index in np.ndindex(source.shape[:-1]):
        row = source[index]
        top = max(row)
        if top == -np.inf:
            continue
        powers = [math.exp(float(entry) - float(top)) for entry in row]
        target[index] = [power / sum(powers) for power in powers]
    return result

def attention_scores(query, key):
    if query.size(-1) != key.size(-1):
        raise ValueError(f"key.size(-1) = {key.size(-1)} is not query.size(-1) = {query.size(-1)}")
    if key.size(-2) == 0:
        return query @ key.transpose(-2, -1)
    columns = []
    for j in range(key.size(-2)):
        dot = (query * key[..., j : j + 1, :]).sum(dim=-1)
        columns.append(dot / query.size(-1) ** 0.5)
    return torch.stack(columns, dim=-1)

def scaled_dot_product_attention(query, key, value):
    if key.size(-2) != value.size(-2):
        raise ValueError("value must have as many rows as key")
    weights = attention_scores(query, key).softmax(-1)
    output = value.new_zeros(*query.shape[:-1], value.size(-1))
    for j in range(key.size(-2)):
        output = output + weights[..., j : j + 1] * value[..., j : j + 1, :]
    return output, weights

def attention_shapes(batch, length, d_model, d_k, d_v=None):
    d_v = d_k if d_v is None else d_v
    shapes = {"X": (batch, length, d_model)}
    for letter, width in zip("QKV", (d_k, d_k, d_v)):
        shapes["W_" + letter] = (d_model, width)
        shapes[letter] = (*shapes["X"][:-1], width)
    for name in ("weights", "scores"):
        shapes[name] = (batch,) + (length,) * 2
    shapes["output"] = shapes["V"]
    return shapes

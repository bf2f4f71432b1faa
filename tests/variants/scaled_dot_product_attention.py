"""Correct work on assignment 01 in other styles."""

VARIANTS = {
    "loops": """
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
    output = torch.zeros(*query.shape[:-1], value.size(-1), dtype=value.dtype)
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
""",
    "einsum": '''
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
''',
    "float64-inside": """
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
""",
    "softmax-by-hand": """
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
""",
    "folded-batch": """
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
""",
    "transposed": """
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
""",
    "one-phrase-at-a-time": '''
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
''',
}

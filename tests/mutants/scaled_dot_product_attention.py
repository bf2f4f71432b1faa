"""The mistakes of assignment 01."""

from tests.mutants import Mutant

_SAFE_EXPONENT = "x - np.where(largest == -np.inf, 0, largest)"
_SHARES = "return exponentials / np.where(total == 0, 1, total)"
_LARGEST = "largest = x.max(axis=axis, keepdims=True, initial=-np.inf)"
_TOTAL = "total = exponentials.sum(axis=axis, keepdims=True)"
_CONVERT = "    if not np.issubdtype(x.dtype, np.floating):\n        x = x.astype(np.float64)\n"
_SCALE = "query / math.sqrt(query.shape[-1])"
_PRODUCT = "return scaled @ key.mT"
_WEIGHTS = "torch.softmax(attention_scores(query, key), dim=-1)"
_OUTPUT = "return weights @ value, weights"
_VALUE_LENGTH = "value.shape[-2] != key.shape[-2]"


def _softmax(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("softmax", id, listed, old, new)


def _scores(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("attention_scores", id, listed, old, new)


def _attention(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("scaled_dot_product_attention", id, listed, old, new)


def _shapes(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("attention_shapes", id, listed, old, new)


def _whole_attention(id: str, listed: str, body: str) -> Mutant:
    """Attention with another body under the reference's checks of its arguments."""
    return _attention(
        id,
        listed,
        "",
        f"""def scaled_dot_product_attention(query, key, value):
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("key has another size")
    if value.shape[-2] != key.shape[-2]:
        raise ValueError("value has another length")
{body}
""",
    )


MUTANTS = [
    # softmax
    _softmax("softmax-no-maximum", "B.1 1", _SAFE_EXPONENT, "x"),
    _softmax(
        "softmax-no-maximum-nan-to-num",
        "B.1 1",
        "",
        "def softmax(x, axis=-1):\n"
        "    e = np.exp(x)\n"
        "    return np.nan_to_num(e / e.sum(axis=axis, keepdims=True))",
    ),
    _softmax(
        "softmax-global-maximum",
        "B.1 2",
        _LARGEST,
        "largest = x.max(keepdims=True, initial=-np.inf)",
    ),
    _softmax(
        "softmax-subtracts-the-mean", "B.1 1", _LARGEST, "largest = x.mean(axis, keepdims=True)"
    ),
    _softmax("softmax-subtracts-a-constant", "B.1 1", _SAFE_EXPONENT, "x - 80"),
    _softmax(
        "softmax-subtracts-the-minimum",
        "",
        _LARGEST,
        "largest = x.min(axis=axis, keepdims=True, initial=np.inf)",
    ),
    _softmax(
        "softmax-subtracts-the-absolute-maximum",
        "",
        _LARGEST,
        "largest = np.abs(x).max(axis=axis, keepdims=True, initial=0)",
    ),
    _softmax("softmax-ignores-axis", "B.1 3", _CONVERT, _CONVERT + "    axis = -1\n"),
    _softmax("softmax-first-axis-by-default", "B.1 3", "axis: int = -1", "axis: int = 0"),
    _softmax(
        "softmax-last-axis-for-the-maximum", "B.1 3", _LARGEST, _LARGEST.replace("=axis", "=-1")
    ),
    _softmax("softmax-last-axis-for-the-sum", "B.1 3", _TOTAL, _TOTAL.replace("=axis", "=-1")),
    _softmax(
        "softmax-forgets-keepdims",
        "B.1 3",
        _TOTAL,
        "total = exponentials.sum(axis=axis)",
    ),
    _softmax(
        "softmax-forgets-keepdims-of-the-maximum",
        "B.1 3",
        _LARGEST,
        "largest = x.max(axis=axis, initial=-np.inf)",
    ),
    _softmax("softmax-empty-slice-is-nan", "B.1 4", _SAFE_EXPONENT, "x - largest"),
    _softmax(
        "softmax-empty-slice-divides-by-zero", "B.1 4", _SHARES, "return exponentials / total"
    ),
    _softmax(
        "softmax-empty-slice-is-uniform",
        "B.1 4",
        _SHARES,
        "n = x.shape[axis]\n"
        "    return np.where(total == 0, np.asarray(1 / n, x.dtype), exponentials / total)",
    ),
    _softmax(
        "softmax-large-negative-for-infinity",
        "B.1 4",
        _LARGEST,
        "x = np.maximum(x, np.asarray(-6e4, x.dtype))\n    " + _LARGEST,
    ),
    _softmax(
        "softmax-changes-its-argument",
        "B.1 5",
        "exponentials: np.ndarray = np.exp(x - np.where(largest == -np.inf, 0, largest))",
        "x -= np.where(largest == -np.inf, 0, largest)\n    exponentials = np.exp(x)",
    ),
    _softmax(
        "softmax-writes-exponentials-into-its-argument",
        "B.1 5",
        "exponentials: np.ndarray = np.exp(x - np.where(largest == -np.inf, 0, largest))",
        "exponentials = np.exp(x - np.where(largest == -np.inf, 0, largest), out=x)",
    ),
    _softmax("softmax-always-float64", "B.1 6", _CONVERT, "    x = x.astype(np.float64)\n"),
    _softmax("softmax-always-float32", "B.1 6", _CONVERT, "    x = x.astype(np.float32)\n"),
    _softmax(
        "softmax-integers-to-float32", "B.1 6", "x = x.astype(np.float64)", "x = x.astype('f4')"
    ),
    _softmax("softmax-integers-not-converted", "B.1 6", _CONVERT, ""),
    _softmax(
        "softmax-truncates-integers",
        "B.1 6",
        "",
        """def softmax(x, axis=-1):
    powers = np.exp(x - np.maximum(x.max(axis, keepdims=True), -6e4))
    total = powers.sum(axis, keepdims=True)
    return (powers / np.where(total == 0, 1, total)).astype(x.dtype)""",
    ),
    _softmax("softmax-clips", "B.1 7", _SAFE_EXPONENT, "np.clip(x, -700, 700)"),
    _softmax("softmax-normalises-the-whole-array", "B.1 8", _TOTAL, "total = exponentials.sum()"),
    _softmax(
        "softmax-of-the-flattened-array",
        "B.1 8",
        "",
        "def softmax(x, axis=-1):\n    e = np.exp(x - x.max())\n    return e / e.sum()",
    ),
    _softmax(
        "softmax-returns-the-logarithm",
        "B.1 8",
        _SHARES,
        "return np.log(exponentials / np.where(total == 0, 1, total))",
    ),
    _softmax(
        "softmax-epsilon-in-the-sum",
        "",
        _SHARES,
        "return exponentials / (total + 1e-6)",
    ),
    _softmax("softmax-base-two", "", "np.exp(x", "np.exp2(x"),
    _softmax("softmax-shares-without-exp", "", _SAFE_EXPONENT, "np.log(np.abs(x))"),
    _softmax("softmax-negated", "", _SAFE_EXPONENT, "x.min(axis, keepdims=True) - x"),
    _softmax(
        "softmax-by-torch",
        "",
        "",
        "def softmax(x, axis=-1):\n"
        "    x = x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)\n"
        "    return torch.softmax(torch.from_numpy(x.copy()), axis).nan_to_num(0).numpy()",
    ),
    _softmax(
        "softmax-returns-a-tensor", "", _SHARES, "return torch.from_numpy(exponentials / total)"
    ),
    _softmax(
        "softmax-keepdims-only-after-an-error",
        "",
        "    total = exponentials.sum(axis=axis, keepdims=True)\n    " + _SHARES,
        """    total = exponentials.sum(axis=axis)
    total = np.where(total == 0, 1, total)
    try:
        return exponentials / total
    except ValueError:
        return exponentials / np.expand_dims(total, axis)""",
    ),
    _softmax(
        "softmax-of-rows-and-columns-only",
        "",
        _CONVERT,
        "    if axis == 0:\n        return softmax(x.T).T\n" + _CONVERT + "    axis = -1\n",
    ),
    _softmax(
        "softmax-any-infinity-empties-the-slice",
        "",
        _SHARES,
        "empty = (x == -np.inf).any(axis=axis, keepdims=True)\n"
        "    return np.where(empty, 0, exponentials) / np.where(empty, 1, total)",
    ),
    _softmax(
        "softmax-float16-to-float64",
        "",
        "if not np.issubdtype(x.dtype, np.floating):",
        "if x.dtype != np.float32:",
    ),
    _softmax(
        "softmax-applied-along-the-axis",
        "",
        "",
        """def softmax(x, axis=-1):
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(np.float64)

    def of_one(logits):
        if (logits == -np.inf).all():
            return np.zeros_like(logits)
        powers = np.exp(logits - logits.max())
        return powers / powers.sum()

    return np.apply_along_axis(of_one, axis, x)""",
    ),
    # attention_scores
    _scores("scores-not-scaled", "B.1 9", _SCALE, "query"),
    _scores("scores-divided-by-size", "B.1 10", _SCALE, "query / query.shape[-1]"),
    _scores(
        "scores-by-root-of-key-count", "B.1 11", _SCALE, "query / max(1, key.shape[-2]) ** 0.5"
    ),
    _scores(
        "scores-by-root-of-query-count", "B.1 11", _SCALE, "query / math.sqrt(query.shape[-2])"
    ),
    _scores("scores-by-root-of-batch", "B.1 11", _SCALE, "query / max(1, query.shape[0]) ** 0.5"),
    _scores("scores-by-hard-coded-root-of-eight", "B.1 11", _SCALE, "query / math.sqrt(8)"),
    _scores("scores-by-hard-coded-root-of-64", "B.1 11", _SCALE, "query / 8"),
    _scores(
        "scores-query-and-key-scaled",
        "B.1 12",
        _PRODUCT,
        "return scaled @ (key / math.sqrt(key.shape[-1])).mT",
    ),
    _scores("scores-multiplied-by-root", "B.1 13", _SCALE, "query * math.sqrt(query.shape[-1])"),
    _scores("scores-integer-root", "", _SCALE, "query / math.isqrt(query.shape[-1])"),
    _scores("scores-key-times-query", "B.1 14", _PRODUCT, "return key @ scaled.mT"),
    _scores(
        "scores-reshaped-key",
        "B.1 14",
        _PRODUCT,
        "return scaled @ key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])",
    ),
    _scores("scores-transpose-0-1", "B.1 15", _PRODUCT, "return scaled @ key.transpose(0, 1)"),
    _scores("scores-transpose-1-2", "B.1 15", _PRODUCT, "return scaled @ key.transpose(1, 2)"),
    _scores(
        "scores-transpose-minus-1-0", "B.1 15", _PRODUCT, "return scaled @ key.transpose(-1, 0)"
    ),
    _scores("scores-dot-t", "B.1 15", _PRODUCT, "return scaled @ key.T"),
    _scores("scores-by-bmm", "B.1 15", _PRODUCT, "return torch.bmm(scaled, key.mT)"),
    _scores(
        "scores-by-einsum-of-three-letters",
        "B.1 15",
        _PRODUCT,
        "return torch.einsum('ble,bse->bls', scaled, key)",
    ),
    _scores(
        "scores-across-the-batch",
        "B.1 21",
        _PRODUCT,
        "return scaled.flatten(0, -2) @ key.flatten(0, -2).mT",
    ),
    _scores("scores-squeezed", "B.1 22", _PRODUCT, "return (scaled @ key.mT).squeeze()"),
    _scores(
        "scores-squeezed-batch",
        "B.1 22",
        _PRODUCT,
        "out = scaled @ key.mT\n    return out.squeeze(0) if out.ndim > 2 else out",
    ),
    _scores("scores-detached", "B.1 24", _PRODUCT, "return (scaled @ key.mT).detach()"),
    _scores("scores-key-detached", "B.1 24", _PRODUCT, "return scaled @ key.detach().mT"),
    _scores(
        "scores-query-from-numpy",
        "B.1 24",
        _PRODUCT,
        "return torch.tensor(scaled.tolist(), dtype=key.dtype) @ key.mT",
    ),
    _scores(
        "scores-loop-of-items",
        "B.1 24",
        "",
        """def attention_scores(query, key):
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("key")
    out = query.new_zeros(*query.shape[:-1], key.shape[-2])
    for lead in np.ndindex(*query.shape[:-2]):
        for i in range(query.shape[-2]):
            for j in range(key.shape[-2]):
                dot = (query[lead][i] * key[lead][j]).sum().item()
                out[(*lead, i, j)] = dot / math.sqrt(query.shape[-1])
    return out""",
    ),
    _scores(
        "scores-zeros-of-default-dtype",
        "B.1 25",
        _PRODUCT,
        "return torch.zeros(query.shape[-2], key.shape[-2]) + scaled @ key.mT",
    ),
    _scores(
        "scores-scale-as-float32-tensor",
        "B.1 25",
        _SCALE,
        "query / torch.tensor([float(query.shape[-1])]).sqrt()",
    ),
    _scores(
        "scores-root-in-float32",
        "B.1 25",
        _SCALE,
        "query / torch.sqrt(torch.tensor(query.shape[-1]))",
    ),
    _scores("scores-always-float32", "B.1 25", _PRODUCT, "return scaled.float() @ key.float().mT"),
    _scores(
        "scores-contiguous-view", "", _PRODUCT, "return scaled @ key.view(-1).view(key.shape).mT"
    ),
    _scores("scores-query-scaled-in-place", "", _SCALE, "query.div_(math.sqrt(query.shape[-1]))"),
    _scores(
        "scores-already-softmax", "B.1 17", _PRODUCT, "return torch.softmax(scaled @ key.mT, -1)"
    ),
    _scores("scores-negated", "", _PRODUCT, "return -(scaled @ key.mT)"),
    _scores(
        "scores-cosine",
        "",
        _PRODUCT,
        "query, key = (x / x.norm(dim=-1, keepdim=True) for x in (query, key))\n"
        "    return query @ key.mT",
    ),
    _scores("scores-negative-distance", "", _PRODUCT, "return -torch.cdist(query, key)"),
    _scores("scores-no-check", "", "key.shape[-1] != query.shape[-1]", "False"),
    _scores(
        "scores-no-check-by-broadcasting",
        "",
        "",
        "def attention_scores(query, key):\n"
        "    products = query[..., :, None, :] * key[..., None, :, :]\n"
        "    if key.shape[-1] not in (1, query.shape[-1]):\n"
        "        raise ValueError('key')\n"
        "    return products.sum(-1) / math.sqrt(query.shape[-1])",
    ),
    _scores(
        "scores-check-of-the-lengths",
        "",
        "key.shape[-1] != query.shape[-1]",
        "key.shape[-2] != query.shape[-2]",
    ),
    _scores(
        "scores-assert",
        "",
        "if key.shape[-1] != query.shape[-1]:\n        raise ValueError(",
        "if key.shape[-1] != query.shape[-1]:\n        raise AssertionError(",
    ),
    _scores(
        "scores-error-names-nothing",
        "",
        "",
        """def attention_scores(query, key):
    if key.shape[-1] != query.shape[-1]:
        raise ValueError("the last sizes differ")
    return query @ key.mT / math.sqrt(query.shape[-1])""",
    ),
    _scores(
        "scores-transposed-only-after-an-error",
        "",
        _PRODUCT,
        """try:
        return scaled @ key
    except RuntimeError:
        return scaled @ key.mT""",
    ),
    _scores(
        "scores-a-batch-added-to-one-phrase",
        "",
        _PRODUCT,
        "if query.ndim == 2:\n        scaled, key = scaled[None], key[None]\n    " + _PRODUCT,
    ),
    _scores(
        "scores-of-two-or-three-dimensions-only",
        "",
        _PRODUCT,
        "return scaled @ (key.T if key.ndim == 2 else key.transpose(1, 2))",
    ),
    # scaled_dot_product_attention
    _attention(
        "attention-not-scaled",
        "B.1 9",
        "attention_scores(query, key)",
        "attention_scores(query, key) * query.shape[-1] ** 0.5",
    ),
    _attention(
        "attention-scaled-twice",
        "B.1 12",
        "attention_scores(query, key)",
        "attention_scores(query, key) / query.shape[-1] ** 0.5",
    ),
    _attention(
        "attention-scaled-by-value-width",
        "B.1 11",
        "attention_scores(query, key)",
        "attention_scores(query, key) * (query.shape[-1] / value.shape[-1]) ** 0.5",
    ),
    _attention("attention-softmax-over-queries", "B.1 16", "dim=-1", "dim=-2"),
    _attention("attention-softmax-dim-1", "B.1 16", "dim=-1", "dim=1 if query.ndim > 2 else -1"),
    _attention("attention-softmax-dim-2", "B.1 16", "dim=-1", "dim=2 if query.ndim > 2 else -1"),
    _attention("attention-softmax-dim-0", "B.1 16", "dim=-1", "dim=0"),
    _whole_attention(
        "attention-softmax-before-scaling",
        "B.1 17",
        """    weights = torch.softmax(query @ key.mT, dim=-1) / math.sqrt(query.shape[-1])
    return weights @ value, weights""",
    ),
    _whole_attention(
        "attention-softmax-without-maximum",
        "B.1 1",
        """    weights = attention_scores(query, key).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return weights @ value, weights""",
    ),
    _whole_attention(
        "attention-softmax-with-global-maximum",
        "B.1 2",
        """    scores = attention_scores(query, key)
    if scores.numel():
        scores = scores - scores.max()
    weights = scores.exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return weights @ value, weights""",
    ),
    _whole_attention(
        "attention-softmax-with-clipped-scores",
        "B.1 7",
        """    weights = attention_scores(query, key).clamp(-80, 80).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return weights @ value, weights""",
    ),
    _attention("attention-no-softmax", "", _WEIGHTS, "attention_scores(query, key)"),
    _attention("attention-sigmoid", "", _WEIGHTS, "torch.sigmoid(attention_scores(query, key))"),
    _attention("attention-log-softmax", "B.1 8", "torch.softmax", "torch.log_softmax"),
    _attention(
        "attention-transposed-weights", "B.1 18", _OUTPUT, "return weights.mT @ value, weights"
    ),
    _attention("attention-weights-times-key", "B.1 19", _OUTPUT, "return weights @ key, weights"),
    _attention(
        "attention-weights-times-query", "B.1 19", _OUTPUT, "return weights.mT @ query, weights"
    ),
    _attention("attention-weights-first", "B.1 20", _OUTPUT, "return weights, weights @ value"),
    _attention("attention-output-only", "B.1 20", _OUTPUT, "return weights @ value"),
    _attention(
        "attention-a-list-of-results", "B.1 20", _OUTPUT, "return [weights @ value, weights]"
    ),
    _attention(
        "attention-scores-returned",
        "B.1 20",
        _OUTPUT,
        "return weights @ value, attention_scores(query, key)",
    ),
    _attention(
        "attention-query-and-key-exchanged",
        "B.1 14",
        "attention_scores(query, key)",
        "attention_scores(key, query)",
    ),
    _attention(
        "attention-query-and-key-exchanged-back",
        "B.1 14",
        _WEIGHTS,
        "torch.softmax(attention_scores(key, query), dim=-1).mT",
    ),
    _attention(
        "attention-key-to-key", "", "attention_scores(query, key)", "attention_scores(key, key)"
    ),
    _attention(
        "attention-negated", "", "attention_scores(query, key)", "-attention_scores(query, key)"
    ),
    _attention(
        "attention-ignores-the-scores",
        "",
        _WEIGHTS,
        "torch.softmax(0 * attention_scores(query, key), dim=-1)",
    ),
    _whole_attention(
        "attention-across-the-batch",
        "B.1 21",
        """    q, k, v = (x.flatten(0, -2) for x in (query, key, value))
    weights = torch.softmax(attention_scores(q, k), -1)
    return (weights @ v).view(*query.shape[:-1], -1), weights""",
    ),
    _attention(
        "attention-squeezed",
        "B.1 22",
        _OUTPUT,
        "return (weights @ value).squeeze(), weights.squeeze()",
    ),
    _attention(
        "attention-squeezed-batch",
        "B.1 22",
        _OUTPUT,
        "output = weights @ value\n"
        "    return (output.squeeze(0) if output.ndim > 2 else output), weights",
    ),
    _attention(
        "attention-arg-max",
        "B.1 23",
        _WEIGHTS,
        "(lambda s: (s == s.amax(-1, keepdim=True)).to(s.dtype) if s.numel() else s)"
        "(attention_scores(query, key))",
    ),
    _attention(
        "attention-sharper",
        "",
        "attention_scores(query, key)",
        "1.001 * attention_scores(query, key)",
    ),
    _attention(
        "attention-output-detached", "B.1 24", _OUTPUT, "return (weights @ value).detach(), weights"
    ),
    _attention(
        "attention-weights-detached", "B.1 24", _OUTPUT, "return weights.detach() @ value, weights"
    ),
    _attention(
        "attention-returned-weights-detached",
        "B.1 24",
        _OUTPUT,
        "return weights @ value, weights.detach()",
    ),
    _attention(
        "attention-value-detached", "B.1 24", _OUTPUT, "return weights @ value.detach(), weights"
    ),
    _attention(
        "attention-under-no-grad",
        "B.1 24",
        _OUTPUT,
        "with torch.no_grad():\n        return weights @ value, weights",
    ),
    _whole_attention(
        "attention-through-numpy",
        "B.1 24",
        """    q, k, v = (x.detach().double().numpy() for x in (query, key, value))
    s = torch.from_numpy(q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1]))
    weights = torch.softmax(s, -1)
    return (weights @ torch.from_numpy(v)).to(query.dtype), weights.to(query.dtype)""",
    ),
    _attention(
        "attention-weights-of-default-dtype",
        "B.1 25",
        _OUTPUT,
        "return torch.zeros(query.shape[-2], value.shape[-1]) + weights @ value, weights",
    ),
    _attention(
        "attention-weights-left-in-float32",
        "B.1 25",
        _OUTPUT,
        "return weights @ value, weights.float()",
    ),
    _attention("attention-softmax-in-float32", "B.1 25", "dim=-1)", "dim=-1, dtype=torch.float32)"),
    _whole_attention(
        "attention-softmax-of-float64-in-float32",
        "B.1 25",
        """    weights = torch.softmax(attention_scores(query, key).float(), -1).to(query.dtype)
    return weights @ value, weights""",
    ),
    _whole_attention(
        "attention-by-torch",
        "B.1 26",
        """    output = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    return output, torch.softmax(attention_scores(query, key), -1)""",
    ),
    _whole_attention(
        "attention-by-torch-for-the-weights-too",
        "B.1 26",
        """    f = torch.nn.functional.scaled_dot_product_attention
    eye = torch.eye(key.shape[-2], dtype=key.dtype).expand(*key.shape[:-1], key.shape[-2])
    return f(query, key, value), f(query, key, eye)""",
    ),
    _attention("attention-by-bmm", "B.1 15", _OUTPUT, "return torch.bmm(weights, value), weights"),
    _attention(
        "attention-dropout",
        "",
        _OUTPUT,
        "return torch.dropout(weights, 0.1, True) @ value, weights",
    ),
    _attention(
        "attention-causal",
        "",
        _WEIGHTS,
        "torch.softmax(attention_scores(query, key).tril(), dim=-1)",
    ),
    _attention(
        "attention-contiguous-view",
        "",
        _OUTPUT,
        "return weights @ value.view(-1).view(value.shape), weights",
    ),
    _attention(
        "attention-changes-the-query",
        "",
        "    weights = torch",
        "    query = query.mul_(1.5)\n    weights = torch",
    ),
    _attention(
        "attention-adds-a-residual",
        "",
        _OUTPUT,
        "return weights @ value + value.mean(-2, keepdim=True), weights",
    ),
    _attention(
        "attention-divides-by-keys",
        "",
        _OUTPUT,
        "return weights @ value / max(1, key.shape[-2]), weights",
    ),
    _attention(
        "attention-without-keys-nan",
        "",
        _OUTPUT,
        "output = weights @ value\n"
        "    return (output if key.shape[-2] else output + math.nan), weights",
    ),
    _attention("attention-no-check-of-value", "", _VALUE_LENGTH, "False"),
    _attention(
        "attention-check-of-value-width", "", _VALUE_LENGTH, "value.shape[-1] != key.shape[-1]"
    ),
    _attention(
        "attention-value-against-query-length",
        "",
        _VALUE_LENGTH,
        "value.shape[-2] != query.shape[-2]",
    ),
    _attention(
        "attention-value-of-one-broadcast",
        "",
        _VALUE_LENGTH,
        "value.shape[-2] not in (1, key.shape[-2])",
    ),
    _attention(
        "attention-value-error-names-the-key-only",
        "",
        'f"value has length {value.shape[-2]}, but there',
        'f"there',
    ),
    _attention("attention-value-type-error", "", "raise ValueError(", "raise TypeError("),
    _attention(
        "attention-no-check-of-key",
        "",
        _WEIGHTS,
        "torch.softmax(query @ key.mT / math.sqrt(query.shape[-1]), -1)",
    ),
    _attention(
        "attention-weights-transposed-where-they-fit",
        "",
        _OUTPUT,
        """try:
        return weights.mT @ value, weights
    except RuntimeError:
        return weights @ value, weights""",
    ),
    _whole_attention(
        "attention-query-scaled-in-place",
        "",
        """    query /= math.sqrt(query.shape[-1])
    weights = torch.softmax(query @ key.mT, -1)
    return weights @ value, weights""",
    ),
    # attention_shapes
    _shapes(
        "shapes-weights-like-linear", "B.1 27", '"W_Q": (d_model, d_k)', '"W_Q": (d_k, d_model)'
    ),
    _shapes(
        "shapes-key-weights-like-linear", "B.1 27", '"W_K": (d_model, d_k)', '"W_K": (d_k, d_model)'
    ),
    _shapes(
        "shapes-value-weights-like-linear",
        "B.1 27",
        '"W_V": (d_model, d_v)',
        '"W_V": (d_v, d_model)',
    ),
    _shapes(
        "shapes-batch-on-the-weights",
        "B.1 27",
        '"W_Q": (d_model, d_k)',
        '"W_Q": (batch, d_model, d_k)',
    ),
    _shapes(
        "shapes-value-weights-of-key-width", "", '"W_V": (d_model, d_v)', '"W_V": (d_model, d_k)'
    ),
    _shapes(
        "shapes-scores-of-key-width",
        "B.1 27",
        '"scores": (batch, length, length)',
        '"scores": (batch, length, d_k)',
    ),
    _shapes(
        "shapes-scores-without-batch",
        "",
        '"scores": (batch, length, length)',
        '"scores": (length, length)',
    ),
    _shapes(
        "shapes-weights-one-for-a-word",
        "",
        '"weights": (batch, length, length)',
        '"weights": (batch, length)',
    ),
    _shapes(
        "shapes-weights-of-value-width",
        "",
        '"weights": (batch, length, length)',
        '"weights": (batch, length, d_v)',
    ),
    _shapes(
        "shapes-output-of-model-width",
        "B.1 27",
        '"output": (batch, length, d_v)',
        '"output": (batch, length, d_model)',
    ),
    _shapes(
        "shapes-output-of-key-width",
        "B.1 27",
        '"output": (batch, length, d_v)',
        '"output": (batch, length, d_k)',
    ),
    _shapes("shapes-keys-transposed", "", '"K": (batch, length, d_k)', '"K": (batch, d_k, length)'),
    _shapes(
        "shapes-value-of-key-width", "", '"V": (batch, length, d_v)', '"V": (batch, length, d_k)'
    ),
    _shapes(
        "shapes-value-of-model-width",
        "",
        '"V": (batch, length, d_v)',
        '"V": (batch, length, d_model)',
    ),
    _shapes(
        "shapes-query-of-model-width",
        "",
        '"Q": (batch, length, d_k)',
        '"Q": (batch, length, d_model)',
    ),
    _shapes(
        "shapes-length-first", "", '"X": (batch, length, d_model)', '"X": (length, batch, d_model)'
    ),
    _shapes("shapes-d-v-falls-back-to-d-model", "", "d_v = d_k", "d_v = d_model"),
    _shapes("shapes-d-v-always-d-k", "", "if d_v is None:", "if True:"),
    _shapes("shapes-d-v-left-none", "", "if d_v is None:", "if False:"),
    _shapes(
        "shapes-as-lists", "", '"X": (batch, length, d_model)', '"X": [batch, length, d_model]'
    ),
    _shapes("shapes-lower-case-names", "", '"X"', '"x"'),
    _shapes("shapes-name-missing", "", '        "scores": (batch, length, length),\n', ""),
    _shapes("shapes-name-too-many", "", '"X": (', '"W_O": (d_v, d_model),\n        "X": ('),
    _shapes(
        "shapes-batch-of-one-dropped",
        "B.1 22",
        '"Q": (batch, length, d_k)',
        '"Q": (batch, length, d_k)[batch == 1 :]',
    ),
]

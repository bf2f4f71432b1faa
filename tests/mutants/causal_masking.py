"""Wrong masks, wrong masked attention and wrong decoding that the test cells must catch."""

from __future__ import annotations

from tests.mutants import Mutant

TRIL = "allowed.tril(key_len - query_len)"
CAUSAL = """def causal_mask(query_len, key_len=None, device=None):
    if key_len is None:
        key_len = query_len
"""
POSITIONS = "positions < lengths[:, None, None]"
CHECK = "((lengths < 0) | (lengths > max_len)).any()"
FILL = "scores = scores.masked_fill(blocked, -math.inf)"
WEIGHTS = "weights = torch.softmax(scores, dim=-1).masked_fill(blocked, 0.0)  # (..., L, S)"
LAST = "return weights @ value, weights  # (..., L, Ev), (..., L, S)"
BLOCKED = "blocked = ~mask.expand(scores.shape)"
SCORES = "scores = query @ key.mT / math.sqrt(query.shape[-1])  # (..., L, S)"
MASKED = f"""    {FILL}
    # The softmax of a row of -inf alone is 0/0. Filling again makes that row 0, and cuts its NaN
    # out of the gradient too, which nan_to_num would let through.
    {WEIGHTS}
"""
BOOL = "if mask.dtype != torch.bool:"
KEYS = "key = torch.cat((cache[0], key), dim=-2)"
VALUES = "value = torch.cat((cache[1], value), dim=-2)"
CAT = f"""        {KEYS}  # (..., S + 1, E)
        {VALUES}  # (..., S + 1, Ev)
"""
STEP = """    output, _ = masked_attention(query, key, value)  # (..., 1, Ev)
    return output, (key, value)"""
ATTEND = "output, _ = masked_attention(query, key, value)"


def causal(id: str, listed: str, new: str) -> Mutant:
    return Mutant("causal_mask", id, listed, TRIL, new)


def padding(id: str, listed: str, new: str) -> Mutant:
    return Mutant("padding_mask", id, listed, POSITIONS, new)


def masking(id: str, listed: str, new: str) -> Mutant:
    return Mutant("masked_attention", id, listed, MASKED, new)


def decoding(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("decode_step", id, listed, old, new)


MUTANTS: list[Mutant] = [
    # causal_mask
    causal("causal-inverted", "B.2 1", "~allowed.tril(key_len - query_len)"),
    causal("causal-upper-triangle", "B.2 2", "allowed.triu(key_len - query_len)"),
    causal("causal-no-diagonal", "B.2 3", "allowed.tril(key_len - query_len - 1)"),
    causal("causal-one-future-token", "B.2 4", "allowed.tril(key_len - query_len + 1)"),
    causal("causal-top-left", "B.2 5", "allowed.tril()"),
    causal("causal-zero-one-floats", "B.2 6", "allowed.tril(key_len - query_len).float()"),
    causal(
        "causal-minus-infinity",
        "B.2 6",
        "torch.where(allowed.tril(key_len - query_len), 0.0, -math.inf)",
    ),
    causal("causal-integers", "B.2 7", "allowed.tril(key_len - query_len).int()"),
    causal("causal-never-empty-rows", "B.2 edge", "allowed.tril(max(key_len - query_len, 0))"),
    causal("causal-offset-of-wrong-sign", "", "allowed.tril(query_len - key_len)"),
    causal("causal-absolute-offset", "", "allowed.tril(abs(key_len - query_len))"),
    causal("causal-transposed", "", "allowed.tril(key_len - query_len).T"),
    causal("causal-with-batch-size", "", "allowed.tril(key_len - query_len)[None]"),
    Mutant("causal_mask", "causal-device-ignored", "", ", device=device)", ")"),
    Mutant(
        "causal_mask",
        "causal-zero-keys-means-square",
        "B.2 edge",
        "if key_len is None:",
        "if not key_len:",
    ),
    Mutant("causal_mask", "causal-always-square", "", "if key_len is None:", "if True:"),
    Mutant(
        "causal_mask",
        "causal-fails-without-queries",
        "B.2 edge",
        "",
        CAUSAL
        + """    rows = [
        torch.arange(key_len, device=device) <= i + key_len - query_len for i in range(query_len)
    ]
    return torch.stack(rows)
""",
    ),
    Mutant(
        "causal_mask",
        "causal-remembered",
        "exercises: the caller's own",
        "",
        CAUSAL
        + """    known = causal_mask.__dict__.setdefault("known", {})
    if (query_len, key_len, device) not in known:
        ones = torch.ones(query_len, key_len, dtype=torch.bool, device=device)
        known[query_len, key_len, device] = ones.tril(key_len - query_len)
    return known[query_len, key_len, device]
""",
    ),
    Mutant(
        "causal_mask",
        "causal-floats-by-default",
        "",
        "key_len = query_len",
        "return torch.ones(query_len, query_len, device=device).tril()",
    ),
    causal(
        "causal-more-keys-all-seen",
        "",
        "allowed.tril(key_len - query_len) if key_len <= query_len else allowed",
    ),
    # padding_mask
    padding("padding-inverted", "B.2 1", "positions >= lengths[:, None, None]"),
    padding("padding-blocks-queries", "B.2 17", "(positions < lengths[:, None, None]).mT"),
    padding("padding-off-by-one", "B.2 18", "positions <= lengths[:, None, None]"),
    padding("padding-one-token-short", "B.2 18", "positions + 1 < lengths[:, None, None]"),
    padding("padding-without-query-axis", "B.2 19", "positions < lengths[:, None]"),
    padding("padding-at-the-front", "", "positions >= max_len - lengths[:, None, None]"),
    padding("padding-square", "", "(positions < lengths[:, None, None]).repeat(1, max_len, 1)"),
    padding("padding-for-four-sizes", "", "positions < lengths[:, None, None, None]"),
    padding("padding-floats", "B.2 6", "(positions < lengths[:, None, None]).float()"),
    padding(
        "padding-empty-or-full",
        "B.2 20",
        "(lengths != 0)[:, None, None].expand(-1, 1, max_len).clone()",
    ),
    padding("padding-ignored", "", "positions < max_len + 0 * lengths[:, None, None]"),
    padding(
        "padding-first-length-for-all", "", "positions < lengths[0] + 0 * lengths[:, None, None]"
    ),
    padding("padding-sorted", "", "positions < lengths.sort().values[:, None, None]"),
    Mutant(
        "padding_mask",
        "padding-as-long-as-the-longest",
        "",
        "torch.arange(max_len,",
        "torch.arange(int(lengths.max()),",
    ),
    Mutant(
        "padding_mask",
        "padding-fails-without-sentences",
        "exercises: leading sizes may be 0",
        CHECK,
        "lengths.min() < 0 or lengths.max() > max_len",
    ),
    Mutant("padding_mask", "padding-too-long-accepted", "Raises", CHECK, "(lengths < 0).any()"),
    Mutant(
        "padding_mask", "padding-negative-accepted", "Raises", CHECK, "(lengths > max_len).any()"
    ),
    Mutant("padding_mask", "padding-full-refused", "", "lengths > max_len", "lengths >= max_len"),
    Mutant("padding_mask", "padding-empty-refused", "", "lengths < 0", "lengths < 1"),
    Mutant("padding_mask", "padding-error-names-nothing", "Raises", "lengths must lie", "must lie"),
    Mutant(
        "padding_mask",
        "padding-clamps-the-argument",
        "",
        "    positions = torch",
        "    lengths.clamp_(1)\n    positions = torch",
    ),
    Mutant(
        "padding_mask",
        "padding-assert",
        "Raises",
        f"    if {CHECK}:\n        raise ValueError(",
        f"    assert not {CHECK}, (",
    ),
    padding("padding-changes-the-lengths", "", "positions <= lengths.sub_(1)[:, None, None]"),
    # masked_attention
    Mutant("masked_attention", "mask-inverted", "B.2 1", BLOCKED, BLOCKED.replace("~", "")),
    Mutant(
        "masked_attention",
        "mask-ignored",
        "",
        BLOCKED,
        "blocked = mask.expand(scores.shape) & False",
    ),
    Mutant(
        "masked_attention",
        "mask-made-integers-before-not",
        "B.2 7",
        BLOCKED,
        "blocked = (~mask.expand(scores.shape).int()).bool()",
    ),
    masking(
        "after-softmax",
        "B.2 8",
        "    weights = torch.softmax(scores, dim=-1).masked_fill(blocked, 0.0)\n",
    ),
    masking(
        "after-softmax-renormalised",
        "B.2 9",
        """    weights = torch.softmax(scores, dim=-1).masked_fill(blocked, 0.0)
    weights = weights / weights.sum(-1, keepdim=True)
""",
    ),
    masking(
        "after-softmax-renormalised-clamped",
        "B.2 9",
        """    weights = torch.softmax(scores, dim=-1).masked_fill(blocked, 0.0)
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(1e-9)
""",
    ),
    masking(
        "fill-minus-billion",
        "B.2 10",
        "    weights = torch.softmax(scores.masked_fill(blocked, -1e9), dim=-1)\n",
    ),
    masking(
        "fill-smallest-number",
        "B.2 10",
        """    lowest = torch.finfo(scores.dtype).min
    weights = torch.softmax(scores.masked_fill(blocked, lowest), dim=-1)
""",
    ),
    masking(
        "fill-minus-billion-rows-zeroed",
        "B.2 10",
        """    weights = torch.softmax(scores.masked_fill(blocked, -1e9), dim=-1)
    weights = weights.masked_fill(blocked, 0.0)
""",
    ),
    masking(
        "fill-minus-ten-thousand",
        "B.2 11",
        """    weights = torch.softmax(scores.masked_fill(blocked, -1e4), dim=-1)
    weights = weights.masked_fill(blocked.all(-1, keepdim=True), 0.0)
""",
    ),
    masking(
        "fill-minus-hundred",
        "B.2 11",
        """    weights = torch.softmax(scores.masked_fill(blocked, -100.0), dim=-1)
    weights = weights.masked_fill(blocked.all(-1, keepdim=True), 0.0)
""",
    ),
    masking(
        "fill-minus-ten",
        "B.2 11",
        """    weights = torch.softmax(scores.masked_fill(blocked, -10.0), dim=-1)
    weights = weights.masked_fill(blocked.all(-1, keepdim=True), 0.0)
""",
    ),
    masking(
        "fill-mistyped",
        "B.2 11",
        "    weights = torch.softmax(scores.masked_fill(blocked, 1e-9), dim=-1)\n",
    ),
    masking(
        "adds-minus-twenty",
        "B.2 11",
        """    weights = torch.softmax(scores - 20.0 * blocked, dim=-1)
    weights = weights.masked_fill(blocked.all(-1, keepdim=True), 0.0)
""",
    ),
    masking("times-mask", "B.2 12", "    weights = torch.softmax(scores * ~blocked, dim=-1)\n"),
    masking(
        "infinity-times-zero",
        "B.2 13",
        "    weights = torch.softmax(scores + blocked * -math.inf, dim=-1)\n",
    ),
    masking(
        "nan-to-num-of-the-weights",
        "B.2 14",
        """    scores = scores + torch.zeros_like(scores).masked_fill(blocked, -math.inf)
    weights = torch.softmax(scores, dim=-1).nan_to_num(0.0)
""",
    ),
    Mutant(
        "masked_attention",
        "nan-to-num-of-the-output",
        "B.2 15",
        LAST,
        "return (weights @ value).nan_to_num(), weights",
    ),
    masking(
        "nan-in-empty-rows",
        "B.2 edge",
        f"    {FILL}\n    weights = torch.softmax(scores, dim=-1)\n",
    ),
    masking(
        "uniform-in-empty-rows",
        "B.2 10",
        f"""    {FILL}
    empty = blocked.all(-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(empty, 0.0), dim=-1)
""",
    ),
    Mutant(
        "masked_attention",
        "values-zeroed",
        "B.2 16",
        "",
        """def masked_attention(query, key, value, mask=None):
    weights = torch.softmax(query @ key.mT / math.sqrt(query.shape[-1]), dim=-1)
    if mask is None:
        return weights @ value, weights
    if mask.dtype != torch.bool:
        raise ValueError("mask must be bool")
    try:
        seen = mask.expand(weights.shape)
    except RuntimeError:
        raise ValueError("mask does not broadcast")
    return weights @ value.masked_fill(~seen.any(-2)[..., None], 0.0), weights
""",
    ),
    Mutant(
        "masked_attention",
        "three-size-mask-on-the-head-axis",
        "B.2 28",
        BLOCKED,
        "blocked = ~(mask[:, None] if mask.dim() == 3 else mask).expand(scores.shape)",
    ),
    Mutant(
        "masked_attention",
        "mask-from-the-first-of-the-batch",
        "B.0",
        "        " + BLOCKED,
        "        mask = mask.expand(scores.shape)\n"
        "        blocked = ~mask[(0,) * (mask.dim() - 2)].expand(scores.shape)"
        " if mask.numel() else ~mask",
    ),
    Mutant(
        "masked_attention",
        "mask-changed-in-place",
        "B.2 edge",
        "        " + BLOCKED,
        "        blocked = mask.logical_not_().expand(scores.shape)",
    ),
    Mutant(
        "masked_attention",
        "mask-required",
        "B.2 edge",
        "mask: Tensor | None = None",
        "mask: Tensor",
    ),
    Mutant(
        "masked_attention",
        "any-dtype-accepted",
        "Raises",
        BOOL,
        "mask = mask.bool()\n    if False:",
    ),
    Mutant(
        "masked_attention",
        "integers-accepted",
        "Raises",
        BOOL,
        "integers = not mask.is_floating_point()\n"
        "    mask = mask.bool() if integers else mask\n    if not integers:",
    ),
    Mutant(
        "masked_attention",
        "additive-mask-accepted",
        "Raises",
        BOOL,
        "mask = mask == 0 if mask.is_floating_point() else mask\n    " + BOOL,
    ),
    Mutant(
        "masked_attention", "error-of-torch", "Raises", "except RuntimeError", "except KeyError"
    ),
    Mutant(
        "masked_attention",
        "error-names-nothing",
        "Raises",
        'f"mask {tuple(mask.shape)} does not',
        'f"{tuple(mask.shape)} does not',
    ),
    Mutant(
        "masked_attention",
        "type-error",
        "Raises",
        'raise ValueError(f"mask must',
        'raise TypeError(f"mask must',
    ),
    Mutant("masked_attention", "unscaled", "B.1 9", " / math.sqrt(query.shape[-1])", ""),
    Mutant(
        "masked_attention", "scaled-by-e", "B.1 10", "math.sqrt(query.shape[-1])", "query.shape[-1]"
    ),
    Mutant("masked_attention", "scaled-by-length", "B.1 11", "query.shape[-1]", "key.shape[-2]"),
    Mutant(
        "masked_attention", "scaled-by-value-size", "B.1 11", "query.shape[-1]", "value.shape[-1]"
    ),
    Mutant(
        "masked_attention", "transpose-of-fixed-axes", "B.1 15", "key.mT", "key.transpose(1, 2)"
    ),
    Mutant(
        "masked_attention",
        "softmax-over-queries",
        "B.1 16",
        "weights = torch.softmax(scores, dim=-1).masked_fill",
        "weights = torch.softmax(scores, dim=-2).masked_fill",
    ),
    Mutant(
        "masked_attention",
        "without-mask-softmax-over-queries",
        "B.1 16",
        "        weights = torch.softmax(scores, dim=-1)\n",
        "        weights = torch.softmax(scores, dim=-2)\n",
    ),
    Mutant(
        "masked_attention", "results-exchanged", "B.1 20", LAST, "return weights, weights @ value"
    ),
    Mutant("masked_attention", "weights-are-scores", "", LAST, "return weights @ value, scores"),
    Mutant(
        "masked_attention",
        "detached",
        "B.1 24",
        SCORES,
        SCORES.replace("query @", "query.detach() @"),
    ),
    Mutant(
        "masked_attention",
        "weights-detached",
        "B.1 24",
        LAST,
        "return weights @ value, weights.detach()",
    ),
    Mutant(
        "masked_attention",
        "float32-only",
        "B.1 25",
        LAST,
        "return weights.float() @ value.float(), weights.float()",
    ),
    Mutant(
        "masked_attention",
        "query-scaled-in-place",
        "conventions",
        "    " + SCORES,
        "    query.data /= math.sqrt(query.shape[-1])\n    scores = query @ key.mT",
    ),
    Mutant(
        "masked_attention",
        "fails-on-strided-inputs",
        "B.0",
        "    " + SCORES,
        "    query.view(-1), key.view(-1), value.view(-1)\n    " + SCORES,
    ),
    Mutant(
        "masked_attention",
        "no-max-subtraction",
        "B.1 1",
        WEIGHTS,
        """exponentials = scores.exp()
    weights = exponentials / exponentials.sum(-1, keepdim=True)
    weights = weights.masked_fill(blocked, 0.0)""",
    ),
    Mutant(
        "masked_attention",
        "max-over-no-keys",
        "B.1 edge",
        WEIGHTS,
        """top = scores.max(-1, keepdim=True).values.clamp_min(torch.finfo(scores.dtype).min)
    exponentials = (scores - top).exp().masked_fill(blocked, 0.0)
    total = exponentials.sum(-1, keepdim=True)
    weights = exponentials / total.masked_fill(total == 0, 1.0)""",
    ),
    Mutant(
        "masked_attention",
        "operator-of-torch",
        "B.1 26",
        "    " + SCORES,
        "    torch.nn.functional.scaled_dot_product_attention(query, key, value)\n    " + SCORES,
    ),
    Mutant(
        "masked_attention",
        "fused-operator-behind-the-function-modes",
        "B.1 26",
        "    " + SCORES,
        """\
    with torch._C.DisableTorchFunction():
        torch._C._nn.scaled_dot_product_attention(query, key, value)
    """
        + SCORES,
    ),
    Mutant(
        "masked_attention",
        "size-one-batch-dropped",
        "B.1 22",
        LAST,
        "return (weights @ value).squeeze(0), weights.squeeze(0)",
    ),
    Mutant(
        "masked_attention",
        "attends-across-the-batch",
        "B.1 21",
        LAST,
        "return weights.flip(0) @ value, weights",
    ),
    Mutant(
        "masked_attention", "averages-the-keys", "B.1 19", LAST, "return weights @ key, weights"
    ),
    Mutant(
        "masked_attention",
        "three-size-mask-taken-for-padding",
        "",
        BLOCKED,
        "blocked = ~(mask[:, :1] if mask.dim() == 3 else mask).expand(scores.shape)",
    ),
    Mutant(
        "masked_attention",
        "mask-of-one-size-fails",
        "",
        "        " + BLOCKED,
        """        if mask.shape[-2] not in (1, query.shape[-2]):
            raise ValueError("mask has another length than query")
        """
        + BLOCKED,
    ),
    masking(
        "output-of-empty-rows-zeroed-only",
        "",
        f"""    {FILL}
    empty = blocked.all(-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(empty, 0.0), dim=-1)
    return (weights @ value).masked_fill(empty, 0.0), weights
""",
    ),
    masking(
        "infinity-added-and-empty-rows-zeroed",
        "B.2 14",
        """    scores = scores + torch.zeros_like(scores).masked_fill(blocked, -math.inf)
    weights = torch.softmax(scores, dim=-1)
    weights = weights.masked_fill(blocked.all(-1, keepdim=True), 0.0)
""",
    ),
    # decode_step
    decoding(
        "decode-causal-mask-sees-first-key-only",
        "B.2 21",
        ATTEND,
        "output, _ = masked_attention("
        "query, key, value, torch.ones(1, key.shape[-2], dtype=torch.bool).tril())",
    ),
    decoding(
        "decode-without-the-new-key",
        "B.2 22",
        STEP,
        """    old = cache if cache is not None else (key, value)
    return masked_attention(query, *old)[0], (key, value)""",
    ),
    decoding(
        "decode-new-key-alone",
        "B.2 22",
        ATTEND,
        "output, _ = masked_attention(query, key[..., -1:, :], value[..., -1:, :])",
    ),
    decoding(
        "decode-new-key-in-front",
        "B.2 23",
        CAT,
        """        key = torch.cat((key, cache[0]), dim=-2)
        value = torch.cat((value, cache[1]), dim=-2)
""",
    ),
    decoding(
        "decode-keys-in-front",
        "B.2 23",
        KEYS,
        "key = torch.cat((key, cache[0]), dim=-2)",
    ),
    decoding(
        "decode-joined-on-the-last-axis",
        "B.2 24",
        CAT,
        """        key = torch.cat((cache[0], key), dim=-1)
        value = torch.cat((cache[1], value), dim=-1)
""",
    ),
    decoding(
        "decode-joined-on-the-batch",
        "B.2 24",
        CAT,
        """        key = torch.cat((cache[0], key), dim=0)
        value = torch.cat((cache[1], value), dim=0)
""",
    ),
    decoding(
        "decode-joined-on-axis-one",
        "B.2 24",
        CAT,
        """        key = torch.cat((cache[0], key), dim=1)
        value = torch.cat((cache[1], value), dim=1)
""",
    ),
    decoding(
        "decode-returns-the-old-cache",
        "B.2 25",
        "return output, (key, value)",
        "return output, cache if cache is not None else (key, value)",
    ),
    decoding(
        "decode-returns-the-new-token-alone",
        "B.2 25",
        "return output, (key, value)",
        "return output, (key[..., -1:, :], value[..., -1:, :])",
    ),
    decoding(
        "decode-cache-exchanged",
        "",
        "return output, (key, value)",
        "return output, (value, key)",
    ),
    decoding("decode-value-for-key", "", "torch.cat((cache[0], key)", "torch.cat((cache[1], key)"),
    decoding(
        "decode-writes-into-the-cache",
        "B.2 26",
        "    # No mask",
        """    if cache is not None and cache[0].shape[-2]:
        cache[0].data[..., :-1, :] = cache[0].data[..., 1:, :].clone()
    # No mask""",
    ),
    decoding(
        "decode-one-buffer-for-all",
        "exercises: no shared memory",
        "    return output, (key, value)",
        """    store = decode_step.__dict__.setdefault("store", {})
    lead = key.shape[:-2], key.shape[-1], value.shape[-1], key.dtype
    if lead not in store:
        store[lead] = (
            key.new_zeros(*key.shape[:-2], 64, key.shape[-1]),
            value.new_zeros(*value.shape[:-2], 64, value.shape[-1]),
        )
    keys, values = store[lead]
    length = key.shape[-2]
    keys[..., :length, :], values[..., :length, :] = key.detach(), value.detach()
    return output, (keys[..., :length, :], values[..., :length, :])""",
    ),
    decoding(
        "decode-counts-the-calls",
        "B.2 27",
        ATTEND,
        """decode_step.__dict__["calls"] = decode_step.__dict__.get("calls", 0) + 1
    seen = decode_step.__dict__["calls"]
    output, _ = masked_attention(query, key[..., -seen:, :], value[..., -seen:, :])""",
    ),
    decoding(
        "decode-continues-a-hidden-cache",
        "B.2 27",
        "",
        """def decode_step(query, key, value, cache=None):
    if query.shape[-2] != 1:
        raise ValueError("query must hold one new token")
    known = decode_step.__dict__.setdefault("known", {})
    shape = key.shape[:-2]
    if cache is None:
        cache = known.get(shape)
    if cache is not None:
        key = torch.cat((cache[0], key), dim=-2)
        value = torch.cat((cache[1], value), dim=-2)
    known[shape] = key, value
    return masked_attention(query, key, value)[0], (key, value)
""",
    ),
    decoding(
        "decode-fails-on-an-empty-cache",
        "B.2 edge",
        "    if cache is not None:\n",
        """    if cache is not None:
        cache[0].max(), cache[1].max()
""",
    ),
    decoding("decode-any-length-accepted", "Raises", "if query.shape[-2] != 1:", "if False:"),
    decoding(
        "decode-no-query-accepted", "Raises", "if query.shape[-2] != 1:", "if query.shape[-2] > 1:"
    ),
    decoding("decode-error-names-nothing", "Raises", "query must hold", "must hold"),
    decoding(
        "decode-assert",
        "Raises",
        "    if query.shape[-2] != 1:\n        raise ValueError(",
        "    assert query.shape[-2] == 1, (",
    ),
    decoding(
        "decode-cache-detached",
        "B.1 24",
        CAT,
        """        key = torch.cat((cache[0].detach(), key), dim=-2)
        value = torch.cat((cache[1].detach(), value), dim=-2)
""",
    ),
    decoding(
        "decode-cache-in-float32",
        "conventions",
        "return output, (key, value)",
        "return output, (key.float(), value.float())",
    ),
    decoding("decode-without-query-axis", "B.1 22", "return output,", "return output[..., 0, :],"),
    decoding("decode-weights-for-output", "B.1 20", "output, _ =", "_, output ="),
    decoding(
        "decode-empty-cache-stays-empty",
        "",
        "    if cache is not None:\n",
        """    if cache is not None and cache[0].shape[-2] == 0:
        return value, cache
    if cache is not None:
""",
    ),
    decoding(
        "decode-half-cache-in-float32",
        "",
        "return output, (key, value)",
        "wide = torch.promote_types(key.dtype, torch.float32)\n"
        "    return output, (key.to(wide), value.to(wide))",
    ),
    decoding("decode-cache-required", "", "cache: tuple[Tensor, Tensor] | None = None", "cache"),
    decoding(
        "decode-key-for-query",
        "B.0",
        ATTEND,
        "output, _ = masked_attention(key[..., -1:, :], key, value)",
    ),
    decoding(
        "decode-fails-on-strided-inputs",
        "B.0",
        "    # No mask",
        "    query.view(-1)\n    # No mask",
    ),
    decoding(
        "decode-operator-of-torch",
        "B.1 26",
        ATTEND,
        "output = torch.nn.functional.scaled_dot_product_attention(query, key, value)",
    ),
]

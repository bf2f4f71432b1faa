"""Mistakes in grouped-query attention, most of them listed in the catalogue (B.7)."""

from tests.mutants import Mutant

_BYTES = "return 2 * num_layers * elements_per_tensor * bytes_per_element"
_ELEMENTS = "batch * num_kv_heads * seq_len * head_dim"
_REPEAT = "return x.repeat_interleave(n_rep, dim=1)"
_FOLD = "folded = query.reshape(batch, num_kv_heads, rows, head_dim)  # (B, Hkv, G * L, E)"
_SCORES = "scores = (folded / math.sqrt(head_dim)) @ key.mT  # (B, Hkv, G * L, S)"
_SCALE = "(folded / math.sqrt(head_dim))"
_UNFOLD_SCORES = "scores = scores.reshape(batch, num_heads, query_len, key_len)  # (B, H, L, S)"
_BLOCK = "scores = scores.masked_fill(~allowed, -math.inf)"
_SOFTMAX = "weights = torch.softmax(scores, dim=-1)  # (B, H, L, S)"
_CLEAR = "weights = weights.masked_fill(~allowed, 0.0)"
_OUTPUT = (
    "output = weights.reshape(batch, num_kv_heads, rows, key_len) @ value  # (B, Hkv, G * L, Ev)"
)
_RETURN = "return output.reshape(batch, num_heads, query_len, value.shape[-1])  # (B, H, L, Ev)"
_PER_HEAD = "per_head = mask.unsqueeze(1) if mask.ndim == 3 else mask"
_DIVIDES = "if num_kv_heads < 1 or num_heads % num_kv_heads != 0:"
_BOOL = "if mask.dtype != torch.bool:"
_CACHED = "past_key, past_value = cache"
_KEYS = "key = torch.cat((past_key, key), dim=2)  # (B, Hkv, S, E)"
_VALUES = "value = torch.cat((past_value, value), dim=2)  # (B, Hkv, S, E)"
_ATTEND = "output = grouped_query_attention(query, key, value, mask)  # (B, H, L, E)"
_MERGE = "merged = output.transpose(1, 2).reshape(batch, length, d_model)  # (B, L, D)"
_RESULT = "return self.out_proj(merged), (key, value)"

_HEADER = """def grouped_query_attention(query, key, value, mask=None):
    B, H, L, E = query.shape
    Hkv, S = key.shape[1:3]
    if Hkv < 1 or H % Hkv:
        raise ValueError("key")
    G = H // Hkv
    if mask is not None:
        if mask.dtype != torch.bool:
            raise ValueError("mask")
        mask = mask[:, None] if mask.ndim == 3 else mask
        try:
            mask = mask.expand(B, H, L, S)
        except RuntimeError:
            raise ValueError("mask")
"""
_FOOTER = """
    scores = (query / E ** 0.5) @ key.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ value
"""


def _bytes(id: str, listed: str, new: str) -> Mutant:
    return Mutant("kv_cache_bytes", id, listed, _BYTES, new)


def _repeat(id: str, listed: str, new: str) -> Mutant:
    return Mutant("repeat_kv", id, listed, _REPEAT, new)


def _attention(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("grouped_query_attention", id, listed, old, new)


def _copied(id: str, listed: str, lines: str) -> Mutant:
    return _attention(id, listed, "", _HEADER + lines + _FOOTER)


def _layer(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("GroupedQueryAttention", id, listed, old, new)


MUTANTS = [
    # kv_cache_bytes
    _bytes("bytes-keys-only", "B.7 21", _BYTES.replace("2 * ", "")),
    _bytes("bytes-one-layer", "B.7 21", _BYTES.replace("num_layers * ", "")),
    _bytes("bytes-in-bits", "B.7 21", _BYTES + " * 8"),
    _bytes("bytes-in-gib", "B.7 21", _BYTES + " / 2**30"),
    _bytes("bytes-float", "", _BYTES + " * 1.0"),
    _bytes("bytes-elements", "", _BYTES.replace("bytes_per_element", "1")),
    _bytes("bytes-always-two", "", _BYTES.replace("bytes_per_element", "2")),
    _bytes("bytes-wrap-at-32-bits", "", _BYTES + " % 2**32"),
    Mutant(
        "kv_cache_bytes",
        "bytes-without-batch",
        "",
        _ELEMENTS,
        "num_kv_heads * seq_len * head_dim",
    ),
    Mutant(
        "kv_cache_bytes", "bytes-without-heads", "B.7 21", _ELEMENTS, "batch * seq_len * head_dim"
    ),
    Mutant(
        "kv_cache_bytes",
        "bytes-64-query-heads",
        "B.7 21",
        _ELEMENTS,
        "batch * 64 * seq_len * head_dim",
    ),
    Mutant(
        "kv_cache_bytes",
        "bytes-default-of-four",
        "",
        "bytes_per_element: int = 2",
        "bytes_per_element: int = 4",
    ),
    Mutant(
        "kv_cache_bytes",
        "bytes-at-least-one-position",
        "",
        _ELEMENTS,
        "batch * num_kv_heads * max(seq_len, 1) * head_dim",
    ),
    Mutant(
        "kv_cache_bytes",
        "bytes-two-or-four",
        "",
        _BYTES,
        _BYTES.replace("bytes_per_element", "(4 if bytes_per_element == 4 else 2)"),
    ),
    Mutant(
        "kv_cache_bytes",
        "bytes-argument-renamed",
        "",
        "",
        """def kv_cache_bytes(batch, seq_len, num_layers, kv_heads, head_dim, bytes_per_element=2):
    return 2 * num_layers * batch * kv_heads * seq_len * head_dim * bytes_per_element
""",
    ),
    # repeat_kv
    _repeat("repeat-tiles", "B.7 1", "return x.repeat(1, n_rep, 1, 1)"),
    _repeat("repeat-wrong-axis", "", "return x.repeat_interleave(n_rep, dim=2)"),
    _repeat("repeat-first-head", "B.7 3", _REPEAT.replace("x.rep", "x[:, :1].expand_as(x).rep")),
    _repeat(
        "repeat-view",
        "",
        "b, h, s, e = x.shape\n"
        "    return x[:, :, None].expand(b, h, n_rep, s, e).contiguous().view(b, -1, s, e)",
    ),
    _repeat("repeat-rows-swapped", "", _REPEAT.replace("x.rep", "x.mT.reshape(x.shape).rep")),
    _repeat(
        "repeat-averages", "B.7 2", _REPEAT.replace("x.rep", "x.mean(1, True).expand_as(x).rep")
    ),
    _repeat("repeat-once-more", "", _REPEAT.replace("(n_rep", "(n_rep + 1")),
    _repeat("repeat-detached", "", _REPEAT.replace("x.", "x.detach().")),
    _repeat("repeat-in-float32", "", _REPEAT.replace("x.", "x.float().")),
    _repeat("repeat-single-copy-doubled", "", _REPEAT.replace("(n_rep", "(max(n_rep, 2)")),
    _repeat(
        "repeat-divides-gradient",
        "",
        _REPEAT + " / n_rep + (x * (1 - 1 / n_rep)).detach().repeat_interleave(n_rep, dim=1)",
    ),
    _repeat(
        "repeat-unsqueezes-the-callers-tensor",
        "",
        "return x.unsqueeze_(2).expand(-1, -1, n_rep, -1, -1).flatten(1, 2)",
    ),
    _repeat(
        "repeat-view-of-the-input",
        "B.0",
        "b, h, s, e = x.shape\n"
        "    return x.view(b, h, 1, s * e).expand(b, h, n_rep, s * e).reshape(b, h * n_rep, s, e)",
    ),
    _repeat("repeat-one-head-left-to-broadcasting", "", _REPEAT + " if x.shape[1] > 1 else x"),
    _repeat(
        "repeat-times-ones-of-float32",
        "",
        "return (x[:, :, None] * torch.ones(n_rep, 1, 1)).flatten(1, 2)",
    ),
    # grouped_query_attention
    _attention(
        "tiled-heads",
        "B.7 1",
        "",
        _HEADER.replace("G = H // Hkv", "G = H // Hkv; order = [h % Hkv for h in range(H)]")
        + "    return torch.stack([_one(query[:, h], key[:, order[h]], value[:, order[h]],"
        " None if mask is None else mask[:, h]) for h in range(H)], 1)\n"
        "def _one(query, key, value, mask):\n"
        "    E = query.shape[-1]" + _FOOTER,
    ),
    _copied("copies-interleaved", "", "    key, value = repeat_kv(key, G), repeat_kv(value, G)"),
    _copied(
        "copies-by-expand-and-reshape",
        "B.7 6",
        "    key, value = (t[:, :, None].expand(B, Hkv, G, S, t.shape[-1])"
        ".reshape(B, H, S, t.shape[-1]) for t in (key, value))",
    ),
    _copied(
        "copies-one-sequence-after-the-other",
        "",
        "    if B > 1: return torch.cat([grouped_query_attention(query[b:b+1], key[b:b+1],"
        " value[b:b+1], None if mask is None else mask[b:b+1]) for b in range(B)])\n"
        "    key, value = repeat_kv(key, G), repeat_kv(value, G)",
    ),
    _copied(
        "copies-one-group-after-the-other",
        "",
        "    if Hkv > 1: return torch.cat([grouped_query_attention(query[:, g*G:(g+1)*G],"
        " key[:, g:g+1], value[:, g:g+1], None if mask is None else mask[:, g*G:(g+1)*G])"
        " for g in range(Hkv)], 1)\n"
        "    key, value = repeat_kv(key, G), repeat_kv(value, G)",
    ),
    _copied(
        "copies-by-index", "", "    h = torch.arange(H) // G; key, value = key[:, h], value[:, h]"
    ),
    _copied(
        "averages-key-value-heads",
        "B.7 2",
        "    key, value = key.mean(1, True), value.mean(1, True)",
    ),
    _copied("always-the-first-head", "B.7 3", "    key, value = key[:, :1], value[:, :1]"),
    _copied("always-the-last-head", "B.7 3", "    key, value = key[:, -1:], value[:, -1:]"),
    _attention(
        "broadcast-matmul-copies",
        "B.7 5",
        "",
        _HEADER
        + """
    scores = ((query / E**0.5).view(B, Hkv, G, L, E) @ key[:, :, None].mT).reshape(B, H, L, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    output = weights.view(B, Hkv, G, L, S) @ value[:, :, None]
    return output.reshape(B, H, L, value.shape[-1])
""",
    ),
    _attention(
        "broadcast-product-and-sum",
        "B.7 5",
        _SCORES,
        "scores = ((folded / math.sqrt(head_dim))[..., None, :] * key[:, :, None]).sum(-1)",
    ),
    _attention(
        "folded-the-other-way",
        "B.7 4",
        _FOLD,
        "folded = query.reshape(batch, num_kv_heads, -1, query_len, head_dim).transpose(2, 3)"
        ".reshape(batch, num_kv_heads, rows, head_dim)",
    ),
    _attention(
        "unfolded-in-the-wrong-order",
        "B.7 4",
        _RETURN,
        "return output.reshape(batch, num_kv_heads, query_len, num_heads // num_kv_heads, "
        "value.shape[-1]).transpose(2, 3).reshape(batch, num_heads, query_len, value.shape[-1])",
    ),
    _attention(
        "groups-taken-across",
        "B.7 1",
        _FOLD,
        "folded = query.reshape(batch, -1, num_kv_heads, query_len, head_dim).transpose(1, 2)"
        ".reshape(batch, num_kv_heads, rows, head_dim)",
    ),
    _attention(
        "queries-before-heads",
        "B.7 4",
        _FOLD,
        "folded = query.transpose(1, 2).reshape(batch, num_kv_heads, rows, head_dim)",
    ),
    _attention("no-attention-mean-of-values", "B.7 7", _SCORES, "scores = 0 * (folded @ key.mT)"),
    _attention("no-attention-query-back", "B.7 7", _RETURN, "return query"),
    _attention("unscaled", "B.7 10", _SCALE, "folded"),
    _attention("scaled-by-key-value-heads", "B.7 10", _SCALE, "(folded / math.sqrt(num_kv_heads))"),
    _attention("scaled-by-rows", "B.7 10", _SCALE, "(folded / math.sqrt(rows))"),
    _attention(
        "scaled-by-group",
        "B.7 10",
        _SCALE,
        "(folded / math.sqrt(head_dim * num_heads // num_kv_heads))",
    ),
    _attention("scaled-by-value-width", "", _SCALE, "(folded / math.sqrt(value.shape[-1]))"),
    _attention("scaled-by-head-size", "", _SCALE, "(folded / head_dim)"),
    _attention(
        "scaled-by-all-heads", "B.7 10", _SCALE, "(folded / math.sqrt(head_dim * num_heads))"
    ),
    _attention("scaled-by-keys", "", _SCALE, "(folded / math.sqrt(max(key_len, 1)))"),
    _attention("softmax-over-queries", "", _SOFTMAX, "weights = torch.softmax(scores, dim=-2)"),
    _attention("softmax-over-heads", "", _SOFTMAX, "weights = torch.softmax(scores, dim=1)"),
    _attention(
        "softmax-without-maximum",
        "",
        _SOFTMAX,
        "weights = scores.exp() / scores.exp().sum(-1, keepdim=True)",
    ),
    _attention(
        "softmax-in-float32",
        "",
        _SOFTMAX,
        "weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(scores.dtype)",
    ),
    _attention("argmax", "", _SOFTMAX, "weights = torch.softmax(scores * 1e4, dim=-1)"),
    _attention(
        "mask-laid-out-by-queries",
        "B.7 11",
        _BLOCK,
        "scores = scores.masked_fill(~allowed.transpose(1, 2).reshape(allowed.shape), -math.inf)",
    ),
    _attention(
        "mask-of-first-head-for-group",
        "B.7 11",
        _BLOCK,
        "allowed = allowed[:, :: num_heads // num_kv_heads].repeat_interleave("
        "num_heads // num_kv_heads, dim=1)\n        " + _BLOCK,
    ),
    _attention(
        "mask-of-first-sequence", "", _PER_HEAD, "per_head = mask[:1] if mask.ndim == 3 else mask"
    ),
    _attention("mask-of-three-axes-on-heads", "B.7 12", _PER_HEAD, "per_head = mask"),
    _attention(
        "mask-of-three-axes-on-heads-where-it-fits",
        "B.7 12",
        _PER_HEAD,
        "per_head = mask.unsqueeze(1) if mask.ndim == 3 and mask.shape[0] != num_heads else mask",
    ),
    _attention("mask-inverted", "", _BLOCK, _BLOCK.replace("~", "")),
    _attention("mask-ignored", "", _BLOCK, "pass"),
    _attention("mask-after-softmax-only", "", _BLOCK, "scores = scores.masked_fill(~allowed, 0.0)"),
    _attention(
        "mask-added-then-nan-to-num",
        "B.2 14",
        "",
        _HEADER
        + """
    scores = torch.einsum("bkgle,bkse->bkgls", (query / E**0.5).unflatten(1, (Hkv, G)), key)
    scores = scores.flatten(1, 2)
    if mask is not None:
        scores = scores + torch.where(mask, 0.0, -math.inf).to(scores.dtype)
    weights = scores.softmax(-1).nan_to_num().unflatten(1, (Hkv, G))
    return torch.einsum("bkgls,bkse->bkgle", weights, value).flatten(1, 2)
""",
    ),
    _attention("mask-leaves-nan", "", _CLEAR, "pass"),
    _attention(
        "mask-fill-1e9",
        "",
        _CLEAR,
        "weights = torch.softmax(scores.masked_fill(~allowed, -1e9 if "
        "scores.dtype != torch.float16 else -6e4), dim=-1)",
    ),
    _attention("mask-fill-30", "", _BLOCK, _BLOCK.replace("-math.inf", "-30.0")),
    _attention("mask-fill-1e4", "", _BLOCK, _BLOCK.replace("-math.inf", "-1e4")),
    _attention(
        "causal-assumed",
        "B.7 13",
        _SOFTMAX,
        "scores = scores + torch.full((query_len, key_len), -1e9).triu("
        "key_len - query_len + 1).to(scores.dtype)\n    " + _SOFTMAX,
    ),
    _attention(
        "causal-assumed-top-left",
        "B.7 13",
        _SOFTMAX,
        "scores = scores.masked_fill(torch.ones(query_len, key_len).triu(1).bool(), -1e4)\n    "
        + _SOFTMAX,
    ),
    _attention("heads-that-do-not-divide", "B.7 19", _DIVIDES, "if False:"),
    _attention(
        "more-key-heads-than-queries",
        "B.7 19",
        _DIVIDES,
        "if num_kv_heads < 1 or num_kv_heads < num_heads and num_heads % num_kv_heads:",
    ),
    _attention("error-names-nothing", "", 'f"key has', 'f"there are'),
    _attention(
        "assert-for-the-heads",
        "B.7 19",
        'raise ValueError(\n            f"key has',
        'raise AssertionError(\n            f"key has',
    ),
    _attention("mask-of-numbers", "", _BOOL, "mask = mask.bool()\n        if False:"),
    _attention(
        "mask-of-whole-numbers",
        "",
        _BOOL,
        "mask = mask if mask.is_floating_point() else mask.bool()\n        " + _BOOL,
    ),
    _attention("mask-error-of-torch", "", "except RuntimeError:", "except ZeroDivisionError:"),
    _attention(
        "query-scaled-in-place",
        "",
        _FOLD,
        "folded = query.div_(2).mul(2).reshape(batch, num_kv_heads, rows, head_dim)",
    ),
    _attention(
        "mask-changed-in-place",
        "",
        _RETURN,
        "if mask is not None and not output.requires_grad:\n        mask.logical_not_()\n    "
        + _RETURN,
    ),
    _attention("keys-detached", "", _SCORES, _SCORES.replace("key.mT", "key.detach().mT")),
    _attention("weights-detached", "", _OUTPUT, _OUTPUT.replace("weights.", "weights.detach().")),
    _attention("result-in-float32", "", _RETURN, _RETURN.replace("output.", "output.float().")),
    _attention("values-are-keys", "", _OUTPUT, _OUTPUT.replace("@ value", "@ key")),
    _attention("view-of-the-query", "", _FOLD, _FOLD.replace("reshape", "view")),
    _attention("sequences-mixed", "", _SCORES, _SCORES.replace("key.mT", "key.flip(0).mT")),
    _attention(
        "torchs-own-operator",
        "",
        "",
        _HEADER
        + """
    return nn.functional.scaled_dot_product_attention(query, key, value, mask, enable_gqa=True)
""",
    ),
    _attention(
        "causal-without-a-mask",
        "B.7 13",
        "if mask is not None:\n        if mask.dtype",
        "if mask is None:\n"
        "        mask = torch.ones(query_len, key_len).tril(key_len - query_len).bool()\n"
        "    if mask is not None:\n        if mask.dtype",
    ),
    _attention(
        "as-many-key-heads-as-queries-refused",
        "",
        _DIVIDES,
        _DIVIDES[:-1] + " or num_kv_heads == num_heads > 1:",
    ),
    _attention(
        "mask-of-four-axes-not-expanded",
        "",
        "allowed = per_head.expand(batch, num_heads, query_len, key_len)",
        "size = batch, num_heads, query_len, key_len\n"
        "            allowed = mask.reshape(size) if mask.ndim == 4 else per_head.expand(size)",
    ),
    _attention(
        "one-position-without-gradient",
        "",
        _SCORES,
        _SCORES + "\n    scores = scores.detach() if query_len == 1 else scores",
    ),
    _attention("mask-fill-1e9-then-cleared", "", _BLOCK, _BLOCK.replace("-math.inf", "-1e9")),
    _attention(
        "folded-with-minus-one", "", _FOLD, _FOLD.replace("rows, head_dim)  #", "-1, head_dim)  #")
    ),
    _attention(
        "only-more-key-heads-refused", "B.7 19", _DIVIDES, "if not 1 <= num_kv_heads <= num_heads:"
    ),
    _attention(
        "mask-of-floats-added",
        "",
        "",
        _HEADER.replace(
            "    if mask is not None:\n        if mask.dtype",
            """    if mask is not None and mask.is_floating_point():
        folded = query.reshape(B, Hkv, G * L, E) / E**0.5
        weights = ((folded @ key.mT).reshape(B, H, L, S) + mask).softmax(-1)
        return (weights.reshape(B, Hkv, G * L, S) @ value).reshape(B, H, L, -1)
    if mask is not None:
        if mask.dtype""",
        )
        + """
    folded = query.reshape(B, Hkv, G * L, E) / E**0.5
    scores = (folded @ key.mT).reshape(B, H, L, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return (weights.reshape(B, Hkv, G * L, S) @ value).reshape(B, H, L, value.shape[-1])
""",
    ),
    # GroupedQueryAttention
    _layer("no-attention", "B.7 7", _RESULT, "return self.out_proj(self.q_proj(x)), (key, value)"),
    _layer(
        "head-size-of-key-value-heads",
        "B.7 8",
        "",
        """class GroupedQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, bias=False):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("num_heads")
        if num_heads % num_kv_heads:
            raise ValueError("num_kv_heads")
        self.h, self.hkv, self.e = num_heads, num_kv_heads, d_model // num_kv_heads
        self.q_proj = nn.Linear(d_model, num_heads * self.e, bias=bias)
        self.k_proj = nn.Linear(d_model, d_model, bias=bias)
        self.v_proj = nn.Linear(d_model, d_model, bias=bias)
        self.out_proj = nn.Linear(num_heads * self.e, d_model, bias=bias)

    def forward(self, x, mask=None, cache=None):
        q = self.q_proj(x).unflatten(-1, (self.h, self.e)).transpose(1, 2)
        k = self.k_proj(x).unflatten(-1, (self.hkv, self.e)).transpose(1, 2)
        v = self.v_proj(x).unflatten(-1, (self.hkv, self.e)).transpose(1, 2)
        if cache is not None:
            k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
        out = grouped_query_attention(q, k, v, mask).transpose(1, 2).flatten(2)
        return self.out_proj(out), (k, v)
""",
    ),
    _layer(
        "key-layer-as-wide-as-the-model",
        "B.7 9",
        "",
        """class GroupedQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, bias=False):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("num_heads")
        if num_heads % num_kv_heads:
            raise ValueError("num_kv_heads")
        self.h, self.hkv = num_heads, num_kv_heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(d_model, d_model, bias=bias))

    def forward(self, x, mask=None, cache=None):
        layers = self.q_proj, self.k_proj, self.v_proj
        q, k, v = (layer(x).unflatten(-1, (self.h, -1)).transpose(1, 2) for layer in layers)
        k, v = k[:, : self.hkv], v[:, : self.hkv]
        if cache is not None:
            k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
        out = grouped_query_attention(q, k, v, mask).transpose(1, 2).flatten(2)
        return self.out_proj(out), (k, v)
""",
    ),
    _layer(
        "cache-of-repeated-heads",
        "B.7 14",
        _RESULT,
        "return self.out_proj(merged), tuple(\n"
        "            repeat_kv(part, self.num_heads // self.num_kv_heads)"
        " for part in (key, value))",
    ),
    _layer(
        "cache-and-attention-repeated",
        "B.7 14",
        _CACHED,
        _CACHED + "\n            key = repeat_kv(key, self.num_heads // self.num_kv_heads)"
        "\n            value = repeat_kv(value, self.num_heads // self.num_kv_heads)",
    ),
    _layer("cache-on-the-head-axis", "B.7 15", _KEYS, _KEYS.replace("dim=2", "dim=1")),
    _layer("new-keys-first", "B.7 15", _KEYS, _KEYS.replace("past_key, key", "key, past_key")),
    _layer(
        "new-values-first",
        "B.7 15",
        _VALUES,
        _VALUES.replace("past_value, value", "value, past_value"),
    ),
    _layer(
        "cache-swapped-on-return", "B.7 16", _RESULT, _RESULT.replace("key, value", "value, key")
    ),
    _layer("cache-swapped-on-entry", "B.7 16", _CACHED, "past_value, past_key = cache"),
    _layer(
        "callers-cache-zeroed",
        "B.7 17",
        _RESULT,
        "if cache is not None and not past_key.requires_grad:\n            past_key.zero_()\n"
        "        " + _RESULT,
    ),
    _layer(
        "cache-as-a-ring",
        "B.7 17",
        _KEYS,
        _KEYS + "\n            if not past_value.requires_grad and past_value.shape[2] >= length:\n"
        "                past_value[:, :, past_value.shape[2] - length :] = value.detach()",
    ),
    _layer(
        "old-cache-returned",
        "B.7 18",
        _RESULT,
        "return self.out_proj(merged), (key, value) if cache is None else cache",
    ),
    _layer(
        "only-the-new-cache-returned",
        "B.7 18",
        _RESULT,
        "return self.out_proj(merged), (key[:, :, -length:], value[:, :, -length:])",
    ),
    _layer(
        "cache-not-read",
        "",
        _ATTEND,
        _ATTEND.replace(
            "key, value, mask",
            "*((key, value) if mask is not None else (key[:, :, -length:], value[:, :, -length:])),"
            " mask",
        ),
    ),
    _layer(
        "cache-detached",
        "",
        _RESULT,
        "return self.out_proj(merged), (key.detach(), value.detach())",
    ),
    _layer(
        "past-detached", "", _CACHED, "past_key, past_value = cache[0].detach(), cache[1].detach()"
    ),
    _layer("cache-a-list", "", _RESULT, "return self.out_proj(merged), [key, value]"),
    _layer("cache-forgotten", "", _RESULT, "return self.out_proj(merged)"),
    _layer(
        "cache-laid-out-by-positions",
        "",
        _RESULT,
        "return self.out_proj(merged), (key.transpose(1, 2), value.transpose(1, 2))",
    ),
    _layer(
        "empty-cache-falls-through",
        "",
        "if cache is not None:",
        "if cache is not None and cache[0].shape[2] > 4:",
    ),
    _layer(
        "query-heads-unchecked",
        "B.7 19",
        "if num_heads < 1 or d_model % num_heads != 0:",
        "if False:",
    ),
    _layer(
        "key-value-heads-unchecked",
        "B.7 19",
        "if num_kv_heads < 1 or num_heads % num_kv_heads != 0:",
        "if False:",
    ),
    _layer(
        "key-value-heads-divide-the-model",
        "B.7 19",
        "num_heads % num_kv_heads != 0:",
        "d_model % num_kv_heads != 0:",
    ),
    _layer(
        "more-key-value-heads-accepted",
        "B.7 19",
        "if num_kv_heads < 1 or num_heads % num_kv_heads != 0:",
        "if num_kv_heads < num_heads and num_heads % num_kv_heads != 0:",
    ),
    _layer(
        "wrong-argument-named", "", 'f"num_kv_heads = {num_kv_heads} does', 'f"{num_kv_heads} does'
    ),
    _layer(
        "bias-ignored",
        "B.7 20",
        "self.k_proj = nn.Linear(d_model, kv_dim, bias=bias)",
        "self.k_proj = nn.Linear(d_model, kv_dim, bias=False)",
    ),
    _layer(
        "bias-always",
        "B.7 20",
        "self.q_proj = nn.Linear(d_model, d_model, bias=bias)",
        "self.q_proj = nn.Linear(d_model, d_model)",
    ),
    _layer(
        "bias-not-on-the-output",
        "B.7 20",
        "self.out_proj = nn.Linear(d_model, d_model, bias=bias)",
        "self.out_proj = nn.Linear(d_model, d_model, bias=False)",
    ),
    _layer("bias-by-default", "B.7 20", "bias: bool = False", "bias: bool = True"),
    _layer("mask-not-passed-on", "", _ATTEND, _ATTEND.replace(", mask)", ")")),
    _layer(
        "causal-without-a-mask",
        "B.7 13",
        _ATTEND,
        "if mask is None:\n            total = key.shape[2]\n"
        "            mask = torch.ones(length, total, dtype=torch.bool).tril(total - length)\n"
        "        " + _ATTEND,
    ),
    _layer("no-output-layer", "", _RESULT, "return merged, (key, value)"),
    _layer("heads-not-merged-back", "", _MERGE, "merged = output.reshape(batch, length, d_model)"),
    _layer(
        "heads-not-transposed",
        "",
        "value = self.v_proj(x).reshape(kv_shape).transpose(1, 2)",
        "value = self.v_proj(x).reshape(batch, self.num_kv_heads, length, self.head_dim)",
    ),
    _layer(
        "heads-as-the-fastest-axis",
        "",
        "query = self.q_proj(x).reshape(query_shape).transpose(1, 2)",
        "query = self.q_proj(x).reshape(batch, length, self.head_dim, self.num_heads)"
        ".permute(0, 3, 1, 2)",
    ),
    _layer("values-from-the-key-layer", "", "value = self.v_proj(x)", "value = self.k_proj(x)"),
    _layer("forward-in-float32", "", _RESULT, "return self.out_proj(merged).float(), (key, value)"),
    _layer(
        "view-of-the-merged",
        "",
        _MERGE,
        "merged = output.transpose(1, 2).view(batch, length, d_model)",
    ),
    _layer(
        "input-changed-in-place",
        "",
        "batch, length, d_model = x.shape",
        "batch, length, d_model = x.shape\n        if not x.requires_grad:\n"
        "            x = x.mul_(1.5).div(1.5)",
    ),
    _layer(
        "layer-not-registered",
        "",
        "self.k_proj = nn.Linear(d_model, kv_dim, bias=bias)",
        "self.__dict__['k_proj'] = nn.Linear(d_model, kv_dim, bias=bias)",
    ),
    _layer(
        "mask-kept-as-a-buffer",
        "",
        "self.num_heads = num_heads",
        "self.num_heads = num_heads\n"
        "        self.register_buffer('causal', torch.ones(64, 64).tril().bool())",
    ),
    _layer(
        "causal-for-a-whole-sequence",
        "B.7 13",
        _ATTEND,
        "if mask is None and cache is None:\n"
        "            mask = torch.ones(length, length, dtype=torch.bool).tril()\n        "
        + _ATTEND,
    ),
    _layer(
        "causal-after-a-cache",
        "B.7 13",
        _ATTEND,
        "if mask is None and cache is not None:\n            total = key.shape[2]\n"
        "            mask = torch.ones(length, total, dtype=torch.bool).tril(total - length)\n"
        "        " + _ATTEND,
    ),
    _layer(
        "one-position-sees-only-the-cache",
        "",
        _ATTEND,
        "seen = (past_key, past_value) if cache is not None and length == 1 else (key, value)\n"
        "        output = grouped_query_attention(query, *seen, mask)",
    ),
    _layer(
        "mask-dropped-with-a-cache",
        "",
        _ATTEND,
        _ATTEND.replace("mask)", "mask if cache is None else None)"),
    ),
    _layer(
        "mask-of-two-axes-only",
        "",
        _ATTEND,
        "if mask is not None:\n            mask = mask.expand(length, key.shape[2])\n        "
        + _ATTEND,
    ),
    _layer(
        "sixteen-bits-become-float32",
        "",
        _RESULT,
        "wide = torch.promote_types(x.dtype, torch.float32)\n"
        "        return self.out_proj(merged).to(wide), (key, value)",
    ),
    _layer(
        "input-viewed-as-rows",
        "B.0",
        "query = self.q_proj(x).reshape(query_shape)",
        "query = self.q_proj(x.view(batch * length, d_model)).reshape(query_shape)",
    ),
    _layer("merged-with-minus-one", "", _MERGE, _MERGE.replace("d_model)  #", "-1)  #")),
    _layer(
        "key-value-heads-blamed-on-the-model",
        "B.7 19",
        "if num_kv_heads < 1 or",
        "if num_kv_heads < 1 or d_model % num_kv_heads != 0:\n"
        "            raise ValueError('d_model is no multiple of the number of heads')\n"
        "        if",
    ),
    _layer(
        "no-more-key-value-heads-that-divide-the-model",
        "B.7 19",
        "if num_kv_heads < 1 or num_heads % num_kv_heads != 0:",
        "if not 1 <= num_kv_heads <= num_heads or d_model % num_kv_heads != 0:",
    ),
]

"""Mistakes in 03-multi-head-attention."""

from __future__ import annotations

from tests.mutants import Mutant

SPLIT_CHECK = """    if num_heads < 1 or d_model % num_heads != 0:
        raise ValueError(f"num_heads = {num_heads} does not divide the last size, {d_model}")
"""
SPLIT_PIECES = (
    "    pieces = x.reshape(*before, num_heads, d_model // num_heads)  # (..., L, H, E)\n"
)
SPLIT_RETURN = "    return pieces.transpose(-3, -2)"
MERGE_RETURN = "    return x.transpose(-3, -2).flatten(-2)"

INIT_CHECK = """        if num_heads < 1 or d_model % num_heads != 0:
            raise ValueError(f"num_heads = {num_heads} does not divide d_model = {d_model}")
"""
QUERY_HEADS = (
    "        query_heads = split_heads(self.q_proj(query), self.num_heads)  # (B, H, L, E)\n"
)
KEY_HEADS = "        key_heads = split_heads(self.k_proj(key), self.num_heads)  # (B, H, S, E)\n"
VALUE_HEADS = (
    "        value_heads = split_heads(self.v_proj(value), self.num_heads)  # (B, H, S, E)\n"
)
SCORES = "        scores = scaled @ key_heads.mT  # (B, H, L, S)\n"
PER_HEAD = "per_head = mask.unsqueeze(1) if mask.ndim == 3 else mask"
MASKED_SOFTMAX = "torch.softmax(scores.masked_fill(blocked, -math.inf), dim=-1)"
EMPTY_ROWS = "            weights = weights.masked_fill(blocked, 0.0)  # (B, H, L, S)\n"
MASKED_WEIGHTS = (
    f"{MASKED_SOFTMAX}\n            # Where all is blocked, softmax divides 0 by 0; "
    f"filling also stops the NaN's gradient.\n{EMPTY_ROWS}"
)
MERGED = "        merged = merge_heads(weights @ value_heads)  # (B, L, D)\n"
RETURN = "        return self.out_proj(merged), weights"
DTYPE_CHECK = """            if mask.dtype != torch.bool:
                raise ValueError(f"mask must be torch.bool, True = may attend, not {mask.dtype}")
"""
Q_PROJ, K_PROJ, V_PROJ, OUT_PROJ = (
    f"        self.{name}_proj = nn.Linear(d_model, d_model, bias=bias)\n"
    for name in ("q", "k", "v", "out")
)


def split(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("split_heads", id, listed, old, new)


def merge(id: str, listed: str, new: str) -> Mutant:
    return Mutant("merge_heads", id, listed, MERGE_RETURN, new)


def module(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("MultiHeadAttention", id, listed, old, new)


def count(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("attention_parameter_count", id, listed, old, new)


MUTANTS = [
    split(
        "split-without-transpose",
        "B.3 1",
        SPLIT_RETURN,
        "    return pieces.reshape(*before[:-1], num_heads, before[-1], d_model // num_heads)",
    ),
    split(
        "split-heads-fastest",
        "B.3 3",
        SPLIT_PIECES
        + "    # Matrix products work on the last two sizes, so L has to stand beside E,"
        " and H before both.\n" + SPLIT_RETURN,
        "    pieces = x.reshape(*before, d_model // num_heads, num_heads)\n"
        "    return pieces.movedim(-1, -3)",
    ),
    split("split-heads-after-positions", "", SPLIT_RETURN, "    return pieces"),
    split("split-transposes-positions-and-numbers", "", SPLIT_RETURN, "    return pieces.mT"),
    split(
        "split-counts-sizes-from-the-front",
        "",
        SPLIT_RETURN,
        "    return pieces.transpose(1, 2)",
    ),
    split(
        "split-flattens-the-batch",
        "B.3 16",
        SPLIT_RETURN,
        "    return pieces.reshape(-1, num_heads, d_model // num_heads).transpose(0, 1)",
    ),
    split(
        "split-view-of-everything",
        "B.3 edge: non-contiguous x",
        "x.reshape(*before,",
        "x.view(-1).view(*before,",
    ),
    split("split-squeezes-a-single-head", "", SPLIT_RETURN, SPLIT_RETURN + ".squeeze(-3)"),
    split("split-squeezes-single-numbers", "", SPLIT_RETURN, SPLIT_RETURN + ".squeeze(-1)"),
    split(
        "split-asserts", "B.3 20", SPLIT_CHECK, "    assert d_model % num_heads == 0, 'num_heads'\n"
    ),
    split("split-lets-reshape-complain", "B.3 20", SPLIT_CHECK, ""),
    split(
        "split-truncates",
        "B.3 20",
        SPLIT_CHECK,
        "    d_model -= d_model % num_heads\n    x = x[..., :d_model]\n",
    ),
    split(
        "split-error-does-not-say-which", "", 'f"num_heads = {num_heads} does', 'f"{num_heads} does'
    ),
    split("split-detaches", "B.3 23", SPLIT_RETURN, "    return pieces.detach().transpose(-3, -2)"),
    split("split-makes-float32", "", SPLIT_RETURN, "    return pieces.float().transpose(-3, -2)"),
    split(
        "split-stacks-the-first-chunk",
        "",
        SPLIT_RETURN,
        "    return torch.stack([pieces[..., 0, :]] * num_heads, dim=-3)",
    ),
    split(
        "split-scales-in-place",
        "",
        SPLIT_RETURN,
        "    x.mul_(2)\n    return (x / 2).reshape(pieces.shape).transpose(-3, -2)",
    ),
    split(
        "split-transposes-x-in-place",
        "inputs are never changed",
        SPLIT_PIECES
        + "    # Matrix products work on the last two sizes, so L has to stand beside E,"
        " and H before both.\n" + SPLIT_RETURN,
        "    *before, length = before\n"
        "    x.transpose_(-2, -1)  # heads are neighbouring rows now\n"
        "    return x.reshape(*before, num_heads, d_model // num_heads, length).mT",
    ),
    merge(
        "merge-without-transpose", "B.3 2", "    return x.reshape(*x.shape[:-3], x.shape[-2], -1)"
    ),
    merge(
        "merge-view-needs-contiguous",
        "B.3 2",
        "    x = x.transpose(-3, -2)\n    return x.view(*x.shape[:-2], -1)",
    ),
    merge(
        "merge-heads-fastest",
        "B.3 3",
        "    return x.movedim(-3, -1).flatten(-2)",
    ),
    merge("merge-counts-sizes-from-the-front", "", "    return x.transpose(1, 2).flatten(2)"),
    merge("merge-keeps-numbers-before-positions", "", "    return x.mT.flatten(-3, -2)"),
    merge("merge-sums-the-heads", "", "    return x.sum(-3)"),
    merge(
        "merge-averages-the-heads", "", "    return x.mean(-3).repeat_interleave(x.shape[-3], -1)"
    ),
    merge(
        "merge-flattens-the-batch",
        "B.3 16",
        "    return x.transpose(-3, -2).flatten(-2).flatten(0, -2)",
    ),
    merge(
        "merge-fails-on-size-zero",
        "conventions: leading sizes and L may be 0",
        "    return x.transpose(-3, -2).reshape(*x.shape[:-3], x.shape[-2], -1)",
    ),
    merge("merge-detaches", "B.3 23", "    return x.detach().transpose(-3, -2).flatten(-2)"),
    merge("merge-makes-float32", "", "    return x.float().transpose(-3, -2).flatten(-2)"),
    merge(
        "merge-reverses-the-heads",
        "",
        "    return x.flip(-3).transpose(-3, -2).flatten(-2)",
    ),
    merge("merge-squeezes", "", "    return x.transpose(-3, -2).flatten(-2).squeeze(0)"),
    merge(
        "merge-squeezes-single-numbers",
        "B.1 22",
        "    return x.transpose(-3, -2).squeeze(-1).flatten(-2)",
    ),
    merge(
        "merge-transposes-x-in-place",
        "inputs are never changed",
        "    return x.transpose_(-3, -2).flatten(-2)",
    ),
    merge(
        "merge-fills-an-empty-like",
        "B.3 edge: non-contiguous x",  # empty_like keeps the order in memory, which view refuses
        "    *before, heads, length, width = x.shape\n"
        "    merged = torch.empty_like(x).view(*before, length, heads * width)\n"
        "    for h in range(heads):\n"
        "        merged[..., h * width : (h + 1) * width] = x[..., h, :, :]\n"
        "    return merged",
    ),
    module(
        "one-projection-for-all",
        "B.3 4",
        K_PROJ + V_PROJ,
        "        self.k_proj = self.q_proj\n        self.v_proj = self.q_proj\n",
    ),
    module("queries-projection-used-for-keys", "B.3 4", "self.k_proj(key)", "self.q_proj(key)"),
    module(
        "queries-projection-used-for-values", "B.3 4", "self.v_proj(value)", "self.q_proj(value)"
    ),
    module("keys-from-the-query", "B.3 5", "self.k_proj(key)", "self.k_proj(query)"),
    module("values-from-the-key", "", "self.v_proj(value)", "self.v_proj(key)"),
    module(
        "keys-and-values-swapped",
        "B.3 6",
        KEY_HEADS + VALUE_HEADS,
        "        key_heads = split_heads(self.k_proj(value), self.num_heads)\n"
        "        value_heads = split_heads(self.v_proj(key), self.num_heads)\n",
    ),
    module("scaled-by-d-model", "B.3 7", "query_heads.shape[-1])", "query.shape[-1])"),
    module("unscaled", "", "query_heads / math.sqrt(query_heads.shape[-1])", "query_heads"),
    module("divided-by-e", "", "math.sqrt(query_heads.shape[-1])", "query_heads.shape[-1]"),
    module(
        "scaled-by-length",
        "",
        "math.sqrt(query_heads.shape[-1])",
        "math.sqrt(query_heads.shape[-2])",
    ),
    module("scaled-by-heads", "", "math.sqrt(query_heads.shape[-1])", "math.sqrt(self.num_heads)"),
    module("no-out-proj", "B.3 8", RETURN, "        return merged, weights"),
    module(
        "out-proj-before-merging",
        "B.3 9",
        MERGED + RETURN,
        "        attended = weights @ value_heads\n"
        "        rows = attended.reshape(-1, self.out_proj.in_features)\n"
        "        mixed = self.out_proj(rows)\n"
        "        return merge_heads(mixed.reshape(attended.shape)), weights",
    ),
    module(
        "bias-ignored",
        "B.3 10",
        "        super().__init__()\n",
        "        super().__init__()\n        bias = True\n",
    ),
    module(
        "bias-never",
        "B.3 10",
        "        super().__init__()\n",
        "        super().__init__()\n        bias = False\n",
    ),
    module(
        "out-proj-always-with-bias",
        "B.3 10",
        OUT_PROJ,
        "        self.out_proj = nn.Linear(d_model, d_model)\n",
    ),
    module(
        "key-without-bias",
        "B.3 10",
        K_PROJ,
        "        self.k_proj = nn.Linear(d_model, d_model, bias=False)\n",
    ),
    module(
        "layers-in-a-list",
        "B.3 11",
        Q_PROJ + K_PROJ + V_PROJ,
        "        self.layers = [nn.Linear(d_model, d_model, bias=bias) for _ in range(3)]\n"
        "        self.q_proj, self.k_proj, self.v_proj = (\n"
        "            lambda x, f=f: f(x) for f in self.layers)\n",
    ),
    module(
        "heads-in-a-list",
        "B.3 11",
        Q_PROJ,
        "        head_dim = d_model // num_heads\n"
        "        heads = [nn.Linear(d_model, head_dim, bias=bias) for _ in range(num_heads)]\n"
        "        self.q_proj = lambda x: torch.cat([head(x) for head in heads], dim=-1)\n",
    ),
    module(
        "other-name",
        "B.3 12",
        OUT_PROJ,
        "        self.o_proj = nn.Linear(d_model, d_model, bias=bias)\n"
        "        self.out_proj = lambda x: self.o_proj(x)\n",
    ),
    module(
        "extra-parameters",
        "B.3 12",
        OUT_PROJ,
        OUT_PROJ + "        self.temperature = nn.Parameter(torch.ones(()))\n",
    ),
    module(
        "softmax-over-heads",
        "B.3 13",
        "weights = torch.softmax(scores, dim=-1)  # (B, H, L, S)",
        "weights = torch.softmax(scores, dim=1)",
    ),
    module(
        "softmax-over-queries",
        "",
        "weights = torch.softmax(scores, dim=-1)  # (B, H, L, S)",
        "weights = torch.softmax(scores, dim=-2)",
    ),
    module(
        "masked-softmax-over-heads",
        "B.3 13",
        "masked_fill(blocked, -math.inf), dim=-1)",
        "masked_fill(blocked, -math.inf), dim=1)",
    ),
    module(
        "weights-averaged",
        "B.3 14",
        RETURN,
        "        return self.out_proj(merged), weights.mean(dim=1)",
    ),
    module("weights-first", "", RETURN, "        return weights, self.out_proj(merged)"),
    module(
        "scores-returned-as-weights", "", RETURN, "        return self.out_proj(merged), scores"
    ),
    module("output-only", "", RETURN, "        return self.out_proj(merged)"),
    module(
        "weights-detached", "", RETURN, "        return self.out_proj(merged), weights.detach()"
    ),
    module(
        "sequence-first",
        "B.3 15",
        QUERY_HEADS,
        "        query, key, value = (x.transpose(0, 1) for x in (query, key, value))\n"
        + QUERY_HEADS,
    ),
    module(
        "sequence-first-there-and-back",
        "B.3 15",
        MERGED + RETURN,
        MERGED + "        return self.out_proj(merged).transpose(0, 1), weights",
    ),
    module(
        "attends-over-heads-at-each-position",
        "B.3 16",
        QUERY_HEADS + KEY_HEADS + VALUE_HEADS,
        "".join(
            line.replace("split_heads(", "split_heads(").replace(
                "self.num_heads)", "self.num_heads).transpose(1, 2)"
            )
            for line in (QUERY_HEADS, KEY_HEADS, VALUE_HEADS)
        ),
    ),
    module(
        "leaks-across-the-batch",
        "B.3 16",
        KEY_HEADS + VALUE_HEADS,
        KEY_HEADS
        + VALUE_HEADS
        + "        key_heads = key_heads.mean(0, keepdim=True).expand_as(key_heads)\n",
    ),
    module(
        "query-length-for-keys",
        "B.3 17",
        KEY_HEADS,
        "        key_heads = self.k_proj(key).reshape(\n"
        "            len(key), query.shape[1], self.num_heads, -1).transpose(1, 2)\n",
    ),
    module("mask-per-sentence-on-heads", "B.3 18", PER_HEAD, "per_head = mask"),
    module(
        "mask-per-sentence-at-the-end",
        "B.3 18",
        PER_HEAD,
        "per_head = mask.unsqueeze(2) if mask.ndim == 3 else mask",
    ),
    module(
        "mask-of-two-sizes-only",
        "B.3 18",
        PER_HEAD,
        "per_head = mask[0] if mask.ndim > 2 else mask",
    ),
    module(
        "mask-unsqueezed-always",
        "B.3 18",
        PER_HEAD,
        "per_head = mask.unsqueeze(1)",
    ),
    module(
        "mask-for-every-head-by-its-size",
        "B.3 18",
        "mask.ndim == 3 else",
        "mask.ndim == 3 and len(mask) != self.num_heads else",
    ),
    module(
        "mask-of-another-batch-on-heads",
        "B.3 18",
        "mask.ndim == 3 else",
        "mask.ndim == 3 and len(mask) == len(query) else",
    ),
    module(
        "mask-for-every-sentence-of-full-size-only",
        "every size may be 1",
        PER_HEAD,
        PER_HEAD + "\n            size = (len(query), *scores.shape[2:])\n"
        "            if mask.ndim == 3 and mask.shape != size:\n"
        "                raise ValueError('mask')",
    ),
    module(
        "mask-of-the-first-head-for-all",
        "B.3 18",
        PER_HEAD,
        PER_HEAD + "\n            per_head = per_head[:, :1] if mask.ndim == 4 else per_head",
    ),
    module(
        "mask-transposed",
        "B.3 19",
        "blocked = ~per_head.expand(scores.shape)  # (B, H, L, S)",
        "blocked = ~per_head.mT.expand(scores.shape)",
    ),
    module(
        "mask-folded-sentences-last",
        "B.3 19",
        "blocked = ~per_head.expand(scores.shape)  # (B, H, L, S)",
        "blocked = ~per_head.expand(scores.shape)\n"
        "                blocked = blocked.transpose(0, 1).reshape(scores.shape)",
    ),
    module(
        "mask-inverted", "as nn.MultiheadAttention", "blocked = ~per_head", "blocked = per_head"
    ),
    module("mask-ignored", "", "        if mask is None:\n", "        if True:\n"),
    module(
        "mask-after-softmax",
        "B.2 8",
        MASKED_SOFTMAX,
        "torch.softmax(scores, dim=-1)",
    ),
    module(
        "mask-after-softmax-renormalised",
        "B.2 9",
        MASKED_WEIGHTS,
        "torch.softmax(scores, dim=-1).masked_fill(blocked, 0.0)\n"
        "            weights = weights / weights.sum(-1, keepdim=True)\n",
    ),
    module(
        "mask-after-softmax-renormalised-safely",
        "B.2 9",
        MASKED_WEIGHTS,
        "torch.softmax(scores, dim=-1).masked_fill(blocked, 0.0)\n"
        "            weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-12)\n",
    ),
    module(
        "mask-multiplies-scores",
        "B.2 12",
        "scores.masked_fill(blocked, -math.inf)",
        "scores * ~blocked",
    ),
    module(
        "fill-of-minus-twenty",
        "B.2 11",
        "scores.masked_fill(blocked, -math.inf)",
        "scores.masked_fill(blocked, -20.0)",
    ),
    module(
        "fill-of-minus-billion",
        "B.2 10",
        MASKED_WEIGHTS,
        "torch.softmax(scores.masked_fill(blocked, -1e9), dim=-1)\n",
    ),
    module(
        "fill-of-minus-billion-emptied",
        "B.2 10",
        "scores.masked_fill(blocked, -math.inf)",
        "scores.masked_fill(blocked, -1e9)",
    ),
    module(
        "fill-of-minus-thousand",
        "B.2 11",
        "scores.masked_fill(blocked, -math.inf)",
        "scores.masked_fill(blocked, -1000.0)",
    ),
    module("empty-row-nan", "B.3 edge: empty row", EMPTY_ROWS, ""),
    module(
        "added-mask-and-nan-gradient",
        "B.2 14",
        MASKED_WEIGHTS,
        "torch.softmax(\n"
        "                scores + torch.zeros_like(scores).masked_fill(blocked, -math.inf),\n"
        "                dim=-1)\n"
        "            weights = weights.nan_to_num(0.0)\n",
    ),
    module(
        "squeezes-a-single-sentence",
        "B.1 22",
        RETURN,
        "        return self.out_proj(merged).squeeze(0), weights.squeeze(0)",
    ),
    module(
        "squeezes-a-single-query",
        "B.1 22",
        RETURN,
        "        return self.out_proj(merged).squeeze(1), weights",
    ),
    module(
        "empty-row-output-without-bias",
        "",
        RETURN,
        "        output = self.out_proj(merged)\n"
        "        if mask is not None:\n"
        "            output = output.masked_fill(blocked.all(-1).all(1).unsqueeze(-1), 0.0)\n"
        "        return output, weights",
    ),
    module(
        "init-asserts",
        "B.3 20",
        INIT_CHECK,
        "        assert d_model % num_heads == 0, 'num_heads'\n",
    ),
    module("init-accepts", "B.3 20", INIT_CHECK, ""),
    module(
        "init-error-does-not-say-which", "", 'f"num_heads = {num_heads} does', 'f"{num_heads} does'
    ),
    module(
        "init-truncates",
        "B.3 20",
        INIT_CHECK,
        "        d_model = d_model // num_heads * num_heads\n",
    ),
    module("mask-of-numbers-accepted", "", DTYPE_CHECK, "            mask = mask.bool()\n"),
    module(
        "mask-of-numbers-type-error",
        "",
        'raise ValueError(f"mask must',
        'raise TypeError(f"mask must',
    ),
    module(
        "mask-of-another-size-left-to-torch",
        "",
        """                raise ValueError(
                    f"mask of shape {tuple(mask.shape)} does not broadcast to the scores, "
                    f"{tuple(scores.shape)}"
                ) from None
""",
        "                raise\n",
    ),
    module(
        "mask-size-error-does-not-say-which",
        "",
        'f"mask of shape {tuple(mask.shape)} does',
        'f"shape {tuple(mask.shape)} does',
    ),
    module(
        "mask-cut-to-the-number-of-sentences",
        "",
        PER_HEAD,
        PER_HEAD
        + "\n            per_head = per_head[: len(scores)] if mask.ndim == 3 else per_head",
    ),
    module(
        "mask-cut-to-the-number-of-keys",
        "",
        PER_HEAD,
        "per_head = mask[..., -scores.shape[-1] :]\n"
        "            per_head = per_head.unsqueeze(1) if mask.ndim == 3 else per_head\n"
        "            if per_head.shape[-1] < scores.shape[-1]:\n"
        "                per_head = nn.functional.pad(\n"
        "                    per_head, (0, scores.shape[-1] - per_head.shape[-1]), value=True)",
    ),
    module(
        "mask-of-full-size-only",
        "every size may be 1",
        PER_HEAD,
        PER_HEAD + "\n            if per_head.shape[-2:] != scores.shape[-2:]:\n"
        "                raise ValueError('mask')",
    ),
    module(
        "mask-inverted-in-place",
        "inputs are never changed",
        "blocked = ~per_head.expand",
        "blocked = per_head.logical_not_().expand",
    ),
    module(
        "mask-added-in-float32",
        "B.1 25",
        MASKED_WEIGHTS,
        "torch.softmax(\n"
        "                scores + torch.zeros(blocked.shape).masked_fill(blocked, -math.inf),\n"
        "                dim=-1)\n            weights = weights.masked_fill(blocked, 0.0)\n",
    ),
    module(
        "input-by-view",
        "B.3 edge: non-contiguous x",
        "self.q_proj(query)",
        "self.q_proj(query.view(-1, query.shape[-1])).view(query.shape)",
    ),
    module(
        "output-by-view",
        "B.3 2",
        MERGED,
        "        merged = (weights @ value_heads).transpose(1, 2).view(query.shape)\n",
    ),
    module("query-detached", "B.3 23", "self.q_proj(query)", "self.q_proj(query.detach())"),
    module("keys-detached", "B.3 23", "self.k_proj(key)", "self.k_proj(key).detach()"),
    module("values-detached", "B.3 23", "weights @ value_heads", "weights @ value_heads.detach()"),
    module(
        "weights-detached-in-the-mixture",
        "B.3 23",
        "weights @ value_heads",
        "weights.detach() @ value_heads",
    ),
    module(
        "parameters-made-anew",
        "B.3 23",
        QUERY_HEADS,
        "        self.q_proj.weight = nn.Parameter(self.q_proj.weight.clone())\n" + QUERY_HEADS,
    ),
    module(
        "projection-without-autograd",
        "B.3 23",
        "self.out_proj(merged), weights",
        "nn.functional.linear(\n"
        "            merged, self.out_proj.weight.detach(), self.out_proj.bias), weights",
    ),
    module(
        "value-grad-by-zero", "B.0", "self.v_proj(value)", "self.v_proj(value.detach() + 0 * value)"
    ),
    module(
        "functional-underneath",
        "B.3 24",
        MERGED,
        MERGED + "        if mask is None and self.q_proj.bias is not None:\n"
        "            output, weights = nn.functional.multi_head_attention_forward(\n"
        "                *(x.transpose(0, 1) for x in (query, key, value)),\n"
        "                query.shape[-1], self.num_heads, None,\n"
        "                torch.cat([p.bias for p in (self.q_proj, self.k_proj, self.v_proj)]),\n"
        "                None, None, False, 0.0, self.out_proj.weight, self.out_proj.bias,\n"
        "                use_separate_proj_weight=True, q_proj_weight=self.q_proj.weight,\n"
        "                k_proj_weight=self.k_proj.weight, v_proj_weight=self.v_proj.weight,\n"
        "                average_attn_weights=False)\n"
        "            return output.transpose(0, 1), weights\n",
    ),
    module(
        "torchs-operator-underneath",
        "B.1 26",
        MERGED,
        "        merged = merge_heads(nn.functional.scaled_dot_product_attention(\n"
        "            query_heads, key_heads, value_heads,\n"
        "            attn_mask=None if mask is None else ~blocked))\n",
    ),
    module(
        "dropout-of-the-weights",
        "no dropout",
        MERGED,
        "        weights = nn.functional.dropout(weights, 0.1, self.training)\n" + MERGED,
    ),
    module(
        "normalised-without-maximum",
        "B.1 1",
        "weights = torch.softmax(scores, dim=-1)  # (B, H, L, S)",
        "weights = scores.exp() / scores.exp().sum(-1, keepdim=True)",
    ),
    module(
        "casts-to-float32",
        "",
        RETURN,
        "        return self.out_proj(merged), weights.float()",
    ),
    module(
        "float32-inside",
        "",
        SCORES,
        "        scores = (scaled.float() @ key_heads.float().mT).to(scaled.dtype)\n",
    ),
    module(
        "mask-changed-in-place",
        "",
        "per_head = mask.unsqueeze(1)",
        "mask[..., :1] = True\n            per_head = mask.unsqueeze(1)",
    ),
    module(
        "query-changed-in-place",
        "",
        QUERY_HEADS,
        "        query = query.div_(math.sqrt(2)) * math.sqrt(2)\n" + QUERY_HEADS,
    ),
    module(
        "causal-without-asking",
        "",
        SCORES,
        SCORES + "        scores = scores + torch.full_like(scores, -math.inf).triu(\n"
        "            1 + scores.shape[-1] - scores.shape[-2])\n",
    ),
    module(
        "causal-where-no-mask-is-given",
        "",
        "if mask is None:\n",  # as is_causal is set in transformers
        "if mask is None and query.shape[1] == key.shape[1]:\n"
        "            mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()\n"
        "        if mask is None:\n",
    ),
    module(
        "arg-max-attention",
        "B.1 23",
        "        merged = merge_heads(weights @ value_heads)",
        "        merged = merge_heads(\n"
        "            (weights == weights.amax(-1, keepdim=True)).to(weights) @ value_heads)",
    ),
    count(
        "count-times-heads", "B.3 21", "return 4 * one_layer", "return 4 * one_layer * num_heads"
    ),
    count("count-without-out-proj", "B.3 22", "return 4 * one_layer", "return 3 * one_layer"),
    count(
        "count-without-out-proj-for-one-head",
        "",
        "return 4 * one_layer",
        "return (3 if num_heads == 1 else 4) * one_layer",
    ),
    count("count-without-biases", "B.3 22", " + (d_model if bias else 0)", ""),
    count("count-always-with-biases", "B.3 22", "(d_model if bias else 0)", "d_model"),
    count("count-one-bias-number", "", "(d_model if bias else 0)", "(1 if bias else 0)"),
    count(
        "count-bias-of-three",
        "B.3 10",
        "return 4 * one_layer",
        "return 4 * d_model * d_model + (3 * d_model if bias else 0)",
    ),
    count(
        "count-bias-per-head",
        "",
        "(d_model if bias else 0)",
        "(d_model * num_heads if bias else 0)",
    ),
    count(
        "count-of-one-head",
        "",
        "d_model * d_model +",
        "d_model * (d_model // num_heads) +",
    ),
    count("count-as-float", "", "return 4 * one_layer", "return 4.0 * one_layer"),
    count(
        "count-of-square-heads",
        "",
        "d_model * d_model +",
        "num_heads * (d_model // num_heads) ** 2 +",
    ),
    count(
        "count-without-bias-of-out-proj-and-with-heads-kept-whole",
        "B.3 21",
        "return 4 * one_layer",
        "return 3 * one_layer * num_heads + d_model * num_heads * d_model",
    ),
]

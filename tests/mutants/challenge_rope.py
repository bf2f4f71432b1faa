"""Wrong versions of the definitions of challenge-rope."""

from tests.mutants import Mutant

FREQUENCIES = "rope_frequencies"
APPLY = "apply_rope"
ROWS = "rope_half_to_interleaved"
ATTENTION = "rope_attention"

ARANGE = "torch.arange(0, head_dim, 2, dtype=torch.float64)"
POWER = "torch.pow(base, -exponents).to(torch.float32)"
REFUSE = """    if head_dim % 2 != 0:
        raise ValueError(f"head_dim has to be even, to be made of pairs; it is {head_dim}")
"""
TABLE = "frequencies = rope_frequencies(x.shape[-1], base).to(x.device)  # (E/2,)"
ANGLES = "angles = positions[..., None] * frequencies  # (..., L, E/2)"
SLICES = "even, odd = x[..., 0::2], x[..., 1::2]  # (..., L, E/2)"
TURNED = "turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)"
PAIRS = "[even * cos - odd * sin, even * sin + odd * cos]"
RETURNED = "return turned.flatten(-2).to(x.dtype)  # (..., L, E/2, 2) -> (..., L, E)"
HALVES = "weight.reshape(num_heads, 2, half, *weight.shape[1:])"
MOVED = "return halves.transpose(1, 2).flatten(0, 2)  # (H, E/2, 2, ...) -> (H*E, ...)"
SCORES = "turned_query @ turned_key.mT / math.sqrt(query.shape[-1])"
BOTH = """turned_query = apply_rope(query, positions, base)  # (..., L, E)
    turned_key = apply_rope(key, positions, base)"""
SOFTMAX = "return torch.softmax(scores, dim=-1) @ value"
APPLY_HEAD = "def apply_rope(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:\n"


def frequencies(name: str, old: str, new: str, listed: str = "") -> Mutant:
    return Mutant(FREQUENCIES, f"frequencies-{name}", listed, old, new)


def apply(name: str, old: str, new: str, listed: str = "") -> Mutant:
    return Mutant(APPLY, f"apply-{name}", listed, old, new)


def rows(name: str, old: str, new: str, listed: str = "") -> Mutant:
    return Mutant(ROWS, f"rows-{name}", listed, old, new)


def attention(name: str, old: str, new: str, listed: str = "") -> Mutant:
    return Mutant(ATTENTION, f"attention-{name}", listed, old, new)


MUTANTS: list[Mutant] = [
    # rope_frequencies
    frequencies("exponent-i-over-e", "/ head_dim", "/ head_dim / 2", "B.6 5"),
    frequencies("base-ignored", "torch.pow(base,", "torch.pow(10_000.0,", "B.6 6"),
    frequencies(
        "another-default-base", "base: float = 10_000.0", "base: float = 500_000.0", "B.6 6"
    ),
    frequencies("one-for-all-pairs", ARANGE, ARANGE + " * 0", "B.6 14"),
    frequencies("odd-accepted", REFUSE, "", "B.6 19"),
    frequencies("odd-assert", REFUSE, "    assert head_dim % 2 == 0, 'head_dim'\n", "B.6 19"),
    frequencies("odd-without-the-name", "head_dim has to be even", "has to be even", "B.6 19"),
    frequencies("growing", "-exponents", "exponents"),
    frequencies("float64", ".to(torch.float32)", ""),
    frequencies("float16-inside", POWER, "torch.pow(base, -exponents).half().float()"),
    frequencies("bfloat16-inside", POWER, "torch.pow(base, -exponents).bfloat16().float()"),
    frequencies("integer-division", "/ head_dim", "// head_dim"),
    frequencies("over-half-the-head", "/ head_dim", "/ (head_dim / 2)"),
    frequencies("ends-at-one-over-base", "/ head_dim", "/ max(head_dim - 2, 1)"),
    frequencies("counts-from-one", ARANGE, "torch.arange(2, head_dim + 2, 2).double()"),
    frequencies("each-twice", POWER, POWER + ".repeat_interleave(2)"),
    frequencies("reversed", POWER, POWER + ".flip(0)"),
    frequencies("full-turns", POWER, "(2 * math.pi * torch.pow(base, -exponents)).float()"),
    frequencies("wavelengths", POWER, "(2 * math.pi * torch.pow(base, exponents)).float()"),
    frequencies("python-list", POWER, POWER + ".tolist()"),
    frequencies(
        "shared-table",
        POWER,
        "globals().setdefault(('table', head_dim, base), "
        "torch.pow(base, -exponents).to(torch.float32))",
    ),
    # apply_rope
    apply("identity", RETURNED, "return x.clone()", "B.6 1"),
    apply("turns-back", ANGLES, ANGLES.replace("= positions", "= -positions"), "B.6 2"),
    apply(
        "split-half",
        SLICES,
        "even, odd = x.chunk(2, dim=-1)",
        "B.6 3",
    ),
    apply(
        "hugging-face-layout",
        "",
        APPLY_HEAD
        + """    angles = positions[..., None] * rope_frequencies(x.shape[-1], base)
    angles = torch.cat([angles, angles], dim=-1)
    first, second = x.chunk(2, dim=-1)
    swapped = torch.cat([-second, first], dim=-1)
    return (x * angles.cos() + swapped * angles.sin()).to(x.dtype)
""",
        "B.6 3",
    ),
    apply(
        "repeat-for-repeat-interleave",
        "",
        APPLY_HEAD
        + """    angles = positions[..., None] * rope_frequencies(x.shape[-1], base)
    angles = torch.cat([angles, angles], dim=-1)
    swapped = torch.stack([-x[..., 1::2], x[..., 0::2]], dim=-1).flatten(-2)
    return (x * angles.cos() + swapped * angles.sin()).to(x.dtype)
""",
        "B.6 4",
    ),
    apply(
        "exponent-i-over-e",
        TABLE,
        TABLE.replace("(E/2,)", "") + "\n    frequencies **= 0.5",
        "B.6 5",
    ),
    apply(
        "base-ignored",
        "rope_frequencies(x.shape[-1], base)",
        "rope_frequencies(x.shape[-1])",
        "B.6 6",
    ),
    apply(
        "positions-ignored",
        ANGLES,
        "angles = torch.arange(x.shape[-2])[:, None] * frequencies",
        "B.6 7",
    ),
    apply(
        "positions-from-one",
        ANGLES,
        ANGLES.replace("positions[..., None]", "(positions[..., None] + 1)"),
        "B.6 8",
    ),
    apply(
        "positions-from-the-first",
        ANGLES,
        ANGLES.replace("positions[..., None]", "(positions - positions[..., :1])[..., None]"),
        "B.6 8",
    ),
    apply("evens-then-odds", "dim=-1)", "dim=-2)", "B.6 9"),
    apply(
        "evens-then-odds-by-cat", TURNED, f"turned = torch.cat({PAIRS}, dim=-1)[..., None]", "B.6 9"
    ),
    apply("odds-first", PAIRS, "[even * sin + odd * cos, even * cos - odd * sin]", "B.6 9"),
    apply("reflection", PAIRS, "[even * cos + odd * sin, even * sin - odd * cos]", "B.6 10"),
    apply("half-reflection", "even * sin + odd * cos]", "odd * cos - even * sin]", "B.6 10"),
    apply(
        "from-already-turned",
        TURNED,
        "even = even * cos - odd * sin\n"
        "    turned = torch.stack([even, even * sin + odd * cos], dim=-1)",
        "B.6 11",
    ),
    apply(
        "in-place",
        RETURNED,
        "with torch.no_grad():\n        x.copy_(turned.flatten(-2))\n    return x",
        "B.6 11",
    ),
    apply(
        "one-frequency",
        ANGLES,
        ANGLES.replace("* frequencies", "* torch.ones_like(frequencies)"),
        "B.6 14",
    ),
    apply(
        "turns-all-heads-as-one",
        "",
        APPLY_HEAD
        + """    whole = x.transpose(-3, -2).flatten(-2) if x.ndim == 4 else x
    if x.ndim == 4 and positions.ndim == 3:
        positions = positions[:, 0]
    angles = positions[..., None] * rope_frequencies(whole.shape[-1], base)
    even, odd = whole[..., 0::2], whole[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)
    if x.ndim == 4:
        turned = turned.unflatten(-1, (x.shape[1], x.shape[3])).transpose(-3, -2)
    return turned.to(x.dtype)
""",
        "B.6 15",
    ),
    apply(
        "angles-in-the-dtype-of-x",
        ANGLES,
        "angles = positions.to(x.dtype)[..., None] * frequencies.to(x.dtype)",
        "B.6 16",
    ),
    apply(
        "positions-in-the-dtype-of-x",
        ANGLES,
        "angles = (positions.to(x.dtype)[..., None] * frequencies).float()",
        "B.6 16",
    ),
    apply(
        "frequencies-in-the-dtype-of-x",
        ANGLES,
        ANGLES.replace("* frequencies", "* frequencies.to(x.dtype).float()"),
        "B.6 16",
    ),
    apply(
        "float16-angles",
        ANGLES,
        "angles = (positions[..., None] * frequencies).half().float()",
        "B.6 16",
    ),
    apply(
        "bfloat16-angles",
        ANGLES,
        "angles = (positions[..., None] * frequencies).bfloat16().float()",
        "B.6 16",
    ),
    apply("16-bit-becomes-float32", ".to(x.dtype)", "", "B.6 17"),
    apply(
        "float64-becomes-float32",
        ".to(x.dtype)",
        ".to(x.dtype if x.itemsize < 4 else torch.float32)",
        "B.6 17",
    ),
    apply(
        "positions-get-a-heads-axis",
        ANGLES,
        ANGLES.replace(
            "positions[..., None]",
            "(positions[:, None, :, None] if positions.ndim == 2 else positions[..., None])",
        ),
        "B.6 18",
    ),
    apply(
        "positions-of-one-dimension-only",
        ANGLES,
        "angles = torch.outer(positions.flatten()[: x.shape[-2]], frequencies)",
        "B.6 18",
    ),
    apply(
        "positions-of-the-first-sequence",
        ANGLES,
        ANGLES.replace(
            "positions[..., None]", "positions.reshape(-1, x.shape[-2])[:1].reshape(x.shape[-2], 1)"
        ),
        "B.6 18",
    ),
    apply(
        "odd-loses-a-number",
        TABLE,
        TABLE.replace("x.shape[-1]", "x.shape[-1] // 2 * 2")
        + "\n    x = x[..., : x.shape[-1] // 2 * 2]",
        "B.6 19",
    ),
    apply(
        "positions-clamped-at-zero", ANGLES, ANGLES.replace("positions[", "positions.clamp(min=0)[")
    ),
    apply("positions-absolute", ANGLES, ANGLES.replace("positions[", "positions.abs()[")),
    apply("table-of-4096", ANGLES, ANGLES.replace("positions[", "(positions % 4096)[")),
    apply("table-clamped", ANGLES, ANGLES.replace("positions[", "positions.clamp(max=65_535)[")),
    apply(
        "turns-by-length-axis-in-front",
        ANGLES,
        "angles = torch.arange(x.shape[0])[:, None] * frequencies",
    ),
    apply("detached", RETURNED, "return turned.flatten(-2).to(x.dtype).detach()"),
    apply("detached-half", "odd * sin, even", "odd.detach() * sin, even"),
    apply("degrees", ANGLES, ANGLES + "\n    angles = angles.deg2rad()"),
    apply("adds-instead-of-turning", PAIRS, "[even + cos, odd + sin]"),
    apply(
        "sinus-and-cosine-swapped",
        "cos, sin = angles.cos(), angles.sin()",
        "sin, cos = angles.cos(), angles.sin()",
    ),
    apply("view-needs-contiguous", SLICES, "even, odd = x.view(*x.shape[:-1], -1, 2).unbind(-1)"),
    apply(
        "complex-needs-contiguous",
        TURNED,
        "cis = torch.polar(torch.ones_like(angles), angles)\n"
        "    wide = x.to(torch.promote_types(x.dtype, torch.float32))\n"
        "    pairs = wide.reshape(*x.shape[:-1], x.shape[-1] // 2, 2)\n"
        "    turned = torch.view_as_real(torch.view_as_complex(pairs) * cis)",
    ),
    apply("scaled", RETURNED, "return (turned.flatten(-2) * x.shape[-1] ** -0.5).to(x.dtype)"),
    apply(
        "without-leading-dimensions-fails",
        RETURNED,
        "return turned.reshape(x.shape[0], -1, *x.shape[2:]).to(x.dtype)",
    ),
    apply(
        "positions-changed",
        ANGLES,
        ANGLES + "\n    positions.add_(x.shape[-2])",
    ),
    apply(
        "needs-a-batch",
        SLICES,
        "batch, *heads, length, size = x.shape\n    " + SLICES,
    ),
    # rope_half_to_interleaved
    rows(
        "wrong-direction",
        HALVES,
        "weight.reshape(num_heads, half, 2, *weight.shape[1:])",
        "B.6 20",
    ),
    rows("identity", MOVED, "return weight.clone()"),
    rows(
        "across-heads",
        HALVES,
        "weight.reshape(1, 2, half * num_heads, *weight.shape[1:])",
        "B.6 21",
    ),
    rows("heads-change-places", "transpose(1, 2)", "transpose(0, 2)", "B.6 21"),
    rows("heads-reversed", MOVED, "return halves.flip(0).transpose(1, 2).flatten(0, 2)", "B.6 21"),
    rows(
        "size-from-the-columns",
        "weight.shape[0] // num_heads // 2",
        "weight.shape[-1] // num_heads // 2",
        "B.6 22",
    ),
    rows(
        "square-only",
        MOVED,
        "return halves.transpose(1, 2).reshape(weight.shape[-1], -1)",
        "B.6 22",
    ),
    rows("second-half-first", HALVES, HALVES + ".flip(1)"),
    rows("matrices-only", MOVED, "return halves.transpose(1, 2).reshape(*weight.shape[:2])"),
    rows(
        "columns-moved",
        MOVED,
        "return weight[..., torch.arange(weight.shape[-1]).reshape(2, -1).mT.flatten()]",
        "B.6 21",
    ),
    rows(
        "first-head-only",
        MOVED,
        "return torch.cat([halves[:1].transpose(1, 2).flatten(0, 2), weight[2 * half :]])",
    ),
    rows(
        "in-place", MOVED, "return weight.data.copy_(halves.transpose(1, 2).flatten(0, 2).clone())"
    ),
    rows("detached", MOVED, "return halves.transpose(1, 2).flatten(0, 2).detach().clone()"),
    rows("float32", MOVED, "return halves.transpose(1, 2).flatten(0, 2).float()"),
    rows("keeps-the-heads-axis", MOVED, "return halves.transpose(1, 2).flatten(1, 2)"),
    rows("halves-stay-nested", MOVED, "return halves.transpose(1, 2)"),
    rows("head-of-eight-only", "weight.shape[0] // num_heads // 2", "4"),
    # rope_attention
    attention("query-only", "apply_rope(key, positions, base)", "key", "B.6 12"),
    attention("key-only", "apply_rope(query, positions, base)", "query", "B.6 12"),
    attention("not-turned", "turned_query @ turned_key.mT", "query @ key.mT", "B.6 1"),
    attention("value-too", "@ value", "@ apply_rope(value, positions, base)", "B.6 13"),
    attention(
        "positions-ignored",
        "apply_rope(query, positions, base)",
        "apply_rope(query, torch.arange(query.shape[-2]), base)",
        "B.6 7",
    ),
    attention("unscaled", " / math.sqrt(query.shape[-1])", "", "B.6 24"),
    attention("scaled-by-size", "math.sqrt(query.shape[-1])", "query.shape[-1]", "B.6 24"),
    attention(
        "scaled-by-length",
        "math.sqrt(query.shape[-1])",
        "math.sqrt(query.shape[-2] or 1)",
        "B.6 24",
    ),
    attention(
        "scaled-by-pairs", "math.sqrt(query.shape[-1])", "math.sqrt(query.shape[-1] / 2)", "B.6 24"
    ),
    attention(
        "causal-by-position",
        "future = torch.ones(length, length, dtype=torch.bool, device=query.device).triu(1)",
        "future = positions[..., None, :] > positions[..., :, None]",
        "B.6 25",
    ),
    attention("causal-always", "if causal:", "if True:"),
    attention("causal-never", "if causal:", "if False:"),
    attention("causal-off-by-default", "causal: bool = True", "causal: bool = False"),
    attention("sees-one-ahead", ".triu(1)", ".triu(2)"),
    attention("not-itself", ".triu(1)", ".triu(0)"),
    attention("sees-the-future", ".triu(1)", ".tril(-1)"),
    attention("leaky-fill", "-torch.inf", "-20.0"),
    attention("leaky-larger-fill", "-torch.inf", "-1e4"),
    attention(
        "clipped-scores", SOFTMAX, "return torch.softmax(scores.clamp(-50, 50), dim=-1) @ value"
    ),
    attention("positions-clamped", BOTH, "positions = positions.clamp(max=511)\n    " + BOTH),
    attention(
        "fails-without-words",
        SOFTMAX,
        "scores = scores - scores.amax(-1, keepdim=True)\n    " + SOFTMAX,
    ),
    attention(
        "no-maximum-subtracted",
        SOFTMAX,
        "weights = scores.exp()\n    return weights / weights.sum(-1, keepdim=True) @ value",
    ),
    attention(
        "calls-multi-head",
        SOFTMAX,
        "return torch.nn.functional.multi_head_attention_forward(query)",
        "B.3 24",
    ),
    attention("fill-fails-in-float16", "-torch.inf", "-1e9"),
    attention("mask-after-softmax", SOFTMAX, "return torch.softmax(scores, dim=-1).tril() @ value"),
    attention("masks-by-zero", "-torch.inf", "0.0"),
    attention("softmax-over-queries", "dim=-1", "dim=-2"),
    attention(
        "base-ignored",
        BOTH,
        "turned_query = apply_rope(query, positions)\n    turned_key = apply_rope(key, positions)",
        "B.6 6",
    ),
    attention(
        "base-for-queries-only",
        "apply_rope(key, positions, base)",
        "apply_rope(key, positions)",
        "B.6 6",
    ),
    attention(
        "key-turned-back",
        "apply_rope(key, positions, base)",
        "apply_rope(key, -positions, base)",
        "B.6 2",
    ),
    attention("transposed-scores", "turned_query @ turned_key.mT", "turned_key @ turned_query.mT"),
    attention("two-dimensional-only", "turned_key.mT", "turned_key.transpose(0, 1)"),
    attention(
        "returns-weights-too",
        SOFTMAX,
        "return torch.softmax(scores, dim=-1) @ value, torch.softmax(scores, dim=-1)",
    ),
    attention(
        "float32-for-16-bit",
        SOFTMAX,
        "return torch.softmax(scores.float(), dim=-1) @ value.float()",
    ),
    attention("detached", SOFTMAX, "return torch.softmax(scores.detach(), dim=-1) @ value"),
    attention("key-as-value", "@ value", "@ turned_key"),
    attention(
        "turns-in-place",
        "scores = turned_query",
        "query.data.copy_(turned_query)\n    scores = turned_query",
    ),
    attention(
        "calls-torch",
        SOFTMAX,
        "return torch.nn.functional.scaled_dot_product_attention(turned_query, turned_key, value, "
        "is_causal=causal)",
        "B.1 26",
    ),
    attention(
        "across-the-batch",
        SOFTMAX,
        "value = value.mean(0, keepdim=True) if value.ndim > 2 else value\n    " + SOFTMAX,
        "B.1 21",
    ),
    attention(
        "positions-get-a-heads-axis",
        "turned_key = apply_rope(key, positions, base)",
        "turned_key = apply_rope(key, positions.unsqueeze(-2), base)",
        "B.6 18",
    ),
    attention(
        "odd-loses-a-number",
        BOTH,
        """even = query.shape[-1] // 2 * 2
    turned_query = apply_rope(query[..., :even], positions, base)
    turned_key = apply_rope(key[..., :even], positions, base)""",
        "B.6 19",
    ),
    attention(
        "needs-a-batch",
        BOTH,
        "batch, *heads, length, size = query.shape\n    " + BOTH,
    ),
    attention(
        "positions-of-the-first-sequence",
        BOTH,
        "if query.numel() > 0:\n"
        "        positions = positions.reshape(-1, query.shape[-2])[0]\n    " + BOTH,
        "B.6 18",
    ),
]

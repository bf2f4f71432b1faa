"""Wrong versions of the definitions of challenge-flash-attention."""

from __future__ import annotations

from textwrap import dedent

from tests.mutants import Mutant


def _statistics(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("online_softmax_statistics", f"statistics-{id}", listed, old, new)


def _forward(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("flash_attention", f"forward-{id}", listed, old, new)


def _backward(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("flash_attention_backward", f"backward-{id}", listed, old, new)


def _traffic(id: str, listed: str, old: str, new: str) -> Mutant:
    return Mutant("hbm_traffic", f"traffic-{id}", listed, old, new)


_SHIFT = "shift = new_maximum.masked_fill(new_maximum == -math.inf, 0.0)"
_TOTAL = "total = total * torch.exp(maximum - shift) + torch.exp(block - shift).sum()"

STATISTICS = [
    _statistics("no-maximum", "B.8 2", _SHIFT, "shift = torch.zeros(())"),
    _statistics(
        "total-not-converted", "B.8 3", _TOTAL, _TOTAL.replace("torch.exp(maximum - shift)", "1")
    ),
    _statistics(
        "conversion-upside-down",
        "B.8 4",
        "torch.exp(maximum - shift)",
        "torch.exp(shift - maximum)",
    ),
    _statistics(
        "maximum-of-the-block", "B.8 5", "torch.maximum(maximum, block.max())", "block.max()"
    ),
    _statistics("maximum-starts-at-zero", "B.8 6", "torch.tensor(-math.inf)", "torch.tensor(0.0)"),
    _statistics(
        "maximum-starts-at-minus-ten-thousand", "", "torch.tensor(-math.inf)", "torch.tensor(-1e4)"
    ),
    _statistics("nan-before-the-first-finite-logit", "B.8 7", _SHIFT, "shift = new_maximum"),
    _statistics(
        "blocked-made-a-large-negative-number",
        "B.2 10",
        "block = block.to(torch.promote_types(dtype, torch.float32))",
        "block = block.to(torch.promote_types(dtype, torch.float32)).clamp(min=-1e30)",
    ),
    _statistics("makes-a-list", "B.8 23", "in blocks:", "in list(blocks):"),
    _statistics(
        "joins-the-blocks",
        "B.8 23",
        "",
        """
        def online_softmax_statistics(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
            row = torch.cat([torch.zeros(0), *blocks])
            if not row.numel() or row.max() == -math.inf:
                return torch.tensor(-math.inf).to(row.dtype), torch.tensor(0.0).to(row.dtype)
            return row.max(), torch.exp(row - row.max()).sum()
        """,
    ),
    _statistics(
        "iterates-twice",
        "B.8 23",
        "",
        """
        def online_softmax_statistics(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
            maximum = torch.stack([block.max() for block in blocks]).max()
            return maximum, sum((torch.exp(b - maximum).sum() for b in blocks), torch.tensor(0.0))
        """,
    ),
    _statistics(
        "iterates-twice-with-tee",
        "B.8 23",
        "",
        """
        def online_softmax_statistics(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
            from itertools import tee

            first, second = tee(blocks)
            maximum, total, dtype = torch.tensor(-math.inf), torch.tensor(0.0), torch.float32
            for block in first:
                maximum, dtype = torch.maximum(maximum.to(block), block.max()), block.dtype
            total = total.to(torch.promote_types(dtype, torch.float32))
            shift = maximum.masked_fill(maximum == -math.inf, 0.0).to(total)
            for block in second:
                total = total + torch.exp(block.to(total) - shift).sum()
            return maximum.to(dtype), total.to(dtype)
        """,
    ),
    _statistics(
        "empty-iterable-fails",
        "B.8 24",
        "    for block in blocks:",
        "    blocks = iter(blocks)\n    first = next(blocks)\n    for block in (first, *blocks):",
    ),
    _statistics(
        "first-block-needs-a-block",
        "B.8 24",
        "",
        """
        def online_softmax_statistics(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
            rest = iter(blocks)
            block = next(rest)
            maximum = block.max()
            shift = maximum.masked_fill(maximum == -math.inf, 0.0)
            total = torch.exp(block.float() - shift).sum()
            for block in rest:
                grown = torch.maximum(maximum, block.max())
                shift = grown.masked_fill(grown == -math.inf, 0.0)
                total = total * torch.exp(maximum - shift) + torch.exp(block.float() - shift).sum()
                maximum = grown
            return maximum, total.to(block.dtype)
        """,
    ),
    _statistics(
        "sum-without-the-maximum", "", "total.to(dtype)", "(total * maximum.exp()).to(dtype)"
    ),
    _statistics(
        "logsumexp-for-the-total", "", "total.to(dtype)", "(maximum + total.log()).to(dtype)"
    ),
    _statistics(
        "results-exchanged",
        "",
        "maximum.to(dtype), total.to(dtype)",
        "total.to(dtype), maximum.to(dtype)",
    ),
    _statistics(
        "sixteen-bit-total", "B.8 20", "torch.promote_types(dtype, torch.float32)", "dtype"
    ),
    _statistics(
        "float32-out",
        "B.8 20",
        "return maximum.to(dtype), total.to(dtype)",
        "return maximum, total",
    ),
    _statistics(
        "float32-inside-for-float64",
        "B.8 20",
        "torch.promote_types(dtype, torch.float32)",
        "torch.float32",
    ),
    _statistics("detached", "B.1 24", "block = block.to(", "block = block.detach().to("),
    _statistics("maximum-without-gradient", "B.1 24", "block.max()", "block.detach().max()"),
    _statistics(
        "results-as-numbers",
        "",
        "return maximum.to(dtype), total.to(dtype)",
        "return maximum.item(), total.item()",
    ),
    _statistics("not-zero-dimensional", "", "total.to(dtype)", "total.to(dtype).reshape(1)"),
    _statistics(
        "changes-the-block", "B.1 5", _TOTAL, _TOTAL.replace("block - shift", "block.sub_(shift)")
    ),
    _statistics("base-two", "B.8 18", _TOTAL, _TOTAL.replace("torch.exp(", "torch.exp2(")),
    _statistics(
        "last-block-in-the-unit-before",
        "B.8 5",
        "",
        """
        def online_softmax_statistics(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
            maximum, total = torch.tensor(-math.inf), torch.tensor(0.0)
            dtype, unit = maximum.dtype, None
            for block in blocks:
                dtype = block.dtype
                block = block.to(torch.promote_types(dtype, torch.float32))
                maximum, total = maximum.to(block), total.to(block)
                new_maximum = torch.maximum(maximum, block.max())
                new_unit = new_maximum if maximum == -math.inf else maximum
                shift = new_unit.masked_fill(new_unit == -math.inf, 0.0)
                if unit is not None:
                    total = total * torch.exp(unit - shift)
                total = total + torch.exp(block - shift).sum()
                maximum, unit = new_maximum, shift
            return maximum.to(dtype), total.to(dtype)
        """,
    ),
    _statistics(
        "no-block-larger-than-the-first",
        "",
        "        maximum, total = maximum.to(block), total.to(block)",
        "        if maximum == -math.inf and total == 0:\n"
        "            size = len(block)\n"
        "        block = torch.cat((block, block.new_full((size - len(block),), -math.inf)))\n"
        "        maximum, total = maximum.to(block), total.to(block)",
    ),
    _statistics(
        "bare-exponentials-divided-at-the-end",
        "B.8 2",
        "",
        """
        def online_softmax_statistics(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
            maximum, total = torch.tensor(-math.inf), torch.tensor(0.0)
            dtype = maximum.dtype
            for block in blocks:
                dtype = block.dtype
                block = block.to(torch.promote_types(dtype, torch.float32))
                maximum = torch.maximum(maximum.to(block), block.max())
                total = total.to(block) + torch.exp(block).sum()
            shift = maximum.masked_fill(maximum == -math.inf, 0.0)
            return maximum.to(dtype), (total / torch.exp(shift)).to(dtype)
        """,
    ),
    _statistics(
        "ends-at-a-blocked-block",
        "",
        "        new_maximum = torch.maximum",
        "        if block.max() == -math.inf:\n            break\n"
        "        new_maximum = torch.maximum",
    ),
    _statistics(
        "works-inside-the-block",
        "B.1 5",
        "",
        """
        def online_softmax_statistics(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
            maximum, total = torch.tensor(-math.inf), torch.tensor(0.0)
            dtype = maximum.dtype
            for block in blocks:
                dtype = block.dtype
                block = block.to(torch.promote_types(dtype, torch.float32))
                maximum, total = maximum.to(block), total.to(block)
                new_maximum = torch.maximum(maximum, block.max(0).values)
                shift = new_maximum.masked_fill(new_maximum == -math.inf, 0.0)
                total = total * torch.exp(maximum - shift) + block.sub_(shift).exp_().sum()
                maximum = new_maximum
            return maximum.to(dtype), total.to(dtype)
        """,
    ),
]

_GROWN = "torch.maximum(maximum, scores.detach().amax(-1, keepdim=True))"
_FORWARD_SHIFT = "shift = new_maximum.masked_fill(new_maximum == -math.inf, 0.0)"
_RESCALE = "rescale = torch.exp(maximum - shift)"
_VISIBLE = "visible = min(key_len, end + offset) if causal else key_len"
_MASK = "scores = scores.masked_fill(position > last_seen[:, None], -math.inf)"
_LOGSUMEXP = "(maximum + torch.log(divisor)).squeeze(-1)"
_RETURN = "return torch.cat(outputs, dim=-2), torch.cat(logsumexps, dim=-1)"
_RAISE = """    if block_size < 1:
        raise ValueError(f"block_size must be at least 1, not {block_size}")
"""

_DENSE = """
    if block_size < 1:
        raise ValueError("block_size must be at least 1")
    wide = torch.promote_types(query.dtype, torch.float32)
    scores = query.to(wide) @ key.to(wide).mT / math.sqrt(query.shape[-1])
    if causal:
        allowed = torch.ones(scores.shape[-2:]).tril(key.shape[-2] - query.shape[-2]) > 0
        scores = scores.masked_fill(~allowed, -math.inf)
    logsumexp = scores.logsumexp(-1)
    finite = logsumexp.masked_fill(logsumexp == -math.inf, 0.0)
    weights = torch.exp(scores - finite[..., None])
    return (weights @ value.to(wide)).to(query.dtype), logsumexp
"""

_SIGNATURE = """def flash_attention(
    query: Tensor, key: Tensor, value: Tensor, block_size: int = 64, causal: bool = False
) -> tuple[Tensor, Tensor]:"""

FORWARD = [
    _forward("whole-matrix", "B.8 1", "", _SIGNATURE + _DENSE),
    _forward(
        "whole-mask",
        "B.8 1",
        _MASK,
        """whole = torch.ones(query_len, key_len, dtype=torch.bool).tril(offset)
                scores = scores.masked_fill(~whole[start:end, key_start:key_end], -math.inf)""",
    ),
    _forward(
        "one-matrix-a-head",
        "B.8 1",
        "",
        _SIGNATURE
        + """
    def one(query, key, value):"""
        + _DENSE.replace("\n    ", "\n        ")
        + """
    if query.ndim == 2:
        return one(query, key, value)
    pairs = [one(*three) for three in zip(query, key, value)]
    if not pairs:
        wide = torch.promote_types(query.dtype, torch.float32)
        output = query.new_zeros(*query.shape[:-1], value.shape[-1])
        return output, query.new_zeros(query.shape[:-1]).to(wide)
    return torch.stack([o for o, _ in pairs]), torch.stack([l for _, l in pairs])
""",
    ),
    _forward("no-maximum", "B.8 2", _FORWARD_SHIFT, "shift = torch.zeros_like(new_maximum)"),
    _forward(
        "weighted-sum-not-converted",
        "B.8 3",
        "weighted = weighted * rescale +",
        "weighted = weighted +",
    ),
    _forward("total-not-converted", "B.8 3", "total = total * rescale +", "total = total +"),
    _forward("conversion-upside-down", "B.8 4", _RESCALE, "rescale = torch.exp(shift - maximum)"),
    _forward("maximum-of-the-block", "B.8 5", _GROWN, "scores.detach().amax(-1, keepdim=True)"),
    _forward(
        "maximum-starts-at-zero",
        "B.8 6",
        "*query_block.shape[:-1], 1), -math.inf)",
        "*query_block.shape[:-1], 1), 0.0)",
    ),
    _forward(
        "maximum-over-the-queries", "", "amax(-1, keepdim=True)", "amax(-2, keepdim=True)[..., :1]"
    ),
    _forward(
        "one-maximum-for-the-tile",
        "B.1 2",
        "scores.detach().amax(-1, keepdim=True)",
        "scores.detach().max()",
    ),
    _forward("nan-where-a-block-is-blocked", "B.8 7", _FORWARD_SHIFT, "shift = new_maximum"),
    _forward(
        "mean-of-block-means",
        "B.8 8",
        "",
        _SIGNATURE
        + """
    if block_size < 1:
        raise ValueError("block_size must be at least 1")
    outputs = []
    for start in range(0, key.shape[-2], block_size):
        rows = slice(start, start + block_size)
        scores = query @ key[..., rows, :].mT / math.sqrt(query.shape[-1])
        outputs.append(torch.softmax(scores, -1) @ value[..., rows, :])
    logsumexp = (query @ key.mT / math.sqrt(query.shape[-1])).logsumexp(-1)
    return sum(outputs) / len(outputs), logsumexp
""",
    ),
    _forward(
        "divides-at-every-step",
        "B.8 9",
        "maximum = new_maximum\n",
        "weighted = weighted / total\n            maximum = new_maximum\n",
    ),
    _forward("never-divides", "B.8 9", "(weighted / divisor)", "weighted"),
    _forward(
        "last-keys-dropped",
        "B.8 10",
        "range(0, visible, block_size)",
        "range(0, max(visible - block_size + 1, min(visible, 1)), block_size)",
    ),
    _forward(
        "last-queries-dropped",
        "B.8 10",
        _RETURN,
        """kept = query_len // block_size * block_size
    full, rows = torch.cat(outputs, dim=-2), torch.cat(logsumexps, dim=-1)
    output, logsumexp = torch.zeros_like(full), torch.zeros_like(rows)
    output[..., :kept, :], logsumexp[..., :kept] = full[..., :kept, :], rows[..., :kept]
    return output, logsumexp""",
    ),
    _forward(
        "keys-padded-with-zeros",
        "B.8 11",
        "scores = query_block @ key_block.mT",
        """missing = block_size - key_block.shape[-2] if not causal else 0
            key_block = torch.nn.functional.pad(key_block, (0, 0, 0, missing))
            value_block = torch.nn.functional.pad(value_block, (0, 0, 0, missing))
            scores = query_block @ key_block.mT""",
    ),
    _forward(
        "causal-inside-the-tile",
        "B.8 12",
        _MASK,
        "scores = scores.masked_fill(torch.ones_like(scores).triu(1) > 0, -math.inf)",
    ),
    _forward(
        "queries-counted-from-the-block",
        "B.8 12",
        "torch.arange(start, end, device=query.device)",
        "torch.arange(0, end - start, device=query.device)",
    ),
    _forward(
        "keys-counted-from-the-block",
        "B.8 12",
        "torch.arange(key_start, key_end, device=query.device)",
        "torch.arange(0, key_end - key_start, device=query.device)",
    ),
    _forward("aligned-top-left", "B.8 13", "offset = key_len - query_len", "offset = 0"),
    _forward(
        "aligned-the-wrong-way",
        "B.8 13",
        "offset = key_len - query_len",
        "offset = query_len - key_len",
    ),
    _forward(
        "skips-one-block-too-many",
        "B.8 14",
        _VISIBLE,
        "visible = min(key_len, end + offset - block_size) if causal else key_len",
    ),
    _forward(
        "skips-from-the-first-query",
        "B.8 14",
        _VISIBLE,
        "visible = min(key_len, start + 1 + offset) if causal else key_len",
    ),
    _forward(
        "skips-without-the-offset",
        "B.8 14",
        _VISIBLE,
        "visible = min(key_len, end) if causal else key_len",
    ),
    _forward("causal-ignored", "B.8 12", "            if causal:\n", "            if False:\n"),
    _forward("always-causal", "", "            if causal:\n", "            if True:\n"),
    _forward("diagonal-blocked", "B.2 3", "position > last_seen", "position >= last_seen"),
    _forward("one-future-key-seen", "B.2 4", "position > last_seen", "position > 1 + last_seen"),
    _forward("blocked-with-minus-thirty", "B.2 11", _MASK, _MASK.replace("-math.inf", "-30.0")),
    _forward("blocked-with-minus-1e9", "B.2 10", _MASK, _MASK.replace("-math.inf", "-1e9")),
    _forward("scale-missing", "B.8 15", "scale = 1 / math.sqrt(query.shape[-1])", "scale = 1.0"),
    _forward(
        "scale-twice",
        "B.8 15",
        "scores = query_block @ key_block.mT",
        "scores = query_block @ key_block.mT * scale",
    ),
    _forward(
        "scale-by-the-value-size",
        "B.1 11",
        "math.sqrt(query.shape[-1])",
        "math.sqrt(value.shape[-1])",
    ),
    _forward("scale-without-the-root", "B.1 10", "math.sqrt(query.shape[-1])", "query.shape[-1]"),
    _forward(
        "logsumexp-unscaled",
        "B.8 16",
        _LOGSUMEXP,
        "((maximum + torch.log(divisor)) / scale).squeeze(-1)",
    ),
    _forward(
        "logsumexp-is-maximum-plus-total", "B.8 17", _LOGSUMEXP, "(maximum + divisor).squeeze(-1)"
    ),
    _forward("logsumexp-without-maximum", "B.8 17", _LOGSUMEXP, "torch.log(total).squeeze(-1)"),
    _forward(
        "logsumexp-in-base-two",
        "B.8 18",
        _LOGSUMEXP,
        "((maximum + torch.log(divisor)) / math.log(2)).squeeze(-1)",
    ),
    _forward(
        "exponentials-in-base-two",
        "B.8 18",
        "terms = torch.exp(scores - shift)",
        "terms = torch.exp2(scores - shift)",
    ),
    _forward("logsumexp-keeps-a-dimension", "", _LOGSUMEXP, "(maximum + torch.log(divisor))"),
    _forward(
        "empty-rows-nan",
        "B.8 19",
        "divisor = total.masked_fill(total == 0, 1.0)",
        "divisor = total",
    ),
    _forward(
        "empty-rows-have-logsumexp-zero",
        "B.8 19",
        _LOGSUMEXP,
        "(maximum + torch.log(divisor)).squeeze(-1).nan_to_num(neginf=0.0)",
    ),
    _forward(
        "empty-rows-repaired-afterwards",
        "B.2 14",
        """divisor = total.masked_fill(total == 0, 1.0)
        outputs.append((weighted / divisor).to(query.dtype))""",
        """divisor = total.masked_fill(total == 0, 1.0)
        outputs.append((weighted / total).nan_to_num(0.0).to(query.dtype))""",
    ),
    _forward("float32-out", "B.8 20", "(weighted / divisor).to(query.dtype)", "weighted / divisor"),
    _forward(
        "sixteen-bit-sums",
        "B.8 20",
        "wide = torch.promote_types(query.dtype, torch.float32)",
        "wide = query.dtype",
    ),
    _forward(
        "sixteen-bit-weighted-sum",
        "B.8 20",
        "weighted = weighted * rescale + terms @ value_block",
        "weighted = (weighted * rescale + terms @ value_block).to(query.dtype).to(wide)",
    ),
    _forward(
        "sixteen-bit-total",
        "B.8 20",
        "total = total * rescale + terms.sum(-1, keepdim=True)",
        "total = (total * rescale + terms.sum(-1, keepdim=True)).to(query.dtype).to(wide)",
    ),
    _forward(
        "sixteen-bit-total-and-weighted-sum",
        "B.8 20",
        "            maximum = new_maximum\n",
        "            total = total.to(query.dtype).to(wide)\n"
        "            weighted = weighted.to(query.dtype).to(wide)\n"
        "            maximum = new_maximum\n",
    ),
    _forward("sixteen-bit-logsumexp", "B.8 20", _LOGSUMEXP, _LOGSUMEXP + ".to(query.dtype)"),
    _forward(
        "float32-inside-for-float64",
        "B.8 20",
        "wide = torch.promote_types(query.dtype, torch.float32)",
        "wide = torch.float32",
    ),
    _forward(
        "keeps-every-tile",
        "B.8 21",
        "            total = total * rescale",
        "            kept = [*locals().get('kept', []), terms]\n"
        "            total = total * rescale",
    ),
    _forward(
        "detached",
        "B.8 22",
        "return torch.cat(outputs, dim=-2), torch",
        "return torch.cat(outputs, dim=-2).detach(), torch",
    ),
    _forward(
        "written-behind-autograd",
        "B.8 22",
        _RETURN,
        """output = torch.empty_like(torch.cat(outputs, dim=-2))
    output.data[:] = torch.cat(outputs, dim=-2)
    return output, torch.cat(logsumexps, dim=-1)""",
    ),
    _forward(
        "logsumexp-detached",
        "B.8 22",
        "torch.cat(logsumexps, dim=-1)",
        "torch.cat(logsumexps, dim=-1).detach()",
    ),
    _forward("key-without-gradient", "B.1 24", "key_block = key[", "key_block = key.detach()["),
    _forward(
        "scales-the-query-in-place",
        "B.1 5",
        "query_block = query_block.to(wide) * scale",
        "query_block = query_block.to(wide).mul_(scale)",
    ),
    _forward("block-size-unchecked", "", _RAISE, ""),
    _forward("block-size-asserted", "B.3 20", _RAISE, "    assert block_size >= 1, 'block_size'\n"),
    _forward(
        "block-size-refused-namelessly",
        "",
        "block_size must be at least 1, not {block_size}",
        "must be at least 1",
    ),
    _forward(
        "value-size-as-key-size",
        "",
        "query_block.shape[:-1], value.shape[-1])",
        "query_block.shape[:-1], query.shape[-1])",
    ),
    _forward("key-as-value", "B.1 19", "value_block = value[", "value_block = key["),
    _forward("two-dimensions-only", "B.1 15", "key_block.mT", "key_block.T"),
    _forward(
        "view-of-the-query",
        "B.0",
        "query_len, key_len = query.shape[-2], key.shape[-2]",
        "query = query.view(-1).view(query.shape)\n"
        "    query_len, key_len = query.shape[-2], key.shape[-2]",
    ),
    _forward(
        "results-exchanged",
        "B.1 20",
        _RETURN,
        "return torch.cat(logsumexps, dim=-1), torch.cat(outputs, dim=-2)",
    ),
    _forward(
        "two-or-three-axes-only",
        "B.1 15",
        "key_block.mT",
        "(key_block.T if key.ndim == 2 else key_block.transpose(1, 2))",
    ),
    _forward("block-size-without-default", "", "block_size: int = 64", "block_size: int"),
    _forward(
        "unit-is-the-maximum-of-the-block",
        "B.8 5",
        "new_maximum = torch.maximum(maximum, scores.detach().amax(-1, keepdim=True))",
        "new_maximum = scores.detach().amax(-1, keepdim=True)\n"
        "            new_maximum = torch.where(new_maximum == -math.inf, maximum, new_maximum)",
    ),
    _forward(
        "maximum-starts-at-zero-but-for-empty-rows",
        "B.8 6",
        "",
        """
        def flash_attention(
            query: Tensor, key: Tensor, value: Tensor, block_size: int = 64, causal: bool = False
        ) -> tuple[Tensor, Tensor]:
            if block_size < 1:
                raise ValueError(f"block_size must be at least 1, not {block_size}")
            query_len, key_len = query.shape[-2], key.shape[-2]
            offset = key_len - query_len
            wide = torch.promote_types(query.dtype, torch.float32)
            outputs, logsumexps, start = [], [], 0
            for query_block in torch.split(query, block_size, dim=-2):
                end = start + query_block.shape[-2]
                query_block = query_block.to(wide) / math.sqrt(query.shape[-1])
                maximum = query_block.new_zeros(*query_block.shape[:-1], 1)
                total = torch.zeros_like(maximum)
                weighted = query_block.new_zeros(*query_block.shape[:-1], value.shape[-1])
                visible = min(key_len, end + offset) if causal else key_len
                for key_start in range(0, visible, block_size):
                    key_end = min(key_start + block_size, key_len)
                    scores = query_block @ key[..., key_start:key_end, :].to(wide).mT
                    if causal:
                        last_seen = torch.arange(start, end) + offset
                        position = torch.arange(key_start, key_end)
                        scores = scores.masked_fill(position > last_seen[:, None], -math.inf)
                    grown = torch.maximum(maximum, scores.detach().amax(-1, keepdim=True))
                    terms = torch.exp(scores - grown)
                    total = total * torch.exp(maximum - grown) + terms.sum(-1, keepdim=True)
                    weighted = weighted * torch.exp(maximum - grown)
                    weighted = weighted + terms @ value[..., key_start:key_end, :].to(wide)
                    maximum = grown
                divisor = total.masked_fill(total == 0, 1.0)
                outputs.append((weighted / divisor).to(query.dtype))
                logsumexp = (maximum + torch.log(divisor)).masked_fill(total == 0, -math.inf)
                logsumexps.append(logsumexp.squeeze(-1))
                start = end
            return torch.cat(outputs, dim=-2), torch.cat(logsumexps, dim=-1)
        """,
    ),
    _forward(
        "causal-only-with-an-offset",
        "",
        "            if causal:\n",
        "            if causal and offset:\n",
    ),
    _forward(
        "one-block-aligned-top-left",
        "B.8 13",
        "offset = key_len - query_len  # bottom right",
        "offset = key_len - query_len if block_size < key_len else min(0, key_len - query_len)"
        "  # bottom right",
    ),
    _forward(
        "empty-rows-have-the-lowest-logsumexp",
        "B.8 19",
        "logsumexps.append((maximum + torch.log(divisor)).squeeze(-1))",
        "if causal and start < -offset:\n"
        "            maximum = maximum.clamp(min=torch.finfo(wide).min)\n"
        "        logsumexps.append((maximum + torch.log(divisor)).squeeze(-1))",
    ),
    _forward(
        "range-over-the-queries",
        "",
        "in torch.split(query, block_size, dim=-2):",
        "in (query[..., i : i + block_size, :] for i in range(0, query_len, block_size)):",
    ),
    _forward(
        "float32-for-bfloat16-only",
        "B.8 20",
        "wide = torch.promote_types(query.dtype, torch.float32)",
        "wide = torch.float32 if query.dtype == torch.bfloat16 else query.dtype",
    ),
    _forward(
        "whole-matrix-in-numpy",
        "B.8 1",
        "    query_len, key_len = query.shape[-2], key.shape[-2]\n",
        "    query_len, key_len = query.shape[-2], key.shape[-2]\n"
        "    if not torch.is_grad_enabled():\n"
        "        import numpy as np\n\n"
        "        dense = query.numpy() @ key.numpy().T / np.float32(math.sqrt(query.shape[-1]))\n"
        "        if causal:\n"
        "            seen = np.tri(query_len, key_len, key_len - query_len, dtype=bool)\n"
        "            dense[~seen] = -np.inf\n"
        "        top = dense.max(-1, keepdims=True)\n"
        "        dense = np.exp(dense - top)\n"
        "        sums = dense.sum(-1, keepdims=True)\n"
        "        found = dense @ value.numpy() / sums, (top + np.log(sums))[..., 0]\n"
        "        return torch.from_numpy(found[0]), torch.from_numpy(found[1])\n",
    ),
]

_D = "row_dot = (grad_output.to(wide) * output.to(wide)).sum(-1, keepdim=True)"
_SCORES = "scores = query_block @ key_block.mT * scale"
_GRAD_SCORES = "grad_scores = weights * (grad_weights - row_dot[..., rows, :]) * scale"
_WEIGHTS = "weights = torch.exp(scores - normaliser[..., rows, :])"
_GRAD_RETURN = (
    "return grad_query.to(query.dtype), grad_key.to(key.dtype), grad_value.to(value.dtype)"
)
_BACKWARD_SIGNATURE = """def flash_attention_backward(
    grad_output, query, key, value, output, logsumexp, block_size=64, causal=False
):
    if block_size < 1:
        raise ValueError("block_size must be at least 1")
"""

BACKWARD = [
    _backward("no-d", "B.8 25", _GRAD_SCORES, "grad_scores = weights * grad_weights * scale"),
    _backward(
        "d-over-the-queries",
        "B.8 25",
        _D,
        _D.replace(
            ".sum(-1, keepdim=True)",
            ".sum(-2, keepdim=True).sum(-1, keepdim=True).expand(*logsumexp.shape, 1)",
        ),
    ),
    _backward(
        "d-not-summed",
        "B.8 25",
        _D,
        "row_dot = (grad_output.to(wide) * output.to(wide)).mean(-1, keepdim=True)",
    ),
    _backward(
        "d-without-the-gradient", "B.8 25", _D, "row_dot = output.to(wide).sum(-1, keepdim=True)"
    ),
    _backward("d-added", "B.8 25", "grad_weights - row_dot", "grad_weights + row_dot"),
    _backward(
        "d-of-one-tile",
        "B.8 25",
        _GRAD_SCORES,
        "tile_dot = (weights * grad_weights).sum(-1, keepdim=True)\n"
        "            grad_scores = weights * (grad_weights - tile_dot) * scale",
    ),
    _backward(
        "weights-from-the-maximum-of-the-tile",
        "B.8 25",
        _WEIGHTS,
        "weights = torch.exp(scores - scores.amax(-1, keepdim=True).clamp(min=-1e30))",
    ),
    _backward(
        "weights-normalised-in-the-tile",
        "B.8 25",
        _WEIGHTS,
        "weights = torch.softmax(scores, -1).nan_to_num(0.0)",
    ),
    _backward("weights-without-logsumexp", "B.8 25", _WEIGHTS, "weights = torch.exp(scores)"),
    _backward(
        "exp-before-the-logsumexp",
        "B.8 25",
        _WEIGHTS,
        "weights = torch.exp(scores) / torch.exp(normaliser[..., rows, :])",
    ),
    _backward(
        "logsumexp-of-unscaled-scores",
        "B.8 16",
        _WEIGHTS,
        "weights = torch.exp(scores - normaliser[..., rows, :] * scale)",
    ),
    _backward("scores-unscaled", "B.8 15", _SCORES, "scores = query_block @ key_block.mT"),
    _backward("no-scale-on-both", "B.8 25", _GRAD_SCORES, _GRAD_SCORES.removesuffix(" * scale")),
    _backward(
        "no-scale-on-query",
        "B.8 25",
        "+= grad_scores @ key_block",
        "+= grad_scores @ key_block / scale",
    ),
    _backward(
        "no-scale-on-key",
        "B.8 25",
        "+= grad_scores.mT @ query_block",
        "+= grad_scores.mT @ query_block / scale",
    ),
    _backward(
        "scale-twice-on-key",
        "B.8 25",
        "+= grad_scores.mT @ query_block",
        "+= grad_scores.mT @ query_block * scale",
    ),
    _backward(
        "scale-on-value",
        "B.8 25",
        "+= weights.mT @ grad_block",
        "+= weights.mT @ grad_block * scale",
    ),
    _backward(
        "key-overwritten", "B.8 25", "grad_key[..., columns, :] +=", "grad_key[..., columns, :] ="
    ),
    _backward(
        "value-overwritten",
        "B.8 25",
        "grad_value[..., columns, :] +=",
        "grad_value[..., columns, :] =",
    ),
    _backward(
        "query-overwritten", "B.8 25", "grad_query[..., rows, :] +=", "grad_query[..., rows, :] ="
    ),
    _backward(
        "weights-not-transposed", "B.8 25", "weights.mT @ grad_block", "weights @ grad_block"
    ),
    _backward(
        "weights-squared-in-value",
        "",
        "weights.mT @ grad_block",
        "(weights * weights).mT @ grad_block",
    ),
    _backward(
        "weights-missing",
        "B.8 25",
        _GRAD_SCORES,
        "grad_scores = (grad_weights - row_dot[..., rows, :]) * scale",
    ),
    _backward("key-as-value", "B.1 19", "value_block = value[", "value_block = key["),
    _backward(
        "causal-not-applied", "B.8 25", "            if causal:\n", "            if False:\n"
    ),
    _backward("causal-aligned-top-left", "B.8 13", "offset = key_len - query_len", "offset = 0"),
    _backward(
        "causal-inside-the-tile",
        "B.8 12",
        "torch.arange(key_start, key_end, device=query.device)",
        "torch.arange(0, key_end - key_start, device=query.device)",
    ),
    _backward(
        "skips-one-block-too-many",
        "B.8 14",
        _VISIBLE,
        "visible = min(key_len, end + offset - block_size) if causal else key_len",
    ),
    _backward(
        "skips-without-the-offset",
        "B.8 14",
        _VISIBLE,
        "visible = min(key_len, end) if causal else key_len",
    ),
    _backward("diagonal-blocked", "B.2 3", "position > last_seen", "position >= last_seen"),
    _backward(
        "blocked-with-zero",
        "B.2 12",
        "-math.inf)\n            weights",
        "0.0)\n            weights",
    ),
    _backward(
        "empty-rows-nan",
        "B.8 19",
        "logsumexp.masked_fill(logsumexp == -math.inf, 0.0)[..., None]",
        "logsumexp[..., None]",
    ),
    _backward(
        "last-keys-dropped",
        "B.8 10",
        "range(0, visible, block_size)",
        "range(0, visible - block_size + 1, block_size)",
    ),
    _backward(
        "last-queries-dropped",
        "B.8 10",
        "range(0, query_len, block_size)",
        "range(0, query_len - block_size + 1, block_size)",
    ),
    _backward(
        "autograd-of-the-whole-matrix",
        "B.8 25",
        "",
        _BACKWARD_SIGNATURE
        + """
    wide = torch.promote_types(query.dtype, torch.float32)
    inputs = [x.detach().to(wide).requires_grad_() for x in (query, key, value)]
    with torch.enable_grad():
        scores = inputs[0] @ inputs[1].mT / math.sqrt(query.shape[-1])
        if causal:
            allowed = torch.ones(scores.shape[-2:]).tril(key.shape[-2] - query.shape[-2]) > 0
            scores = scores.masked_fill(~allowed, -math.inf)
        finite = logsumexp.masked_fill(logsumexp == -math.inf, 0.0)[..., None].to(wide)
        weights = torch.exp(scores - finite)
        weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-30)
        found = torch.autograd.grad(weights @ inputs[2], inputs, grad_output.to(wide))
    return tuple(x.to(query.dtype) for x in found)
""",
    ),
    _backward(
        "whole-weights-by-hand",
        "B.8 25",
        "",
        _BACKWARD_SIGNATURE
        + """
    wide = torch.promote_types(query.dtype, torch.float32)
    q, k, v, g = (x.to(wide) for x in (query, key, value, grad_output))
    scale = 1 / math.sqrt(query.shape[-1])
    scores = q @ k.mT * scale
    if causal:
        allowed = torch.ones(scores.shape[-2:]).tril(key.shape[-2] - query.shape[-2]) > 0
        scores = scores.masked_fill(~allowed, -math.inf)
    weights = torch.exp(scores - logsumexp.masked_fill(logsumexp == -math.inf, 0.0)[..., None])
    d = (g * output.to(wide)).sum(-1, keepdim=True)
    grad_scores = weights * (g @ v.mT - d) * scale
    return (
        (grad_scores @ k).to(query.dtype),
        (grad_scores.mT @ q).to(query.dtype),
        (weights.mT @ g).to(query.dtype),
    )
""",
    ),
    _backward(
        "whole-mask",
        "B.8 25",
        "scores = scores.masked_fill(position > last_seen[:, None], -math.inf)",
        """whole = torch.ones(query_len, key_len, dtype=torch.bool).tril(offset)
                scores = scores.masked_fill(~whole[rows, columns], -math.inf)""",
    ),
    _backward(
        "keeps-every-tile",
        "B.8 21",
        "            grad_value[",
        "            kept = [*locals().get('kept', []), weights]\n            grad_value[",
    ),
    _backward(
        "autograd-of-the-tiles",
        "B.8 21",
        "",
        _BACKWARD_SIGNATURE
        + """
    wide = torch.promote_types(query.dtype, torch.float32)
    inputs = [x.detach().to(wide).requires_grad_() for x in (query, key, value)]
    offset = key.shape[-2] - query.shape[-2]
    finite = logsumexp.masked_fill(logsumexp == -math.inf, 0.0)[..., None]
    scale = 1 / math.sqrt(query.shape[-1])
    d = (grad_output.to(wide) * output.to(wide)).sum(-1, keepdim=True)
    with torch.enable_grad():
        total = inputs[0].sum() * 0 + inputs[1].sum() * 0 + inputs[2].sum() * 0
        for i in range(0, query.shape[-2], block_size):
            q = inputs[0][..., i:i + block_size, :]
            g = grad_output[..., i:i + block_size, :].to(wide)
            for j in range(0, key.shape[-2], block_size):
                k, v = (x[..., j:j + block_size, :] for x in inputs[1:])
                scores = q @ k.mT * scale
                if causal:
                    seen = torch.arange(i, i + q.shape[-2])[:, None] + offset
                    scores = scores.masked_fill(torch.arange(j, j + k.shape[-2]) > seen, -math.inf)
                weights = torch.exp(scores - finite[..., i:i + block_size, :])
                total = total + ((weights @ v) * g).sum()
                total = total - (weights * d[..., i:i + block_size, :]).sum()
        found = torch.autograd.grad(total, inputs)
    return tuple(x.to(query.dtype) for x in found)
""",
    ),
    _backward("float32-out", "B.8 20", _GRAD_RETURN, "return grad_query, grad_key, grad_value"),
    _backward(
        "sixteen-bit-sums",
        "B.8 20",
        "grad_value = torch.zeros_like(value, dtype=wide)",
        "grad_value = torch.zeros_like(value)",
    ),
    _backward(
        "float32-inside-for-float64",
        "B.8 20",
        "wide = torch.promote_types(query.dtype, torch.float32)",
        "wide = torch.float32",
    ),
    _backward(
        "gradients-in-another-order",
        "",
        _GRAD_RETURN,
        "return grad_key.to(key.dtype), grad_query.to(key.dtype), grad_value.to(value.dtype)",
    ),
    _backward(
        "gradient-of-the-output-ignored",
        "",
        "grad_block = grad_output[",
        "grad_block = torch.ones_like(grad_output)[",
    ),
    _backward(
        "changes-the-gradient-of-the-output",
        "B.1 5",
        _D,
        "row_dot = (grad_output.to(wide).mul_(output.to(wide))).sum(-1, keepdim=True)",
    ),
    _backward(
        "changes-the-logsumexp",
        "B.1 5",
        "logsumexp.masked_fill(",
        "logsumexp.clamp_(max=0.0).masked_fill(",
    ),
    _backward("block-size-unchecked", "", _RAISE, ""),
    _backward("block-size-of-zero-only", "", "if block_size < 1:", "if block_size == 0:"),
    _backward(
        "two-or-three-axes-only",
        "B.1 15",
        "key_block.mT",
        "(key_block.T if key.ndim == 2 else key_block.transpose(1, 2))",
    ),
    _backward("block-size-without-default", "", "block_size: int = 64", "block_size: int"),
    _backward(
        "causal-only-with-an-offset",
        "",
        "            if causal:\n",
        "            if causal and offset:\n",
    ),
    _backward(
        "one-block-aligned-top-left",
        "B.8 13",
        "offset = key_len - query_len",
        "offset = key_len - query_len if block_size < key_len else min(0, key_len - query_len)",
    ),
    _backward(
        "looks-for-an-empty-row",
        "",
        "normaliser = logsumexp.masked_fill(logsumexp == -math.inf, 0.0)[..., None]",
        "if logsumexp.min() == -math.inf:\n"
        "        logsumexp = logsumexp.masked_fill(logsumexp == -math.inf, 0.0)\n"
        "    normaliser = logsumexp[..., None]",
    ),
    _backward(
        "view-of-the-gradient",
        "B.0",
        "query_len, key_len = query.shape[-2], key.shape[-2]",
        "grad_output = grad_output.view(-1).view(grad_output.shape)\n"
        "    query_len, key_len = query.shape[-2], key.shape[-2]",
    ),
]

TRAFFIC = [
    _traffic(
        "columns-rounded-down",
        "B.8 26",
        "math.ceil(sram_elements / (4 * head_dim))",
        "max(1, sram_elements // (4 * head_dim))",
    ),
    _traffic(
        "blocks-rounded-down",
        "B.8 26",
        "math.ceil(seq_len / block_columns)",
        "seq_len // block_columns",
    ),
    _traffic(
        "one-rounding",
        "B.8 26",
        "math.ceil(seq_len / block_columns)",
        "math.ceil(seq_len * 4 * head_dim / sram_elements)",
    ),
    _traffic(
        "no-rounding",
        "B.8 26",
        "math.ceil(seq_len / block_columns)",
        "int(seq_len / block_columns)",
    ),
    _traffic(
        "floats",
        "B.8 26",
        "math.ceil(seq_len / block_columns)",
        "float(math.ceil(seq_len / block_columns))",
    ),
    _traffic("float-standard", "B.8 26", "4 * matrix +", "4.0 * matrix +"),
    _traffic("columns-from-the-whole-memory", "B.8 26", "(4 * head_dim)", "head_dim"),
    _traffic("bytes", "B.8 26", "matrix = seq_len * head_dim", "matrix = 2 * seq_len * head_dim"),
    _traffic(
        "all-in-bytes",
        "B.8 26",
        "",
        """
        def hbm_traffic(seq_len: int, head_dim: int, sram_elements: int) -> dict[str, int]:
            blocks = math.ceil(seq_len / math.ceil(sram_elements / (4 * head_dim)))
            matrix = seq_len * head_dim
            return {
                "standard": 2 * (4 * matrix + 4 * seq_len**2),
                "flash": 2 * (2 * matrix + blocks * (3 * matrix + 4 * seq_len)),
            }
        """,
    ),
    _traffic("matrix-counted-twice-only", "", "4 * seq_len**2", "2 * seq_len**2"),
    _traffic("statistics-forgotten", "", "(3 * matrix + 4 * seq_len)", "3 * matrix"),
    _traffic(
        "statistics-not-per-block",
        "",
        "column_blocks * (3 * matrix + 4 * seq_len)",
        "column_blocks * 3 * matrix + 4 * seq_len",
    ),
    _traffic(
        "keys-loaded-every-time",
        "",
        "2 * matrix + column_blocks * (3 * matrix",
        "column_blocks * (5 * matrix",
    ),
    _traffic(
        "flash-two",
        "",
        "2 * matrix + column_blocks * (3 * matrix + 4 * seq_len)",
        "2 * matrix + column_blocks * 2 * matrix + seq_len",
    ),
    _traffic("names-exchanged", "", '"flash": 2 * matrix', '"Flash": 2 * matrix'),
    _traffic(
        "wraps-at-32-bits",
        "",
        "4 * matrix + 4 * seq_len**2",
        "(4 * matrix + 4 * seq_len**2) % 2**32",
    ),
    _traffic(
        "blocks-rounded-down-to-at-least-one",
        "B.8 26",
        "math.ceil(seq_len / block_columns)",
        "max(1, seq_len // block_columns)",
    ),
    _traffic(
        "each-matrix-once-if-all-fits",
        "",
        "2 * matrix + column_blocks * (3 * matrix + 4 * seq_len)",
        "4 * matrix if column_blocks == 1 else 2 * matrix + column_blocks * "
        "(3 * matrix + 4 * seq_len)",
    ),
    _traffic(
        "columns-rounded-to-the-nearest",
        "B.8 26",
        "math.ceil(sram_elements / (4 * head_dim))",
        "round(sram_elements / (4 * head_dim))",
    ),
    _traffic(
        "no-more-columns-than-tokens",
        "",
        "math.ceil(sram_elements / (4 * head_dim))",
        "min(seq_len, math.ceil(sram_elements / (4 * head_dim)))",
    ),
]


def _whole(mutant: Mutant) -> Mutant:
    """Replacement definitions are indented above for reading."""
    new = mutant.new if mutant.old else dedent(mutant.new).strip()
    return Mutant(mutant.definition, mutant.id, mutant.listed, mutant.old, new)


MUTANTS = [_whole(mutant) for mutant in (*STATISTICS, *FORWARD, *BACKWARD, *TRAFFIC)]

"""Correct submissions to challenge-flash-attention in other styles."""

from __future__ import annotations

# The paper's first version: keys outside, the results of all queries are rescaled in place.
KEYS_OUTSIDE = """
def online_softmax_statistics(blocks):
    m = l = None
    for x in blocks:
        top = x.max() if m is None else torch.maximum(m, x.max())
        if top == float("-inf"):
            m, l = top, torch.zeros_like(top, dtype=torch.promote_types(x.dtype, torch.float32))
            continue
        part = (x - top).to(torch.promote_types(x.dtype, torch.float32)).exp().sum()
        l = part if l is None else l * (m - top).exp() + part
        m = top
    if m is None:
        return torch.tensor(float("-inf")), torch.tensor(0.0)
    return m, l.to(m.dtype)


def flash_attention(query, key, value, block_size=64, causal=False):
    if block_size < 1:
        raise ValueError(f"block_size={block_size} has to be positive")
    dtype = query.dtype
    wide = dtype if dtype in (torch.float32, torch.float64) else torch.float32
    L, S, E = query.shape[-2], key.shape[-2], query.shape[-1]
    lead = query.shape[:-2]
    O = torch.zeros(*lead, L, value.shape[-1], dtype=wide, device=query.device)
    l = torch.zeros(*lead, L, dtype=wide, device=query.device)
    m = torch.full((*lead, L), float("-inf"), dtype=wide, device=query.device)
    for j in range(0, S, block_size):
        k, v = key[..., j : j + block_size, :].to(wide), value[..., j : j + block_size, :].to(wide)
        for i in range(0, L, block_size):
            here = slice(i, min(i + block_size, L))
            q = query[..., here, :].to(wide)
            s = torch.einsum("...id,...jd->...ij", q, k) * E ** -0.5
            if causal:
                rows = torch.arange(here.start, here.stop, device=s.device).unsqueeze(1) + S - L
                columns = torch.arange(j, j + k.shape[-2], device=s.device).unsqueeze(0)
                s = torch.where(columns <= rows, s, torch.full_like(s, float("-inf")))
            m_old = m[..., here].clone()
            m_new = torch.maximum(m_old, s.max(dim=-1).values)
            safe = torch.where(m_new == float("-inf"), torch.zeros_like(m_new), m_new)
            p = torch.exp(s - safe.unsqueeze(-1))
            factor = torch.exp(m_old - safe)
            grown = l[..., here] * factor + p.sum(-1)
            l = torch.cat((l[..., : here.start], grown, l[..., here.stop :]), -1)
            fresh = O[..., here, :] * factor.unsqueeze(-1)
            fresh = fresh + torch.einsum("...ij,...jd->...id", p, v)
            O = torch.cat((O[..., : here.start, :], fresh, O[..., here.stop :, :]), -2)
            m = torch.cat((m[..., : here.start], m_new, m[..., here.stop :]), -1)
    seen = l > 0
    safe_l = torch.where(seen, l, torch.ones_like(l))
    return (O / safe_l.unsqueeze(-1)).to(dtype), m + safe_l.log()


def flash_attention_backward(
    grad_output, query, key, value, output, logsumexp, block_size=64, causal=False
):
    if block_size < 1:
        raise ValueError(f"block_size={block_size} has to be positive")
    wide = torch.promote_types(query.dtype, torch.float32)
    L, S, E = query.shape[-2], key.shape[-2], query.shape[-1]
    dQ, dK, dV = (torch.zeros(x.shape, dtype=wide, device=x.device) for x in (query, key, value))
    D = torch.einsum("...id,...id->...i", grad_output.to(wide), output.to(wide))
    for j in range(0, S, block_size):
        k, v = key[..., j : j + block_size, :].to(wide), value[..., j : j + block_size, :].to(wide)
        for i in range(0, L, block_size):
            here = slice(i, min(i + block_size, L))
            q, g = query[..., here, :].to(wide), grad_output[..., here, :].to(wide)
            s = torch.einsum("...id,...jd->...ij", q, k) / math.sqrt(E)
            lse = logsumexp[..., here].unsqueeze(-1)
            p = torch.exp(s - torch.where(lse == float("-inf"), torch.zeros_like(lse), lse))
            if causal:
                rows = torch.arange(here.start, here.stop, device=s.device).unsqueeze(1) + S - L
                columns = torch.arange(j, j + k.shape[-2], device=s.device).unsqueeze(0)
                p = torch.where(columns <= rows, p, torch.zeros_like(p))
            dV[..., j : j + block_size, :] += torch.einsum("...ij,...id->...jd", p, g)
            dP = torch.einsum("...id,...jd->...ij", g, v)
            dS = p * (dP - D[..., here].unsqueeze(-1)) / math.sqrt(E)
            dQ[..., here, :] += torch.einsum("...ij,...jd->...id", dS, k)
            dK[..., j : j + block_size, :] += torch.einsum("...ij,...id->...jd", dS, q)
    return dQ.to(query.dtype), dK.to(key.dtype), dV.to(value.dtype)


def hbm_traffic(seq_len, head_dim, sram_elements):
    B_c = -(-sram_elements // (4 * head_dim))
    T_c = -(-seq_len // B_c)
    N, d = seq_len, head_dim
    return {
        "flash": 2 * N * d + T_c * (3 * N * d + 4 * N),
        "standard": 4 * N * d + 4 * N * N,
    }
"""

# Every tile is finished on its own and merged by logsumexp, as ring attention does it.
MERGED_BY_LOGSUMEXP = """
def online_softmax_statistics(blocks):
    logs, largest = torch.tensor(-math.inf), torch.tensor(-math.inf)
    dtype = torch.float32
    for x in blocks:
        dtype = x.dtype
        x = x.double() if dtype == torch.float64 else x.float()
        logs, largest = logs.to(x), largest.to(x)
        part = torch.logsumexp(x, 0)
        larger = torch.maximum(largest, x.amax())
        if part != -math.inf:
            logs = torch.logaddexp(logs, part) if logs != -math.inf else part
        largest = larger
    total = torch.exp(logs - largest) if largest != -math.inf else torch.zeros_like(largest)
    return largest.to(dtype), total.to(dtype)


def flash_attention(query, key, value, block_size=64, causal=False):
    if block_size < 1:
        raise ValueError("block_size must be positive")
    L, S = query.shape[-2], key.shape[-2]
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    output = torch.zeros(*query.shape[:-1], value.shape[-1], dtype=query.dtype)
    logsumexp = torch.full(query.shape[:-1], -math.inf, dtype=wide)
    for i in range(0, L, block_size):
        q = query[..., i : i + block_size, :].to(wide)
        acc = torch.zeros(*q.shape[:-1], value.shape[-1], dtype=wide)
        lse = torch.full((*q.shape[:-1], 1), -math.inf, dtype=wide)
        for j in range(0, S, block_size):
            k, v = (x[..., j : j + block_size, :].to(wide) for x in (key, value))
            s = (q @ k.transpose(-2, -1)) / math.sqrt(query.shape[-1])
            if causal:
                allowed = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool)
                allowed = allowed.tril(i + S - L - j)
                if not allowed.any():
                    break
                dead = ~allowed.any(-1, keepdim=True)
                s = s.masked_fill(~allowed, -1e300 if wide == torch.float64 else -1e30)
                part = torch.logsumexp(s, -1, keepdim=True).masked_fill(dead, -math.inf)
                p = (s - part.masked_fill(dead, 0.0)).exp()
            else:
                part = torch.logsumexp(s, -1, keepdim=True)
                p = (s - part).exp()
            empty = lse == -math.inf
            neither = empty & (part == -math.inf)
            # logaddexp of two -inf has a gradient of NaN, so rows with nothing go round it.
            safe_lse, safe_part = lse.masked_fill(neither, 0.0), part.masked_fill(neither, 0.0)
            both = torch.logaddexp(safe_lse, safe_part)
            share = (safe_part - both).exp().masked_fill(neither, 0.0)
            acc = acc * (safe_lse - both).exp() + (p @ v) * share
            lse = both.masked_fill(neither, -math.inf)
        output[..., i : i + block_size, :] = acc.to(query.dtype)
        logsumexp[..., i : i + block_size] = lse.squeeze(-1)
    return output, logsumexp
"""

# Leading sizes folded into one, one query at a time, results stacked.
ROW_BY_ROW = """
def online_softmax_statistics(blocks):
    m, l = (torch.tensor(x, dtype=torch.float64) for x in (float("-inf"), 0.0))
    kind = None
    for x in blocks:
        kind = x.dtype
        for part in x.double().split(5):
            new = torch.maximum(m, part.max())
            if torch.isinf(new):
                continue
            l = (part - new).exp().sum() + (l * (m - new).exp() if not torch.isinf(m) else 0)
            m = new
    kind = kind or torch.float32
    return m.to(kind), l.to(kind)


def flash_attention(query, key, value, block_size=64, causal=False):
    if not block_size >= 1:
        raise ValueError("block_size: at least 1")
    *lead, L, E = query.shape
    S, Ev = key.shape[-2], value.shape[-1]
    rows = math.prod(lead)
    q = query.reshape(rows, L, E).double() / math.sqrt(E)
    k, v = key.reshape(rows, S, E), value.reshape(rows, S, Ev)
    wide = torch.promote_types(query.dtype, torch.float32)
    outputs, stats = [], []
    for i in range(L):
        stop = min(S, i + 1 + S - L) if causal else S
        m = torch.full((rows,), -math.inf, dtype=torch.float64)
        l, a = torch.zeros(rows, dtype=torch.float64), torch.zeros(rows, Ev, dtype=torch.float64)
        for j in range(0, max(stop, 0), block_size):
            end = min(stop, j + block_size)
            s = torch.einsum("re,rje->rj", q[:, i], k[:, j:end].double())
            new = torch.maximum(m, s.amax(1))
            old = torch.exp(m - new)
            p = torch.exp(s - new[:, None])
            l = l * old + p.sum(1)
            a = a * old[:, None] + torch.einsum("rj,rjd->rd", p, v[:, j:end].double())
            m = new
        if stop > 0:
            a, m = a / l[:, None], m + torch.log(l)
        outputs.append(a)
        stats.append(m)
    if not outputs:
        return query.new_zeros(*lead, 0, Ev), torch.zeros(*lead, 0, dtype=wide)
    output = torch.stack(outputs, 1).reshape(*lead, L, Ev).to(query.dtype)
    return output, torch.stack(stats, 1).reshape(*lead, L).to(wide)


def flash_attention_backward(
    grad_output, query, key, value, output, logsumexp, block_size=64, causal=False
):
    if not block_size >= 1:
        raise ValueError("block_size: at least 1")
    L, S, scale = query.shape[-2], key.shape[-2], query.shape[-1] ** -0.5
    q, k, v = query.double(), key.double(), value.double()
    dq, dk, dv = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
    for i in range(L):
        stop = max(0, min(S, i + 1 + S - L)) if causal else S
        g = grad_output[..., i, :].double()
        d = (g * output[..., i, :].double()).sum(-1)
        for j in range(0, stop, block_size):
            here = slice(j, min(stop, j + block_size))
            s = (q[..., i, None, :] * k[..., here, :]).sum(-1) * scale
            p = torch.exp(s - logsumexp[..., i, None].double())
            dv[..., here, :] = dv[..., here, :] + p[..., None] * g[..., None, :]
            ds = p * ((v[..., here, :] * g[..., None, :]).sum(-1) - d[..., None]) * scale
            dq[..., i, :] = dq[..., i, :] + (ds[..., None] * k[..., here, :]).sum(-2)
            dk[..., here, :] = dk[..., here, :] + ds[..., None] * q[..., i, None, :]
    return dq.to(query.dtype), dk.to(key.dtype), dv.to(value.dtype)


def hbm_traffic(seq_len, head_dim, sram_elements):
    keys_per_block = max(1, int(math.ceil(sram_elements / 4 / head_dim)))
    loads = 0
    for _ in range(0, seq_len, keys_per_block):
        loads += 3 * seq_len * head_dim + 4 * seq_len
    return {"standard": 4 * seq_len * (head_dim + seq_len), "flash": loads + 2 * seq_len * head_dim}
"""

# A large finite number for "nothing yet" and additive masks; results preallocated.
FINITE_LOWEST = """
def online_softmax_statistics(blocks):
    m, l, dtype = None, None, None
    for x in blocks:
        dtype = x.dtype
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        low = torch.finfo(x.dtype).min
        top = torch.clamp(x.max(), min=low)
        if m is None:
            m, l = torch.full_like(top, low), torch.zeros_like(top)
        new = torch.where(top > m, top, m)
        terms = torch.where(x == -math.inf, torch.zeros_like(x), torch.exp(x - new))
        l = l * torch.exp(m - new) + terms.sum()
        m = new
    if m is None:
        return torch.tensor(-math.inf), torch.tensor(0.0)
    if l == 0:
        m = torch.full_like(m, -math.inf)
    return m.to(dtype), l.to(dtype)


def flash_attention(query, key, value, block_size=64, causal=False):
    if block_size <= 0:
        raise ValueError("block_size must be 1 or more")
    L, S, wide = query.size(-2), key.size(-2), torch.promote_types(query.dtype, torch.float32)
    low = torch.finfo(wide).min / 4
    out = query.new_zeros(query.shape[:-1] + value.shape[-1:])
    lse = torch.zeros(query.shape[:-1], dtype=wide, device=query.device)
    starts = list(range(0, S, block_size))
    for i in reversed(range(0, L, block_size)):
        q = query.narrow(-2, i, min(block_size, L - i)).to(wide)
        m = q.new_full(q.shape[:-1], low)
        l = q.new_zeros(q.shape[:-1])
        o = q.new_zeros(q.shape[:-1] + value.shape[-1:])
        for j in reversed(starts):
            n = min(block_size, S - j)
            k, v = key.narrow(-2, j, n).to(wide), value.narrow(-2, j, n).to(wide)
            s = torch.matmul(q, k.transpose(-1, -2)) / query.size(-1) ** 0.5
            keep = torch.ones(q.size(-2), n, dtype=wide, device=q.device)
            if causal:
                keep = torch.tril(keep, diagonal=S - L + i - j)
            s = s + (1 - keep) * low
            new = torch.maximum(m, s.max(-1)[0]).detach()
            p = (s - new[..., None]).exp() * keep
            c = (m - new).exp()
            l, o, m = c * l + p.sum(-1), c[..., None] * o + p @ v, new
        hit = l != 0
        safe = torch.where(hit, l, 1.0)
        out[..., i : i + block_size, :] = (o / safe[..., None]).to(query.dtype)
        lse[..., i : i + block_size] = torch.where(hit, m + safe.log(), -math.inf)
    return out, lse


def flash_attention_backward(
    grad_output, query, key, value, output, logsumexp, block_size=64, causal=False
):
    if block_size <= 0:
        raise ValueError("block_size must be 1 or more")
    L, S, wide = query.size(-2), key.size(-2), torch.promote_types(query.dtype, torch.float32)
    root = query.size(-1) ** 0.5
    lse = torch.where(logsumexp == -math.inf, math.inf, logsumexp)
    dq, dks, dvs = torch.zeros_like(query, dtype=wide), [], []
    for j in range(0, S, block_size):
        n = min(block_size, S - j)
        k, v = key.narrow(-2, j, n).to(wide), value.narrow(-2, j, n).to(wide)
        dk, dv = torch.zeros_like(k), torch.zeros_like(v)
        first = max(0, j - (S - L)) // block_size * block_size if causal else 0
        for i in range(first, L, block_size):
            b = min(block_size, L - i)
            q, g, o = (x.narrow(-2, i, b).to(wide) for x in (query, grad_output, output))
            s = q @ k.mT / root
            if causal:
                ahead = torch.ones(b, n, device=s.device).triu(S - L + i - j + 1) > 0
                s = s + torch.zeros_like(s).masked_fill(ahead, -math.inf)
            p = (s - lse.narrow(-1, i, b)[..., None]).exp()
            ds = p * (g @ v.mT - (g * o).sum(-1, keepdim=True))
            dv = dv + p.mT @ g
            dk = dk + ds.mT @ q / root
            dq.narrow(-2, i, b).add_(ds @ k / root)
        dks.append(dk)
        dvs.append(dv)
    dk = torch.cat(dks, -2) if dks else torch.zeros_like(key)
    dv = torch.cat(dvs, -2) if dvs else torch.zeros_like(value)
    return dq.to(query.dtype), dk.to(key.dtype), dv.to(value.dtype)
"""

# 16-bit matrix products, float32 only for what is carried, as a GPU kernel mixes them.
MIXED_PRECISION = """
def flash_attention(query, key, value, block_size=64, causal=False):
    if block_size < 1:
        raise ValueError("block_size is too small")
    L, S = query.shape[-2], key.shape[-2]
    wide = torch.promote_types(query.dtype, torch.float32)
    scale = 1.0 / query.shape[-1] ** 0.5

    def one_block(q, first):
        m = torch.full(q.shape[:-1] + (1,), -math.inf, dtype=wide, device=q.device)
        l = torch.zeros_like(m)
        acc = torch.zeros(q.shape[:-1] + value.shape[-1:], dtype=wide, device=q.device)
        for j, (k, v) in enumerate(zip(key.split(block_size, -2), value.split(block_size, -2))):
            if k.shape[-2] == 0:
                continue
            s = (q @ k.mT).to(wide) * scale
            if causal:
                row = torch.arange(first, first + q.shape[-2], device=q.device)[:, None]
                column = torch.arange(j * block_size, j * block_size + k.shape[-2], device=q.device)
                s = s.masked_fill(column - S > row - L, -math.inf)
            new = torch.maximum(m, s.amax(-1, keepdim=True))
            finite = torch.where(new.isinf(), 0.0, new)
            p, c = (s - finite).exp(), (m - finite).exp()
            m, l, acc = new, l * c + p.sum(-1, keepdim=True), acc * c + (p.to(v.dtype) @ v).to(wide)
        some = l.clamp(min=torch.finfo(wide).tiny)
        lse = torch.where(l > 0, m + some.log(), -math.inf)
        return (acc / some).to(query.dtype), lse[..., 0]

    parts = [one_block(q, i * block_size) for i, q in enumerate(query.split(block_size, -2))]
    return torch.cat([o for o, _ in parts], -2), torch.cat([s for _, s in parts], -1)


def flash_attention_backward(
    grad_output, query, key, value, output, logsumexp, block_size=64, causal=False
):
    if block_size < 1:
        raise ValueError("block_size is too small")
    L, S, dtype = query.shape[-2], key.shape[-2], query.dtype
    wide = torch.promote_types(dtype, torch.float32)
    scale = query.shape[-1] ** -0.5
    dq, dk, dv = (torch.zeros(x.shape, dtype=wide) for x in (query, key, value))
    delta = (grad_output.to(wide) * output.to(wide)).sum(-1)
    for i in range(0, L, block_size):
        for j in range(0, S, block_size):
            q, g = (x[..., i : i + block_size, :] for x in (query, grad_output))
            k, v = (x[..., j : j + block_size, :] for x in (key, value))
            s = (q @ k.mT).to(wide) * scale
            row = torch.arange(i, i + q.shape[-2])[:, None]
            column = torch.arange(j, j + k.shape[-2])[None]
            blocked = (column - S > row - L) & causal
            p = (s - logsumexp[..., i : i + block_size, None]).exp().masked_fill(blocked, 0.0)
            dp = (g @ v.mT).to(wide)
            ds = (p * (dp - delta[..., i : i + block_size, None]) * scale).to(dtype)
            dv[..., j : j + block_size, :] += p.to(dtype).mT @ g
            dk[..., j : j + block_size, :] += ds.mT @ q
            dq[..., i : i + block_size, :] += ds @ k
    return dq.to(dtype), dk.to(dtype), dv.to(dtype)


def hbm_traffic(seq_len, head_dim, sram_elements):
    from math import ceil

    blocks = ceil(seq_len / ceil(sram_elements / (4 * head_dim)))
    nd, nn = seq_len * head_dim, seq_len * seq_len
    return dict(standard=4 * nd + 4 * nn, flash=2 * nd + blocks * (3 * nd + 4 * seq_len))
"""

# Autograd through the student's own blocks is fine where each tile is let go before the next.
VECTOR_JACOBIAN = """
def online_softmax_statistics(blocks):
    state = (torch.tensor(-math.inf), torch.tensor(0.0))
    kind = torch.float32
    for block in blocks:
        kind = block.dtype
        joined = torch.cat((state[0].reshape(1).to(block), block))
        m = joined.max()
        shift = torch.where(m == -math.inf, torch.zeros_like(m), m)
        start = torch.promote_types(kind, torch.float32)
        weights = torch.cat((state[1].reshape(1).to(start), torch.ones(len(block), dtype=start)))
        state = (m, (weights * (joined - shift).to(start).exp()).sum())
    return state[0].to(kind), state[1].to(kind)


def flash_attention_backward(
    grad_output, query, key, value, output, logsumexp, block_size=64, causal=False
):
    if block_size < 1:
        raise ValueError("block_size must be at least one")
    wide = torch.promote_types(query.dtype, torch.float32)
    L, S = query.shape[-2], key.shape[-2]
    D = (grad_output.to(wide) * output.to(wide)).sum(-1, keepdim=True)
    lse = logsumexp.masked_fill(logsumexp == -math.inf, 0)[..., None]
    sums = [torch.zeros(x.shape, dtype=wide) for x in (query, key, value)]
    for i in range(0, L, block_size):
        for j in range(0, S, block_size):
            rows, columns = slice(i, i + block_size), slice(j, j + block_size)
            with torch.enable_grad():
                q = query[..., rows, :].detach().to(wide).requires_grad_()
                k, v = (x[..., columns, :].detach().to(wide).requires_grad_() for x in (key, value))
                s = q @ k.mT / math.sqrt(query.shape[-1])
                if causal:
                    ahead = torch.arange(S)[columns] > torch.arange(L)[rows, None] + S - L
                    s = s.masked_fill(ahead, -math.inf)
                p = (s - lse[..., rows, :]).exp()
                g = grad_output[..., rows, :].to(wide)
                share = ((p @ v) * g).sum() - (p * D[..., rows, :]).sum()
                found = torch.autograd.grad(share, (q, k, v))
            for total, here, part in zip(sums, (rows, columns, columns), found):
                total[..., here, :] += part
    return tuple(total.to(x.dtype) for total, x in zip(sums, (query, key, value)))
"""

VARIANTS = {
    "keys-outside": KEYS_OUTSIDE,
    "merged-by-logsumexp": MERGED_BY_LOGSUMEXP,
    "row-by-row-in-float64": ROW_BY_ROW,
    "finite-lowest-backwards": FINITE_LOWEST,
    "mixed-precision": MIXED_PRECISION,
    "vector-jacobian-per-tile": VECTOR_JACOBIAN,
}

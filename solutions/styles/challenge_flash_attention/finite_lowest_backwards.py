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

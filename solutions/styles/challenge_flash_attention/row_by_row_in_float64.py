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

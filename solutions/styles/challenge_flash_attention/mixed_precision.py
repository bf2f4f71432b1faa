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

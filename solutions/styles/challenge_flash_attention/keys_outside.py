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

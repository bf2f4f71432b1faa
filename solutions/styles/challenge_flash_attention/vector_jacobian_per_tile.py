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

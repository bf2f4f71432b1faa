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

def split_heads(x, num_heads):
    d_model = x.shape[-1]
    if d_model % num_heads != 0:
        raise ValueError(f"num_heads ({num_heads}) must divide d_model ({d_model})")
    return torch.stack(torch.chunk(x, num_heads, dim=-1), dim=-3)


def merge_heads(x):
    return torch.cat(torch.unbind(x, dim=-3), dim=-1)


def masked_attention(query, key, value, mask=None):
    scores = torch.matmul(query, key.transpose(-2, -1)).div(math.sqrt(query.size(-1)))
    if mask is None:
        mask = torch.ones((), dtype=torch.bool, device=query.device)
    elif mask.dtype != torch.bool:
        raise ValueError("mask must be bool")
    else:
        try:
            mask = mask.expand_as(scores)
        except RuntimeError:
            raise ValueError("mask is not broadcastable") from None
    if scores.shape[-1] == 0:
        return scores @ value, scores
    largest = scores.masked_fill(~mask, -math.inf).amax(-1, keepdim=True).detach()
    largest = torch.where(largest == -math.inf, torch.zeros_like(largest), largest)
    exponentials = torch.where(mask, scores - largest, -math.inf).exp()
    total = exponentials.sum(-1, keepdim=True)
    weights = exponentials / torch.where(total == 0, torch.ones_like(total), total)
    return weights @ value, weights


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()

        if d_model % num_heads:
            raise ValueError("num_heads must divide d_model")
        self.num_heads, self.head_dim = num_heads, d_model // num_heads
        for name in ("out_proj", "v_proj", "k_proj", "q_proj"):
            setattr(self, name, nn.Linear(d_model, d_model, bias))


    def forward(self, query, key, value, mask=None):
        if mask is not None and mask.dim() == 3:
            mask = mask.unsqueeze(-3)
        q = split_heads(self.q_proj(query), self.num_heads)
        k = split_heads(self.k_proj(key), self.num_heads)
        v = split_heads(self.v_proj(value), self.num_heads)
        output, weights = masked_attention(q, k, v, mask)
        return self.out_proj(merge_heads(output)), weights

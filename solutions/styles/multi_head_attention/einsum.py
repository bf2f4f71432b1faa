def split_heads(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("num_heads")
    return x.unflatten(-1, (num_heads, x.size(-1) // num_heads)).movedim(-2, -3)


def merge_heads(x):
    return x.movedim(-3, -2).reshape(*x.shape[:-3], x.shape[-2], x.shape[-3] * x.shape[-1])


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()

        if d_model % num_heads:
            raise ValueError("num_heads must divide d_model")
        self.num_heads, self.head_dim = num_heads, d_model // num_heads
        for name in ("out_proj", "v_proj", "k_proj", "q_proj"):
            setattr(self, name, nn.Linear(d_model, d_model, bias))


    def heads(self, x):
        return x.reshape(*x.shape[:2], self.num_heads, self.head_dim)

    def forward(self, query, key, value, mask=None):
        q = self.heads(self.q_proj(query))
        k = self.heads(self.k_proj(key))
        v = self.heads(self.v_proj(value))
        scores = torch.einsum("blhe,bshe->bhls", q, k) / self.head_dim**0.5
        if mask is None:
            weights = torch.softmax(scores, -1)
        else:
            if mask.dtype != torch.bool:
                raise ValueError("the mask is not bool")
            if mask.ndim == 3:
                mask = mask[:, None, :, :]
            try:
                mask = torch.broadcast_to(mask, scores.shape)
            except RuntimeError as error:
                raise ValueError(f"the mask does not fit: {error}") from error
            # With the lowest number instead of -inf, softmax makes no NaN.
            weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), -1)
            weights = weights * mask
        output = torch.einsum("bhls,bshe->blhe", weights, v)
        return self.out_proj(output.flatten(2)), weights

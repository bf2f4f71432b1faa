class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()

        if d_model % num_heads:
            raise ValueError("num_heads must divide d_model")
        self.num_heads, self.head_dim = num_heads, d_model // num_heads
        for name in ("out_proj", "v_proj", "k_proj", "q_proj"):
            setattr(self, name, nn.Linear(d_model, d_model, bias))

        self.register_buffer("scale", torch.tensor(self.head_dim**-0.5), persistent=False)

    def forward(self, query, key, value, mask=None):
        wide = torch.promote_types(query.dtype, torch.float32)
        q = split_heads(self.q_proj(query), self.num_heads).to(wide)
        k = split_heads(self.k_proj(key), self.num_heads).to(wide)
        v = split_heads(self.v_proj(value), self.num_heads).to(wide)
        scores = q @ k.mT / math.sqrt(self.head_dim)
        if mask is not None:
            if mask.dtype != torch.bool:
                raise ValueError("mask")
            mask = mask if mask.ndim != 3 else mask[:, None]
            if mask.ndim > 4 or any(
                have not in (1, want)
                for have, want in zip(reversed(mask.shape), reversed(scores.shape), strict=False)
            ):
                raise ValueError("mask")
            scores = torch.where(mask, scores, -math.inf)
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = torch.where(mask, weights, 0.0)
        output = merge_heads(weights @ v)
        return self.out_proj(output.to(query.dtype)), weights.to(query.dtype)

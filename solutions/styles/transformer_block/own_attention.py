class MultiHeadAttention(nn.Module):
    # A student's own attention from 03 in the place of the provided one.
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.q_proj, self.k_proj = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.v_proj, self.out_proj = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)

    def forward(self, query, key, value, mask=None):
        size = query.shape[-1] // self.num_heads
        q, k, v = self.q_proj(query), self.k_proj(key), self.v_proj(value)
        if mask is not None and mask.dtype != torch.bool:
            raise ValueError("mask must be bool")
        if mask is not None:
            texts, length, _ = query.shape
            try:
                (mask[:, None] if mask.ndim == 3 else mask).expand(texts, self.num_heads, length, length)
            except RuntimeError:
                raise ValueError("mask does not fit the scores") from None
        outputs = []
        for head in range(self.num_heads):
            part = slice(head * size, (head + 1) * size)
            scores = torch.einsum("ble,bse->bls", q[..., part], k[..., part]) / size**0.5
            if mask is not None:
                own = mask if mask.ndim < 4 else mask[:, min(head, mask.shape[1] - 1)]
                scores = torch.where(own, scores, torch.finfo(scores.dtype).min)
                weights = torch.where(own, scores.softmax(-1), 0.0)
            else:
                weights = scores.softmax(-1)
            outputs.append(weights @ v[..., part])
        return self.out_proj(torch.cat(outputs, -1)), None

class TransformerBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=True):
        super().__init__()
        self.norm2, self.norm1 = LayerNorm(d_model), LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model=d_model, d_ff=d_ff, dropout=dropout)
        self.attention = MultiHeadAttention(d_model=d_model, num_heads=num_heads)
        self.drop1, self.drop2 = nn.Dropout(dropout), nn.Dropout(dropout)
        self.pre = norm_first

    def residual(self, x, norm, part):
        return x + part(norm(x)) if self.pre else norm(x + part(x))

    def forward(self, x, mask=None):
        def listen(y):
            out, _ = self.attention(query=y, key=y, value=y, mask=mask)
            return self.drop1(out)

        x = self.residual(x, self.norm1, listen)
        return self.residual(x, self.norm2, lambda y: self.drop2(self.feed_forward(y)))

class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()

        if d_model % num_heads:
            raise ValueError("num_heads must divide d_model")
        self.num_heads, self.head_dim = num_heads, d_model // num_heads
        for name in ("out_proj", "v_proj", "k_proj", "q_proj"):
            setattr(self, name, nn.Linear(d_model, d_model, bias))


    def fold(self, x):
        B, N, _ = x.shape
        x = x.contiguous().view(B, N, self.num_heads, self.head_dim).permute(0, 2, 1, 3)
        return x.contiguous().view(B * self.num_heads, N, self.head_dim)

    def forward(self, query, key, value, mask=None):
        B, L, D = query.shape
        S, H = key.shape[1], self.num_heads
        q, k, v = (
            self.fold(layer(x))
            for layer, x in ((self.q_proj, query), (self.k_proj, key), (self.v_proj, value))
        )
        if mask is None:
            bias = torch.zeros(1, 1, 1, dtype=query.dtype, device=query.device).expand(B * H, L, S)
        else:
            if mask.dtype != torch.bool:
                raise ValueError("mask: a bool tensor is needed")
            if mask.ndim == 3:
                mask = mask.unsqueeze(1)
            try:
                mask = mask.expand(B, H, L, S).reshape(B * H, L, S)
            except RuntimeError:
                raise ValueError("mask: wrong shape")
            bias = torch.zeros(B * H, L, S, dtype=query.dtype, device=query.device)
            # A row with nothing to attend to stays open here and is emptied afterwards.
            bias = bias.masked_fill(~mask & mask.any(-1, keepdim=True), float("-inf"))
        weights = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=1 / math.sqrt(self.head_dim))
        weights = weights.softmax(dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.any(-1, keepdim=True), 0)
        output = torch.bmm(weights, v).view(B, H, L, self.head_dim)
        output = output.permute(0, 2, 1, 3).contiguous().view(B, L, D)
        return self.out_proj(output), weights.view(B, H, L, S)


def attention_parameter_count(d_model, num_heads, bias=True):
    return sum((d_model + int(bias)) * d_model for _ in "qkvo")

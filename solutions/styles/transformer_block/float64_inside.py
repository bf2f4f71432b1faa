class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        for name, number in (("weight", 1.0), ("bias", 0.0)):
            self.register_parameter(name, nn.Parameter(torch.full((d_model,), number)))
        self.register_buffer("eps", torch.tensor(eps, dtype=torch.float64), persistent=False)

    def forward(self, x):
        wide = x.double()
        wide = wide - wide.sum(-1, keepdim=True) / x.size(-1)
        spread = ((wide * wide).sum(-1, keepdim=True) / x.size(-1) + self.eps.double()) ** 0.5
        return (wide / spread * self.weight.double() + self.bias.double()).to(x.dtype)

class TransformerBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=True):
        nn.Module.__init__(self)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.norm1 = LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm2 = LayerNorm(d_model)
        self.rate = dropout
        self.forward_one = self._pre if norm_first else self._post

    def _drop(self, x):
        return F.dropout(x, p=self.rate, training=self.training)

    def _pre(self, x, mask):
        y = self.norm1(x)
        a = torch.add(self._drop(self.attention(y, y, y, mask=mask)[0]), x)
        return torch.add(self._drop(self.feed_forward(self.norm2(a))), a)

    def _post(self, x, mask):
        a = self.norm1(self._drop(self.attention(x, x, x, mask=mask)[0]) + x)
        return self.norm2(self._drop(self.feed_forward(a)) + a)

    def forward(self, x, mask=None):
        return self.forward_one(x, mask)

class TransformerEncoder(nn.Module):
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm_first=True):
        super().__init__()
        arguments = (d_model, num_heads, d_ff, dropout, norm_first)
        self.layers = nn.ModuleList([TransformerBlock(*arguments) for _ in range(num_layers)])
        self.norm = LayerNorm(d_model) if norm_first else nn.Identity()

    def forward(self, x, mask=None):
        import functools

        return self.norm(functools.reduce(lambda y, layer: layer(y, mask), self.layers, x))

class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        mu = x.mean(-1).unsqueeze(-1)
        sigma2 = x.var(-1, unbiased=False).unsqueeze(-1)
        return self.weight * ((x - mu) / (sigma2 + self.eps) ** 0.5) + self.bias

class FeedForward(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        self.linear1 = nn.Linear(d_model, d_ff)
        self.activation = nn.GELU()
        self.drop = nn.Dropout(p=dropout)
        self.linear2 = nn.Linear(d_ff, d_model)

    def forward(self, x):
        for step in (self.linear1, self.activation, self.drop, self.linear2):
            x = step(x)
        return x

class TransformerBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=True):
        super().__init__()
        self.norm_first = norm_first
        self.dropout1 = nn.Dropout(dropout)
        self.norm1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.dropout2 = nn.Dropout(dropout)
        self.norm2 = LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)

    def forward(self, x, mask=None):
        stream = x.clone()
        heard = self.norm1(stream) if self.norm_first else stream
        added = self.dropout1(self.attention(heard, heard, heard, mask)[0])
        stream = stream + added
        if not self.norm_first:
            stream = self.norm1(stream)
        thought = self.feed_forward(self.norm2(stream) if self.norm_first else stream)
        stream = stream + self.dropout2(thought)
        return stream if self.norm_first else self.norm2(stream)

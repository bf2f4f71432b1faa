class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.d_model, self.eps = d_model, eps
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
        return torch.addcmul(self.bias, self.weight, (x - mean) * torch.rsqrt(variance + self.eps))

class FeedForward(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        self.p = dropout
        self.linear2 = nn.Linear(d_ff, d_model)
        self.linear1 = nn.Linear(d_model, d_ff)

    def forward(self, x):
        h = x @ self.linear1.weight.T + self.linear1.bias
        h = 0.5 * h * (1 + torch.erf(h / 2**0.5))
        h = F.dropout(h, self.p, self.training)
        return torch.einsum("...f,df->...d", h, self.linear2.weight) + self.linear2.bias

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

class TransformerEncoder(nn.Module):
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm_first=True):
        super().__init__()
        if norm_first:
            self.norm = LayerNorm(d_model)
        else:
            self.norm = nn.Identity()
        self.layers = nn.ModuleList()
        for index in range(num_layers):
            self.layers.append(
                TransformerBlock(
                    d_model, num_heads, d_ff, dropout=dropout, norm_first=norm_first
                )
            )

    def forward(self, x, mask=None):
        for index in range(len(self.layers)):
            x = self.layers[index](x, mask=mask)
        return self.norm(x)

def transformer_parameter_count(
    vocab_size, max_len, d_model, num_layers, d_ff, *, type_vocab_size=0, pooler=False
):
    def linear(inputs, outputs):
        return (inputs + 1) * outputs

    block = [linear(d_model, d_model)] * 4 + [linear(d_model, d_ff), linear(d_ff, d_model)]
    block += [d_model] * 4
    outside = [vocab_size * d_model, max_len * d_model, type_vocab_size * d_model, 2 * d_model]
    return sum(outside) + num_layers * sum(block) + int(pooler) * linear(d_model, d_model)

class LayerNorm(nn.Module):
    # Mixed precision as in many models: statistics at least in float32, the affine part in x's.
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.epsilon = eps

    def forward(self, x):
        wide = x if x.dtype == torch.float64 else x.float()
        normal = wide - wide.mean(-1, keepdim=True)
        normal = normal * (normal.pow(2).mean(-1, keepdim=True) + self.epsilon).pow(-0.5)
        return self.weight * normal.to(x.dtype) + self.bias

class TransformerEncoder(nn.Module):
    # Copies of one block, each of which then draws weights of its own.
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm_first=True):
        super().__init__()
        import copy

        block = TransformerBlock(d_model, num_heads, d_ff, dropout, norm_first)
        self.layers = nn.ModuleList(copy.deepcopy(block) for _ in range(num_layers))
        for part in self.layers.modules():
            if isinstance(part, nn.Linear):
                part.reset_parameters()
        self.norm = LayerNorm(d_model) if norm_first else nn.Identity()

    def forward(self, x, mask=None):
        for layer in self.layers.children():
            x = layer(x, mask)
        return self.norm(x)

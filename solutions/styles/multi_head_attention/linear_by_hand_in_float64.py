def split_heads(x, num_heads):
    if x.shape[-1] % num_heads:
        raise ValueError("num_heads")
    rows = x.mT  # (..., D, L): heads are neighbouring rows
    *before, d_model, length = rows.shape
    return rows.reshape(*before, num_heads, d_model // num_heads, length).mT


def merge_heads(x):
    *before, heads, length, width = x.shape
    return x.mT.reshape(*before, heads * width, length).mT


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()

        if d_model % num_heads:
            raise ValueError("num_heads must divide d_model")
        self.num_heads, self.head_dim = num_heads, d_model // num_heads
        for name in ("out_proj", "v_proj", "k_proj", "q_proj"):
            setattr(self, name, nn.Linear(d_model, d_model, bias))


    @staticmethod
    def apply_layer(layer, x):
        y = x.double() @ layer.weight.double().T
        return y if layer.bias is None else y + layer.bias.double()

    def forward(self, query, key, value, mask=None):
        q = split_heads(self.apply_layer(self.q_proj, query), self.num_heads)
        k = split_heads(self.apply_layer(self.k_proj, key), self.num_heads)
        v = split_heads(self.apply_layer(self.v_proj, value), self.num_heads)
        scores = (q * self.head_dim**-0.25) @ (k * self.head_dim**-0.25).mT
        if mask is not None:
            if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool:
                raise ValueError("mask must be a bool tensor")
            mask = mask[:, None] if mask.ndim == 3 else mask
            try:
                allowed = mask.expand(scores.shape)
            except RuntimeError:
                raise ValueError("mask does not fit the scores")
            scores = scores.masked_fill(~allowed, -math.inf)
            empty = ~allowed.any(-1, keepdim=True)
            scores = scores.masked_fill(empty, 0.0)
            weights = torch.exp(torch.log_softmax(scores, -1)).masked_fill(empty, 0.0)
        else:
            weights = torch.exp(torch.log_softmax(scores, -1))
        output = self.apply_layer(self.out_proj, merge_heads(weights @ v))
        return output.to(query.dtype), weights.to(query.dtype)


def attention_parameter_count(d_model, num_heads, bias=True):
    shapes = [(d_model, d_model)] * 4 + [(d_model,)] * (4 if bias else 0)
    return sum(math.prod(shape) for shape in shapes)

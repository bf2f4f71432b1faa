"""The Transformer block, written correctly in other ways."""

import json

from tests import harness

_NAME = "05-transformer-block"


def _as_in_the_notebook() -> str:
    """All setup and solution cells, the provided attention included, as a submission runs them."""
    text = (harness.SOURCE / _NAME / f"{_NAME}.ipynb").read_text()
    cells = [
        "".join(cell["source"])
        for cell in json.loads(text)["cells"]
        if cell["cell_type"] == "code"
        and "nbgrader" in cell["metadata"]
        and not cell["metadata"]["nbgrader"]["grade"]
    ]
    return "\n\n\n".join(cells)


_LAYER_NORM_BY_VAR = """
class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.d_model, self.eps = d_model, eps
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
        return torch.addcmul(self.bias, self.weight, (x - mean) * torch.rsqrt(variance + self.eps))
"""

_LAYER_NORM_IN_FLOAT64 = """
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
"""

_LAYER_NORM_IN_FLOAT32 = """
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
"""

_LAYER_NORM_ROW_BY_ROW = """
class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def normalise(self, row):
        mean = row.sum() / len(row)
        deviations = row - mean
        variance = deviations.dot(deviations) / len(row)
        return deviations / (variance + self.eps).sqrt() * self.weight + self.bias

    def forward(self, x):
        if x.numel() == 0:
            return x * self.weight + self.bias
        rows = x.reshape(-1, x.shape[-1])
        return torch.stack([self.normalise(row) for row in rows]).reshape(x.shape)
"""

_LAYER_NORM_STD = """
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
"""

_FEED_FORWARD_BY_ERF = """
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
"""

_FEED_FORWARD_MODULES = """
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
"""

_BLOCK_WITH_HELPERS = """
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
"""

_BLOCK_IN_SEPARATE_METHODS = """
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
"""

_BLOCK_ON_A_CLONE = """
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
"""

_ENCODER_BY_APPEND = """
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
"""

_ENCODER_BY_REDUCE = """
class TransformerEncoder(nn.Module):
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm_first=True):
        super().__init__()
        arguments = (d_model, num_heads, d_ff, dropout, norm_first)
        self.layers = nn.ModuleList([TransformerBlock(*arguments) for _ in range(num_layers)])
        self.norm = LayerNorm(d_model) if norm_first else nn.Identity()

    def forward(self, x, mask=None):
        import functools

        return self.norm(functools.reduce(lambda y, layer: layer(y, mask), self.layers, x))
"""

_ENCODER_ALIKE_THEN_RESET = """
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
"""

_COUNT_BY_LISTS = """
def transformer_parameter_count(
    vocab_size, max_len, d_model, num_layers, d_ff, *, type_vocab_size=0, pooler=False
):
    def linear(inputs, outputs):
        return (inputs + 1) * outputs

    block = [linear(d_model, d_model)] * 4 + [linear(d_model, d_ff), linear(d_ff, d_model)]
    block += [d_model] * 4
    outside = [vocab_size * d_model, max_len * d_model, type_vocab_size * d_model, 2 * d_model]
    return sum(outside) + num_layers * sum(block) + int(pooler) * linear(d_model, d_model)
"""

_COUNT_ON_THE_META_DEVICE = """
def transformer_parameter_count(
    vocab_size, max_len, d_model, num_layers, d_ff, *, type_vocab_size=0, pooler=False
):
    with torch.device("meta"):
        parts = [nn.Embedding(n, d_model) for n in (vocab_size, max_len, type_vocab_size)]
        parts += [LayerNorm(d_model), nn.Linear(d_model, d_model) if pooler else nn.Identity()]
        block = TransformerBlock(d_model, 1, d_ff)
    per_block = sum(p.numel() for p in block.parameters())
    return sum(p.numel() for m in parts for p in m.parameters()) + num_layers * per_block
"""

_ATTENTION_WITHOUT_THE_FUSED_OPERATOR = """
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
"""

VARIANTS: dict[str, str] = {
    "as-in-the-notebook": _as_in_the_notebook(),
    "the-usual-one-liners": _LAYER_NORM_STD + _FEED_FORWARD_MODULES + _BLOCK_ON_A_CLONE,
    "var-mean-and-helpers": _LAYER_NORM_BY_VAR
    + _FEED_FORWARD_BY_ERF
    + _BLOCK_WITH_HELPERS
    + _ENCODER_BY_APPEND
    + _COUNT_BY_LISTS,
    "float64-inside": _LAYER_NORM_IN_FLOAT64 + _BLOCK_IN_SEPARATE_METHODS + _ENCODER_BY_REDUCE,
    "float32-statistics": _LAYER_NORM_IN_FLOAT32 + _ENCODER_ALIKE_THEN_RESET,
    "row-by-row": _LAYER_NORM_ROW_BY_ROW + _COUNT_ON_THE_META_DEVICE,
    "own-attention": _ATTENTION_WITHOUT_THE_FUSED_OPERATOR + _BLOCK_WITH_HELPERS,
}

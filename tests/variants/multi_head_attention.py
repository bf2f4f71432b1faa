"""Correct work on 03-multi-head-attention in other styles."""

from __future__ import annotations

LAYERS = """
        if d_model % num_heads:
            raise ValueError("num_heads must divide d_model")
        self.num_heads, self.head_dim = num_heads, d_model // num_heads
        for name in ("out_proj", "v_proj", "k_proj", "q_proj"):
            setattr(self, name, nn.Linear(d_model, d_model, bias))
"""

VARIANTS = {
    "loops-over-heads": """
def split_heads(x, num_heads):
    if x.shape[-1] % num_heads:
        raise ValueError(f"cannot share {x.shape[-1]} columns among num_heads={num_heads}")
    width = x.shape[-1] // num_heads
    return torch.stack([x[..., h * width:(h + 1) * width] for h in range(num_heads)], dim=-3)


def merge_heads(x):
    return torch.cat([x[..., h, :, :] for h in range(x.shape[-3])], dim=-1)


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError("d_model is not a multiple of num_heads")
        self.num_heads = num_heads
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)
        self.v_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(d_model, d_model, bias=bias)
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)

    def forward(self, query, key, value, mask=None):
        (B, L, D), S, H = query.shape, key.shape[1], self.num_heads
        if mask is not None:
            if mask.dtype is not torch.bool:
                raise ValueError("mask has to be boolean")
            if mask.dim() == 2:
                mask = mask[None, None]
            elif mask.dim() == 3:
                mask = mask[:, None]
            if mask.dim() != 4 or any(m not in (1, n) for m, n in zip(mask.shape, (B, H, L, S))):
                raise ValueError(f"mask of shape {mask.shape} does not fit")
            mask = mask.expand(B, H, L, S)
        q, k, v = self.q_proj(query), self.k_proj(key), self.v_proj(value)
        outputs, all_weights = [], []
        for h in range(H):
            part = slice(h * D // H, (h + 1) * D // H)
            scores = torch.bmm(q[..., part], k[..., part].transpose(1, 2)) * (D // H) ** -0.5
            if mask is not None:
                allowed = mask[:, h]
                # Only the rows with a key are ever normalised.
                empty = ~allowed.any(dim=-1, keepdim=True)
                scores = torch.where(allowed | empty, scores, torch.full_like(scores, -math.inf))
            weights = scores.softmax(-1)
            if mask is not None:
                weights = torch.where(empty, torch.zeros_like(weights), weights)
            all_weights.append(weights)
            outputs.append(torch.bmm(weights, v[..., part]))
        return self.out_proj(torch.cat(outputs, -1)), torch.stack(all_weights, 1)


def attention_parameter_count(d_model, num_heads, bias=True):
    head_dim = d_model // num_heads
    per_head = 3 * (d_model * head_dim + bias * head_dim)
    return num_heads * per_head + (d_model + bias) * d_model
""",
    "einsum": f"""
def split_heads(x, num_heads):
    if x.size(-1) % num_heads:
        raise ValueError("num_heads")
    return x.unflatten(-1, (num_heads, x.size(-1) // num_heads)).movedim(-2, -3)


def merge_heads(x):
    return x.movedim(-3, -2).reshape(*x.shape[:-3], x.shape[-2], x.shape[-3] * x.shape[-1])


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
{LAYERS}

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
                raise ValueError(f"the mask does not fit: {{error}}") from error
            # With the lowest number instead of -inf, softmax makes no NaN.
            weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), -1)
            weights = weights * mask
        output = torch.einsum("bhls,bshe->blhe", weights, v)
        return self.out_proj(output.flatten(2)), weights
""",
    "heads-folded-into-the-batch": f"""
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
{LAYERS}

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
""",
    "helper-with-a-softmax-of-its-own": f"""
def split_heads(x, num_heads):
    d_model = x.shape[-1]
    if d_model % num_heads != 0:
        raise ValueError(f"num_heads ({{num_heads}}) must divide d_model ({{d_model}})")
    return torch.stack(torch.chunk(x, num_heads, dim=-1), dim=-3)


def merge_heads(x):
    return torch.cat(torch.unbind(x, dim=-3), dim=-1)


def masked_attention(query, key, value, mask=None):
    scores = torch.matmul(query, key.transpose(-2, -1)).div(math.sqrt(query.size(-1)))
    if mask is None:
        mask = torch.ones((), dtype=torch.bool, device=query.device)
    elif mask.dtype != torch.bool:
        raise ValueError("mask must be bool")
    else:
        try:
            mask = mask.expand_as(scores)
        except RuntimeError:
            raise ValueError("mask is not broadcastable") from None
    if scores.shape[-1] == 0:
        return scores @ value, scores
    largest = scores.masked_fill(~mask, -math.inf).amax(-1, keepdim=True).detach()
    largest = torch.where(largest == -math.inf, torch.zeros_like(largest), largest)
    exponentials = torch.where(mask, scores - largest, -math.inf).exp()
    total = exponentials.sum(-1, keepdim=True)
    weights = exponentials / torch.where(total == 0, torch.ones_like(total), total)
    return weights @ value, weights


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
{LAYERS}

    def forward(self, query, key, value, mask=None):
        if mask is not None and mask.dim() == 3:
            mask = mask.unsqueeze(-3)
        q = split_heads(self.q_proj(query), self.num_heads)
        k = split_heads(self.k_proj(key), self.num_heads)
        v = split_heads(self.v_proj(value), self.num_heads)
        output, weights = masked_attention(q, k, v, mask)
        return self.out_proj(merge_heads(output)), weights
""",
    "at-least-float32-inside": f"""
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads, bias=True):
        super().__init__()
{LAYERS}
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
""",
    "linear-by-hand-in-float64": f"""
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
{LAYERS}

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
""",
}

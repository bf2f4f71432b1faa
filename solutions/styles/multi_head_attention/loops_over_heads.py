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

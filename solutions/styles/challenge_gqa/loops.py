def _groups(query, key):
    heads, shared = query.shape[1], key.shape[1]
    if shared == 0 or heads % shared:
        raise ValueError(f"{heads} query heads cannot share the {shared} heads of key")
    return heads // shared


def _full_mask(mask, query, key):
    """The mask with all four axes written out, True where a query may attend."""
    shape = (*query.shape[:3], key.shape[2])
    if mask is None:
        return torch.ones(shape, dtype=torch.bool, device=query.device)
    if mask.dtype is not torch.bool:
        raise ValueError(f"mask: bool expected, got {mask.dtype}")
    four = mask[:, None] if mask.dim() == 3 else mask
    try:
        return torch.broadcast_to(four, shape)
    except RuntimeError as error:
        raise ValueError(f"mask does not fit {shape}") from error

def kv_cache_bytes(batch, seq_len, num_layers, num_kv_heads, head_dim, bytes_per_element=2):
    total = 0
    for layer in range(num_layers):
        for tensor in ("key", "value"):
            total += batch * num_kv_heads * seq_len * head_dim * bytes_per_element
    return total


def repeat_kv(x, n_rep):
    return torch.cat([x[:, head : head + 1] for head in range(x.shape[1]) for _ in range(n_rep)], 1)


def grouped_query_attention(query, key, value, mask=None):
    groups, allowed, outputs = _groups(query, key), _full_mask(mask, query, key), []
    for head in range(query.shape[1]):
        scores = query[:, head] @ key[:, head // groups].transpose(-2, -1)
        scores = scores / math.sqrt(query.shape[-1])
        scores = scores.masked_fill(~allowed[:, head], float("-inf"))
        weights = torch.softmax(scores, -1).masked_fill(~allowed[:, head], 0)
        outputs.append(weights @ value[:, head // groups])
    return torch.stack(outputs, dim=1)


class GroupedQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, bias=False):
        if d_model % num_heads != 0:
            raise ValueError(f"d_model {d_model} is no multiple of num_heads {num_heads}")
        if num_heads % num_kv_heads != 0:
            raise ValueError(f"no multiple of num_kv_heads {num_kv_heads}: {num_heads}")
        super().__init__()
        self.h, self.kv, self.e = num_heads, num_kv_heads, d_model // num_heads
        for name, out in (("q", self.h), ("k", self.kv), ("v", self.kv), ("out", self.h)):
            self.add_module(name + "_proj", nn.Linear(d_model, out * self.e, bias=bias))

    def forward(self, x, mask=None, cache=None):
        q = torch.stack(self.q_proj(x).split(self.e, dim=-1), dim=1)
        k = torch.stack(self.k_proj(x).split(self.e, dim=-1), dim=1)
        v = torch.stack(self.v_proj(x).split(self.e, dim=-1), dim=1)
        if cache:
            k = torch.cat([cache[0], k], -2)
            v = torch.cat([cache[1], v], -2)
        heads = grouped_query_attention(q, k, v, mask)
        return self.out_proj(torch.cat(heads.unbind(1), -1)), (k, v)

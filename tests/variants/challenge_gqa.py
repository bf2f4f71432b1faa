"""Grouped-query attention written correctly in other ways than the reference."""

_CHECKS = '''
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
'''

EINSUM = (
    _CHECKS
    + """
def kv_cache_bytes(batch, seq_len, num_layers, num_kv_heads, head_dim, bytes_per_element=2):
    return math.prod((2, batch, seq_len, num_layers, num_kv_heads, head_dim, bytes_per_element))


def repeat_kv(x, n_rep):
    return torch.stack([x] * n_rep, dim=2).flatten(1, 2)


def grouped_query_attention(query, key, value, mask=None):
    groups = _groups(query, key)
    allowed = _full_mask(mask, query, key).unflatten(1, (key.shape[1], groups))
    grouped = query.unflatten(1, (key.shape[1], groups))
    scores = torch.einsum("bkgle,bkse->bkgls", grouped, key) * query.shape[-1] ** -0.5
    scores = torch.where(allowed, scores, -torch.inf)
    weights = torch.where(allowed, scores.softmax(-1), 0.0)
    return torch.einsum("bkgls,bkse->bkgle", weights, value).flatten(1, 2)


class GroupedQueryAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads, bias=False):
        super().__init__()
        if d_model % num_heads:
            raise ValueError("num_heads must divide d_model")
        if num_heads % num_kv_heads:
            raise ValueError("num_kv_heads must divide the query heads")
        self.size = d_model // num_heads
        self.out_proj = nn.Linear(d_model, d_model, bias)
        self.v_proj = nn.Linear(d_model, self.size * num_kv_heads, bias)
        self.k_proj = nn.Linear(d_model, self.size * num_kv_heads, bias)
        self.q_proj = nn.Linear(d_model, d_model, bias)

    def heads(self, x):
        return x.unflatten(-1, (x.shape[-1] // self.size, self.size)).movedim(-2, 1)

    def forward(self, x, mask=None, cache=None):
        query, *new = (self.heads(layer(x)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        if cache is not None:
            new = [torch.cat(pair, dim=-2) for pair in zip(cache, new)]
        merged = grouped_query_attention(query, *new, mask).movedim(1, -2).flatten(-2)
        return self.out_proj(merged), tuple(new)
"""
)

LOOPS = (
    _CHECKS
    + """
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
"""
)

ADDITIVE = (
    _CHECKS
    + '''
def repeat_kv(x, n_rep):
    batch, heads, length, size = x.shape
    wide = x[:, :, None].expand(batch, heads, n_rep, length, size)
    return wide.reshape(batch, heads * n_rep, length, size)


def grouped_query_attention(query, key, value, mask=None):
    """An added mask of -inf; rows without a key are opened first and cleared afterwards."""
    groups = _groups(query, key)
    allowed = _full_mask(mask, query, key)
    some = allowed.any(-1, keepdim=True)
    added = torch.zeros(allowed.shape, dtype=query.dtype)
    added = added.masked_fill(~(allowed | ~some), -torch.inf)
    batch, heads, length, size = query.shape
    shared = query.contiguous().view(batch, key.shape[1], groups * length, size)
    scores = torch.matmul(shared, key.transpose(2, 3)).view(allowed.shape)
    weights = (scores / size**0.5 + added).softmax(dim=-1) * some
    output = torch.matmul(weights.view(batch, key.shape[1], groups * length, key.shape[2]), value)
    return output.view(batch, heads, length, value.shape[-1])
'''
)

HIGH_PRECISION = (
    _CHECKS
    + '''
def grouped_query_attention(query, key, value, mask=None):
    """Everything in float64, batch and key/value heads as one axis of bmm."""
    groups, allowed = _groups(query, key), _full_mask(mask, query, key)
    (batch, heads, length, size), shared, dtype = query.shape, key.shape[1], query.dtype
    q = query.double().reshape(batch * shared, groups * length, size)
    k = key.double().reshape(batch * shared, key.shape[2], size)
    v = value.double().reshape(batch * shared, key.shape[2], value.shape[-1])
    if key.shape[2] == 0:
        return query.new_zeros(batch, heads, length, value.shape[-1])
    blocked = ~allowed.reshape(batch * shared, groups * length, key.shape[2])
    scores = torch.bmm(q, k.mT) / math.sqrt(size)
    top = scores.masked_fill(blocked, -torch.inf).amax(-1, keepdim=True).clamp_min(-1e300).detach()
    parts = torch.where(blocked, 0.0, torch.exp(torch.where(blocked, 0.0, scores - top)))
    total = parts.sum(-1, keepdim=True)
    weights = parts / torch.where(total == 0, 1.0, total)
    return torch.bmm(weights, v).reshape(batch, heads, length, value.shape[-1]).to(dtype)


class GroupedQueryAttention(nn.Module):
    """The output layer is applied head by head, the new cache is made first and then filled."""

    def __init__(self, d_model, num_heads, num_kv_heads, bias=False):
        super().__init__()
        head_dim, rest = divmod(d_model, num_heads)
        if rest != 0:
            raise ValueError("num_heads")
        if num_kv_heads not in [n for n in range(1, num_heads + 1) if num_heads % n == 0]:
            raise ValueError("num_kv_heads")
        self.k_proj, self.v_proj = (
            nn.Linear(d_model, num_kv_heads * head_dim, bias=bias) for _ in range(2)
        )
        self.q_proj, self.out_proj = (nn.Linear(d_model, d_model, bias=bias) for _ in range(2))
        self.num_kv_heads, self.head_dim = num_kv_heads, head_dim

    def forward(self, x, mask=None, cache=None):
        batch, length, _ = x.shape
        past = 0 if cache is None else cache[0].shape[2]
        grown = []
        for index, layer in enumerate((self.k_proj, self.v_proj)):
            part = x.new_zeros(batch, self.num_kv_heads, past + length, self.head_dim)
            if cache is not None:
                part[:, :, :past] = cache[index]
            new = layer(x).reshape(batch, length, self.num_kv_heads, self.head_dim)
            part[:, :, past:] = new.permute(0, 2, 1, 3)
            grown.append(part)
        num_heads = x.shape[-1] // self.head_dim
        query = self.q_proj(x).reshape(batch, length, num_heads, self.head_dim)
        heads = grouped_query_attention(query.permute(0, 2, 1, 3), *grown, mask)
        output = 0 if self.out_proj.bias is None else self.out_proj.bias
        for head, weight in zip(heads.unbind(1), self.out_proj.weight.split(self.head_dim, dim=1)):
            output = output + head @ weight.mT
        return output, (grown[0], grown[1])
'''
)

BLOCKWISE = (
    _CHECKS
    + '''
def grouped_query_attention(query, key, value, mask=None):
    """Keys in blocks of three with a running maximum, as Flash Attention does."""
    groups = _groups(query, key)
    allowed = _full_mask(mask, query, key).unflatten(1, (key.shape[1], groups)).flatten(2, 3)
    folded = query.reshape(*key.shape[:2], groups * query.shape[2], query.shape[3])
    work = torch.float32 if query.dtype.itemsize == 2 else query.dtype
    folded = folded.to(work) * query.shape[3] ** -0.5
    top = torch.full((*folded.shape[:3], 1), -torch.inf, dtype=work)
    total = torch.zeros((*folded.shape[:3], 1), dtype=work)
    output = torch.zeros((*folded.shape[:3], value.shape[3]), dtype=work)
    # a row that takes no gradient stays connected to its inputs
    output = output + 0 * folded.sum() + 0 * key.to(work).sum() + 0 * value.to(work).sum()
    for start in range(0, key.shape[2], 3):
        part = slice(start, start + 3)
        scores = folded @ key[:, :, part].to(work).mT
        scores = scores.masked_fill(~allowed[..., part], -torch.inf)
        new_top = torch.maximum(top, scores.amax(-1, keepdim=True))
        safe = torch.where(new_top == -torch.inf, 0.0, new_top)
        weights, shrink = torch.exp(scores - safe), torch.exp(top - safe)
        total = total * shrink + weights.sum(-1, keepdim=True)
        output = output * shrink + weights @ value[:, :, part].to(work)
        top = new_top
    output = output / torch.where(total == 0, 1.0, total)
    return output.reshape(*query.shape[:3], value.shape[3]).to(query.dtype)
'''
)

TRANSPOSED = '''
def repeat_kv(x, n_rep):
    return x[:, torch.arange(x.shape[1] * n_rep) // n_rep]


def grouped_query_attention(query, key, value, mask=None):
    """Scores with the keys as rows; one group at a time, the whole batch at once."""
    batch, heads, length, size = query.shape
    shared = key.shape[1]
    if shared < 1 or heads % shared:
        raise ValueError(f"key: {shared} heads for {heads} query heads")
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError("mask must be boolean")
    if mask is not None:
        if mask.dim() == 3:
            mask = mask.unsqueeze(1)
        while mask.dim() < 4:
            mask = mask.unsqueeze(0)
        full = (batch, heads, length, key.shape[2])
        if mask.dim() > 4 or any(m not in (1, f) for m, f in zip(mask.shape, full)):
            raise ValueError(f"mask {tuple(mask.shape)} is not broadcastable to {full}")
        mask = mask.expand(full)
    outputs = []
    for group, queries in enumerate(query.chunk(shared, dim=1)):
        rows = queries.reshape(batch, heads // shared * length, size)
        scores = (key[:, group] @ rows.mT / math.sqrt(size)).mT
        scores = scores.reshape(batch, heads // shared, length, key.shape[2])
        if mask is None:
            weights = scores.softmax(-1)
        else:
            allowed = mask.chunk(shared, dim=1)[group]
            lowest = torch.finfo(scores.dtype).min
            weights = torch.where(allowed, scores, lowest).softmax(-1)
            weights = weights * allowed.any(-1, keepdim=True)
        weights = weights.reshape(batch, heads // shared * length, key.shape[2])
        outputs.append((weights @ value[:, group]).unflatten(1, (heads // shared, length)))
    return torch.cat(outputs, dim=1)
'''

VARIANTS = {
    "einsum": EINSUM,
    "loops": LOOPS,
    "additive-mask": ADDITIVE,
    "float64-inside": HIGH_PRECISION,
    "blockwise": BLOCKWISE,
    "group-by-group": TRANSPOSED,
}

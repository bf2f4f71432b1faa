"""Place by place and head by head, in float64 inside."""


def next_token_log_probabilities(logits, ids):
    batch, length = logits.shape[:2]
    if ids.shape != (batch, length):
        raise ValueError("ids have another shape than logits")
    columns = []
    for place in range(length - 1):
        row = logits[:, place].double()
        row = row - row.amax(-1, keepdim=True)
        row = row - row.exp().sum(-1, keepdim=True).log()
        columns.append(row[torch.arange(batch), ids[:, place + 1]])
    if not columns:
        return logits.new_zeros(batch, 0)
    return torch.stack(columns, dim=1).to(logits.dtype)


def perplexity(log_probabilities, counted=None):
    dtype = torch.float64 if log_probabilities.dtype == torch.float64 else torch.float32
    flat = log_probabilities.reshape(-1).double()
    if counted is not None:
        flat = flat[counted.reshape(-1).nonzero()[:, 0]]
    if flat.numel() == 0:
        return flat.sum().exp().to(dtype)
    return (-flat.sum() / flat.numel()).exp().to(dtype)


class DecoderBlock(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.norm1 = LayerNorm(d_model)
        self.feed_forward = FeedForward(d_model, d_ff, dropout)
        self.norm2 = LayerNorm(d_model)
        self.drop_attention, self.drop_feed_forward = nn.Dropout(dropout), nn.Dropout(dropout)

    def forward(self, x, cache=None):
        a, normed = self.attention, self.norm1(x)
        keys = split_heads(a.k_proj(normed), a.num_heads)
        values = split_heads(a.v_proj(normed), a.num_heads)
        queries = split_heads(a.q_proj(normed), a.num_heads)
        past = 0
        if cache is not None:
            past = cache[0].shape[2]
            keys = torch.cat([cache[0], keys], dim=2)
            values = torch.cat([cache[1], values], dim=2)
        heard = []
        for place in range(x.shape[1]):
            known = past + place + 1
            scores = queries[:, :, place : place + 1] @ keys[:, :, :known].mT / math.sqrt(keys.shape[-1])
            heard.append(torch.softmax(scores, dim=-1) @ values[:, :, :known])
        together = torch.cat(heard, dim=2) if heard else queries
        x = x + self.drop_attention(a.out_proj(merge_heads(together)))
        x = x + self.drop_feed_forward(self.feed_forward(self.norm2(x)))
        return x, (keys, values)


class GPT(nn.Module):
    def __init__(self, vocab_size, max_len, d_model, num_layers, num_heads, dropout=0.0):
        super().__init__()
        self.token = TokenEmbedding(vocab_size, d_model)
        self.position = nn.Embedding(max_len, d_model)
        self.drop = nn.Dropout(dropout)
        blocks = []
        for _ in range(num_layers):
            blocks.append(DecoderBlock(d_model, num_heads, 4 * d_model, dropout))
        self.blocks = nn.ModuleList(blocks)
        self.norm = LayerNorm(d_model)

    def forward(self, ids, caches=None):
        old = 0
        if caches is not None and len(caches) > 0:
            old = caches[-1][1].shape[2]
        new = ids.shape[1]
        if old + new > len(self.position.weight):
            raise ValueError("too many ids")
        x = self.drop(self.token(ids) + self.position.weight[old : old + new])
        caches = list(caches) if caches else [None] * len(self.blocks)
        for number in range(len(self.blocks)):
            x, caches[number] = self.blocks[number](x, caches[number])
        return self.token.logits(self.norm(x)), caches


@torch.no_grad()
def gpt2_init(model):
    nn.init.trunc_normal_(model.token.weight, std=0.02)
    nn.init.trunc_normal_(model.position.weight, std=0.02)
    norms = [model.norm]
    for block in model.blocks:
        factor = 1 / math.sqrt(len(model.blocks) + len(model.blocks))
        norms += [block.norm1, block.norm2]
        a, f = block.attention, block.feed_forward
        for linear, std in ((a.q_proj, 1), (a.k_proj, 1), (a.v_proj, 1), (a.out_proj, factor), (f.linear1, 1), (f.linear2, factor)):
            linear.weight.copy_(0.02 * std * torch.randn(linear.weight.shape))
            linear.bias.zero_()
    for norm in norms:
        norm.weight.fill_(1.0)
        norm.bias.zero_()


def load_gpt2(model, weights):
    names = [name[len("transformer.") :] if name.startswith("transformer.") else name for name in weights]
    by_name = dict(zip(names, weights.values()))
    width = model.position.embedding_dim
    todo = []

    def take(name, shape):
        if name not in by_name:
            raise ValueError("weights: missing " + name)
        if tuple(by_name[name].shape) != tuple(shape):
            raise ValueError("weights: shape of " + name)
        return by_name[name].detach()

    todo.append((model.token.weight, take("wte.weight", model.token.weight.shape)))
    todo.append((model.position.weight, take("wpe.weight", model.position.weight.shape)))
    for i in range(len(model.blocks)):
        block, start = model.blocks[i], f"h.{i}."
        rows = take(start + "attn.c_attn.weight", (width, 3 * width)).T
        bias = take(start + "attn.c_attn.bias", (3 * width,))
        for j, part in enumerate("qkv"):
            linear = getattr(block.attention, part + "_proj")
            for row in range(width):
                todo.append((linear.weight[row], rows[j * width + row]))
            todo.append((linear.bias, bias[j * width :][:width]))
        for name, linear in (("attn.c_proj", block.attention.out_proj), ("mlp.c_fc", block.feed_forward.linear1), ("mlp.c_proj", block.feed_forward.linear2)):
            todo.append((linear.weight, take(start + name + ".weight", linear.weight.shape[::-1]).T))
            todo.append((linear.bias, take(start + name + ".bias", linear.bias.shape)))
        for name, norm in (("ln_1", block.norm1), ("ln_2", block.norm2)):
            for kind in ("weight", "bias"):
                todo.append((getattr(norm, kind), take(start + name + "." + kind, (width,))))
    for kind in ("weight", "bias"):
        todo.append((getattr(model.norm, kind), take("ln_f." + kind, (width,))))
    with torch.no_grad():
        for there, numbers in todo:
            there[...] = numbers

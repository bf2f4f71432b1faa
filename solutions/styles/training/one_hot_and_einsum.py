"""Products with one-hot rows in the place of lookups; sums by einsum."""


def cross_entropy(logits, targets, ignore_index=-100):
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    counted = targets.ne(ignore_index)
    hot = F.one_hot(targets.where(counted, 0), wide.shape[-1]).bool()
    losses = torch.logsumexp(wide, -1) - wide.masked_fill(~hot, 0).sum(-1)
    return torch.where(counted, losses, 0.0).sum() / counted.sum().clamp(min=1)


def next_token_batch(ids, starts, length):
    last = ids.numel() - length - 1
    if bool(((starts > last) + (starts < 0)).any()):
        raise ValueError("starts: outside of the text")
    index = torch.arange(length + 1) + starts.reshape(-1, 1)
    both = torch.take(ids, index)
    return both[:, :length].contiguous(), both[:, 1:].contiguous()


def mask_tokens(ids, mask_id, chance, action, random_ids, special=None):
    special = torch.zeros_like(ids, dtype=torch.bool) if special is None else special
    chosen = torch.logical_and(chance.lt(0.15), special.logical_not())
    kind = action.ge(0.8).long() + action.ge(0.9).long()
    choices = torch.stack([torch.full_like(ids, mask_id), random_ids, ids])
    picked = choices.gather(0, kind[None])[0]
    return ids + chosen * (picked - ids), (ids + 100) * chosen - 100


def learning_rate(step, peak, warmup, total, floor=0.0):
    if total < warmup:
        raise ValueError(f"{warmup=} > {total=}")
    if min(step, total) == total:
        return floor
    rising = (step + 1) * (peak / warmup) if warmup else peak
    falling = floor + (peak - floor) * math.cos(math.pi / 2 * (step - warmup) / max(1, total - warmup)) ** 2
    return rising if step < warmup else falling


def clip_gradients(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    if not grads:
        return torch.tensor(0.0)
    wide = torch.promote_types(grads[0].dtype, torch.float32)
    flat = torch.cat([g.reshape(-1).to(wide) for g in grads])
    norm = torch.linalg.vector_norm(flat)
    scale = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    for g in grads:
        g *= scale.to(g.dtype) if g.element_size() >= 4 else scale
    return norm


class AdamW:
    """State beside its parameter, in one list of triples."""

    def __init__(self, groups, betas=(0.9, 0.95), eps=1e-8):
        self.groups = groups
        self.beta1, self.beta2 = betas
        self.eps = eps
        self.memory = [[[torch.zeros_like(p), torch.zeros_like(p), 0] for p in group["params"]] for group in groups]

    def step(self):
        with torch.no_grad():
            for group, memory in zip(self.groups, self.memory):
                lr, decay = group["lr"], group["weight_decay"]
                for p, state in zip(group["params"], memory):
                    if p.grad is None:
                        continue
                    state[2] += 1
                    state[0].mul_(self.beta1).add_(p.grad, alpha=1 - self.beta1)
                    state[1].mul_(self.beta2).add_(torch.einsum("...,...->...", p.grad, p.grad), alpha=1 - self.beta2)
                    corrected = state[0] / (1 - self.beta1 ** state[2])
                    size = torch.sqrt(state[1] / (1 - self.beta2 ** state[2])) + self.eps
                    p.copy_(p - lr * decay * p - lr * corrected / size)

    def zero_grad(self):
        for group in self.groups:
            for p in group["params"]:
                p.grad = None


def decay_groups(model, weight_decay, lr):
    unique = {id(p): p for p in model.parameters()}.values()
    return [
        {"params": [p for p in unique if p.ndim > 1], "weight_decay": weight_decay, "lr": lr},
        {"params": [p for p in unique if not p.ndim > 1], "weight_decay": 0.0, "lr": lr},
    ]


def train(model, ids, steps, batch_size, length, peak, starts, warmup=10, max_norm=1.0):
    model.train(True)
    optimizer = AdamW(decay_groups(model, 0.1, peak))
    model.zero_grad(set_to_none=True)

    def one(step):
        rate = learning_rate(step, peak, warmup, steps)
        optimizer.groups[0].update(lr=rate)
        optimizer.groups[1].update(lr=rate)
        inputs, targets = next_token_batch(ids, starts[step], length)
        loss = cross_entropy(model(inputs)[0], targets)
        loss.backward()
        clip_gradients(model.parameters(), max_norm)
        optimizer.step()
        model.zero_grad()
        return loss.item()

    return [one(step) for step in range(steps)]

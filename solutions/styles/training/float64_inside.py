"""Everything narrow is made wide on the way, and narrow again at the end."""


def cross_entropy(logits, targets, ignore_index=-100):
    kind = torch.float64 if logits.dtype == torch.float64 else torch.float32
    counted = targets != ignore_index
    rows = logits[counted].double()
    safe = targets[counted]
    top = rows.amax(-1, keepdim=True)
    logs = rows - top - (rows - top).exp().sum(-1, keepdim=True).log()
    picked = logs[torch.arange(len(safe)), safe]
    return (picked.neg().sum() / max(len(safe), 1)).to(kind)


def next_token_batch(ids, starts, length):
    for start in starts:
        if int(start) not in range(len(ids) - length):
            raise ValueError(f"starts: {int(start)} is no place where a piece of {length} fits")
    place = starts.unsqueeze(1).expand(-1, length) + torch.arange(length)
    return ids.index_select(0, place.flatten()).reshape(place.shape), ids.index_select(0, place.flatten() + 1).reshape(place.shape)


def mask_tokens(ids, mask_id, chance, action, random_ids, special=None):
    chosen = (chance < 0.15) if special is None else (chance < 0.15) & (special == False)  # noqa: E712
    inputs = ids.clone()
    inputs = inputs.masked_fill(chosen & (action < 0.8), mask_id)
    random = chosen & (action < 0.9) & ~(action < 0.8)
    inputs = inputs.masked_scatter(random, random_ids[random])
    targets = ids.clone().masked_fill(~chosen, -100)
    return inputs, targets


def learning_rate(step, peak, warmup, total, floor=0.0):
    if warmup > total:
        raise ValueError("warmup > total")
    if step >= total:
        return floor
    if step < warmup:
        return float(np_like(step, peak, warmup))
    angle = torch.tensor((step - warmup) / (total - warmup), dtype=torch.float64) * torch.pi
    return float(floor + (peak - floor) * 0.5 * (1.0 + torch.cos(angle)))


def np_like(step, peak, warmup):
    return torch.linspace(0, peak, warmup + 1, dtype=torch.float64)[step + 1]


def clip_gradients(parameters, max_norm):
    with_grad = tuple(p for p in parameters if p.grad is not None)
    norms = [p.grad.double().norm() for p in with_grad]
    norm = torch.stack(norms).norm() if norms else torch.zeros((), dtype=torch.float64)
    if float(norm) > max_norm:
        for p in with_grad:
            p.grad.copy_((p.grad.double() * max_norm / norm).to(p.grad.dtype))
    if not with_grad or with_grad[0].grad.dtype != torch.float64:
        norm = norm.float()
    return norm


class AdamW:
    def __init__(self, groups, betas=(0.9, 0.95), eps=1e-8):
        self.groups = groups
        self.betas = betas
        self.eps = eps
        self.state = {}

    @torch.no_grad()
    def step(self):
        for group in self.groups:
            for p in group["params"]:
                self._one(p, group)

    def _one(self, p, group):
        if p.grad is None:
            return
        g = p.grad.double()
        m, v, t = self.state.get(p, (torch.zeros_like(g), torch.zeros_like(g), 0))
        t += 1
        m = self.betas[0] * m + (1 - self.betas[0]) * g
        v = self.betas[1] * v + (1 - self.betas[1]) * g.square()
        self.state[p] = m, v, t
        wide = p.double() * (1 - group["lr"] * group["weight_decay"])
        # The two corrections in one factor; eps has to follow.
        root = (1 - self.betas[1] ** t) ** 0.5
        step = group["lr"] * root / (1 - self.betas[0] ** t)
        p.copy_(wide - step * m / (v.sqrt() + self.eps * root))

    def zero_grad(self):
        for p in (p for group in self.groups for p in group["params"]):
            p.grad = None


def decay_groups(model, weight_decay, lr):
    groups = [{"params": [], "lr": lr, "weight_decay": weight_decay}, {"params": [], "lr": lr, "weight_decay": 0.0}]
    for parameter in model.parameters():
        groups[0 if parameter.dim() >= 2 else 1]["params"].append(parameter)
    return groups


def train(model, ids, steps, batch_size, length, peak, starts, warmup=10, max_norm=1.0):
    losses = []
    model.train()
    opt = AdamW(decay_groups(model, 0.1, peak))
    for step in range(steps):
        rate = learning_rate(step, peak, warmup, steps)
        x, y = next_token_batch(ids, starts[step], length)
        logits, _ = model(x)
        loss = cross_entropy(logits, y)
        parameters = [p for p in model.parameters() if p.requires_grad]
        grads = torch.autograd.grad(loss, parameters, allow_unused=True)
        for p, g in zip(parameters, grads):
            p.grad = g if g is None else g.contiguous()  # an expanded one cannot be scaled in place
        clip_gradients(parameters, max_norm)
        for group in opt.groups:
            group["lr"] = rate
        opt.step()
        losses.append(loss.detach().item())
    return losses

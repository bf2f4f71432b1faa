"""As short trainers on the web are written: flattened batches, ignore by index, one flat loop."""


def cross_entropy(logits, targets, ignore_index=-100):
    logits = logits.flatten(0, -2) if logits.ndim > 1 else logits[None]
    targets = targets.flatten()
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    keep = (targets != ignore_index).nonzero()[:, 0]
    logits, targets = logits[keep], targets[keep]
    loss = logits.logsumexp(dim=-1) - logits[range(len(keep)), targets]
    return loss.mean() if len(keep) else loss.sum()


def next_token_batch(ids, starts, length):
    if starts.numel() and (int(starts.min()) < 0 or int(starts.max()) > len(ids) - 1 - length):
        raise ValueError("starts out of range")
    x = [ids[i : i + length] for i in starts]
    y = [ids[i + 1 : i + 1 + length] for i in starts]
    if not x:
        return torch.empty((0, length), dtype=ids.dtype), torch.empty((0, length), dtype=ids.dtype)
    return torch.stack(x), torch.stack(y)


def mask_tokens(ids, mask_id, chance, action, random_ids, special=None):
    chosen = chance < 0.15
    if special is not None:
        chosen = chosen * ~special
    targets = torch.where(chosen, ids, torch.full_like(ids, -100))
    inputs = torch.where(chosen & (action < 0.9), random_ids, ids)
    inputs = torch.where(chosen & (action < 0.8), torch.full_like(ids, mask_id), inputs)
    return inputs, targets


def learning_rate(step, peak, warmup, total, floor=0.0):
    if warmup > total:
        raise ValueError("warmup must not be longer than total")
    if step < warmup and step < total:
        return peak * (step + 1) / warmup
    if step >= total:
        return floor
    decay_ratio = (step - warmup) / (total - warmup)
    assert 0 <= decay_ratio <= 1
    coeff = 0.5 * (1.0 + math.cos(math.pi * decay_ratio))
    return floor + coeff * (peak - floor)


def clip_gradients(parameters, max_norm):
    grads = [p.grad for p in parameters if p.grad is not None]
    total = torch.zeros(())
    for g in grads:
        total = total + (g.float() if g.element_size() < 4 else g).pow(2).sum()
    total = total.sqrt()
    factor = max_norm / (total + 1e-6)
    if factor < 1:
        for g in grads:
            g.mul_(factor)
    return total


class AdamW:
    def __init__(self, groups, betas=(0.9, 0.95), eps=1e-8):
        self.groups = groups
        self.betas, self.eps = betas, eps
        self.state = {}

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for group in self.groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                s = self.state.setdefault(p, {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
                s["t"] += 1
                s["m"] = beta1 * s["m"] + (1 - beta1) * p.grad
                s["v"] = beta2 * s["v"] + (1 - beta2) * p.grad**2
                m_hat = s["m"] / (1 - beta1 ** s["t"])
                v_hat = s["v"] / (1 - beta2 ** s["t"])
                p -= group["lr"] * group["weight_decay"] * p
                p -= group["lr"] * m_hat / (v_hat.sqrt() + self.eps)

    def zero_grad(self):
        for group in self.groups:
            for p in group["params"]:
                p.grad = None


def decay_groups(model, weight_decay, lr):
    params = {n: p for n, p in model.named_parameters()}
    decay = [p for n, p in params.items() if p.dim() >= 2]
    no_decay = [p for n, p in params.items() if p.dim() < 2]
    return [
        {"params": decay, "weight_decay": weight_decay, "lr": lr},
        {"params": no_decay, "weight_decay": 0.0, "lr": lr},
    ]


def train(model, ids, steps, batch_size, length, peak, starts, warmup=10, max_norm=1.0):
    model.train()
    optimizer = AdamW(decay_groups(model, weight_decay=0.1, lr=peak))
    history = []
    for it in range(steps):
        lr = learning_rate(it, peak, warmup, steps)
        for param_group in optimizer.groups:
            param_group["lr"] = lr
        X, Y = next_token_batch(ids, starts[it], length)
        logits, _ = model(X)
        loss = cross_entropy(logits.view(-1, logits.size(-1)), Y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model.parameters(), max_norm)
        optimizer.step()
        history.append(loss.item())
    return history

"""Place by place, entry by entry of the batch, parameter by parameter."""


def cross_entropy(logits, targets, ignore_index=-100):
    wide = logits.float() if logits.element_size() < 4 else logits
    rows = wide.reshape(-1, wide.shape[-1]) if wide.numel() else wide.reshape(0, wide.shape[-1])
    losses = []
    for row, target in zip(rows, targets.flatten().tolist()):
        if target == ignore_index:
            continue
        top = row.max().detach()
        losses.append((row - top).exp().sum().log() - (row[target] - top))
    if not losses:
        return rows[:, :0].sum()
    return sum(losses[1:], losses[0]) / len(losses)


def next_token_batch(ids, starts, length):
    inputs, targets = [], []
    for start in starts.tolist():
        if start < 0 or start + length + 1 > ids.shape[0]:
            raise ValueError(f"one of the starts, {start}, leaves the text")
        inputs.append(ids[start : start + length])
        targets.append(ids[start + 1 : start + length + 1])
    if not inputs:
        return ids.new_zeros(0, length), ids.new_zeros(0, length)
    return torch.stack(inputs), torch.stack(targets)


def mask_tokens(ids, mask_id, chance, action, random_ids, special=None):
    inputs, targets = [], []
    flags = [False] * ids.numel() if special is None else special.flatten().tolist()
    every = zip(ids.flatten().tolist(), chance.flatten().tolist(), action.flatten().tolist(), random_ids.flatten().tolist(), flags)
    for token, c, a, other, is_special in every:
        if is_special or not c < 0.15:
            inputs.append(token)
            targets.append(-100)
            continue
        targets.append(token)
        if a < 0.8:
            inputs.append(mask_id)
        elif a < 0.9:
            inputs.append(other)
        else:
            inputs.append(token)
    return tuple(torch.tensor(each, dtype=ids.dtype).reshape(ids.shape) for each in (inputs, targets))


def learning_rate(step, peak, warmup, total, floor=0.0):
    if warmup <= total:
        if step >= total:
            return floor
        elif step < warmup:
            return (step + 1) / warmup * peak
        else:
            share = 0.5 * (1 + math.cos((step - warmup) * math.pi / (total - warmup)))
            return share * peak + (1 - share) * floor
    raise ValueError("the warmup must not be above the total")


def clip_gradients(parameters, max_norm):
    squares, grads = torch.zeros((), dtype=torch.float64), []
    narrow = None
    for parameter in parameters:
        if parameter.grad is not None:
            squares += parameter.grad.detach().double().pow(2).sum()
            grads.append(parameter.grad)
            narrow = parameter.grad.dtype
    norm = squares.sqrt()
    for grad in grads:
        if norm > max_norm:
            grad.copy_(grad.double() * (max_norm / (norm + 1e-6)))
    return norm if narrow == torch.float64 else norm.float()


class AdamW:
    def __init__(self, groups, betas=(0.9, 0.95), eps=1e-8):
        self.groups, self.betas, self.eps = groups, betas, eps
        self.m, self.v, self.t = {}, {}, {}

    def step(self):
        b1, b2 = self.betas
        for group in self.groups:
            for p in group["params"]:
                if p.grad is not None:
                    key = id(p)
                    g = p.grad.detach()
                    self.t[key] = self.t.get(key, 0) + 1
                    self.m[key] = b1 * self.m.get(key, 0.0) + (1 - b1) * g
                    self.v[key] = b2 * self.v.get(key, 0.0) + (1 - b2) * g * g
                    m = self.m[key] / (1 - b1 ** self.t[key])
                    v = self.v[key] / (1 - b2 ** self.t[key])
                    p.data -= group["lr"] * group["weight_decay"] * p.data
                    p.data -= group["lr"] * m / (v**0.5 + self.eps)

    def zero_grad(self):
        for group in self.groups:
            for p in group["params"]:
                p.grad = None


def decay_groups(model, weight_decay, lr):
    decayed, rest = [], []
    for _, parameter in model.named_parameters():
        (decayed if len(parameter.shape) > 1 else rest).append(parameter)
    return [dict(params=decayed, lr=lr, weight_decay=weight_decay), dict(params=rest, lr=lr, weight_decay=0.0)]


def train(model, ids, steps, batch_size, length, peak, starts, warmup=10, max_norm=1.0):
    losses = []
    if not steps:
        return losses
    if warmup > steps:
        raise ValueError("the warmup is longer than the training")
    model = model.train()
    groups = decay_groups(model, 0.1, peak)
    optimizer = AdamW(groups)
    for parameter in model.parameters():
        parameter.grad = None
    for step, row in enumerate(starts):
        inputs, targets = next_token_batch(ids, row, length)
        logits, caches = model(inputs)
        loss = cross_entropy(logits, targets)
        losses.append(float(loss))
        loss.backward()
        clip_gradients(list(model.parameters()), max_norm)
        groups[0]["lr"] = groups[1]["lr"] = learning_rate(step, peak, warmup, steps)
        optimizer.step()
        optimizer.zero_grad()
    return losses

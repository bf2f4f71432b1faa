"""Logarithms as long as it goes, and masks that are multiplied."""

import torch
import torch.nn.functional as F


def next_token_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    if 0 > temperature:
        raise ValueError("temperature: below 0")
    if isinstance(top_k, int) and top_k < 1:
        raise ValueError("top_k: below 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError("top_p: outside of (0, 1]")
    x = logits.double()
    if temperature == 0:
        hard = torch.full_like(x, float("-inf"))
        return hard.scatter(-1, x.argmax(-1, keepdim=True), 0.0).exp().to(logits.dtype)
    values, ids = torch.sort(x / temperature, descending=True, stable=True)
    back = ids.argsort(dim=-1)
    logs = F.log_softmax(values, dim=-1)
    if top_k is not None and top_k < logs.shape[-1]:
        cut = torch.full_like(logs[..., top_k:], float("-inf"))
        logs = F.log_softmax(torch.cat([logs[..., :top_k], cut], dim=-1), dim=-1)
    if top_p is not None:
        p = logs.exp()
        before = torch.cat([torch.zeros_like(p[..., :1]), p.cumsum(-1)[..., :-1]], dim=-1)
        p = p * (before < top_p)
        return (p / p.sum(-1, keepdim=True)).gather(-1, back).to(logits.dtype)
    return logs.exp().gather(-1, back).to(logits.dtype)


def sample(probabilities, uniform):
    p = probabilities.double()
    above = torch.cumsum(p, -1).gt(uniform.double().unsqueeze(-1)).logical_and(p > 0)
    places = torch.arange(p.shape[-1])
    # The first place where a dart lies below; nothing is as far away as V.
    first = torch.where(above, places, p.shape[-1]).amin(-1)
    last = torch.where(p > 0, places, 0).amax(-1)
    return torch.minimum(first, last)


def _token(logits, uniform, filters):
    if uniform is None:
        return logits.argmax(-1)
    return sample(next_token_probabilities(logits, **filters), uniform)


def generate(model, ids, max_new_tokens, uniforms=None, stop_id=None, **filters):
    rows = [None] * max_new_tokens if uniforms is None else uniforms
    text, ended, caches = torch.cat([ids], dim=1), None, None
    for number, uniform in zip(range(max_new_tokens), rows):
        with torch.no_grad():
            given = text if number == 0 else text[:, -1:]
            logits, caches = model(given, caches)
            new = _token(logits[:, -1], uniform, filters)
        if stop_id is not None:
            if ended is not None:
                new[ended] = stop_id
            ended = new == stop_id
        text = torch.hstack([text, new.reshape(-1, 1)])
        if ended is not None and torch.all(ended):
            break
    return text


def beam_search(log_probabilities, start, beam_size, max_new_tokens, stop_id, length_penalty=1.0):
    def by_rule(pairs):
        return sorted(sorted(pairs, key=lambda pair: pair[0]), key=lambda pair: pair[1], reverse=True)

    def scored(pairs):
        return [(s, total / (len(s) - len(start)) ** length_penalty) for s, total in pairs]

    opened, best = [(list(start), 0.0)], []
    while opened and len(opened[0][0]) < len(start) + max_new_tokens:
        table = log_probabilities([list(s) for s, _ in opened]).double()
        table = table + torch.tensor([[total] for _, total in opened], dtype=torch.float64)
        places = table.isfinite().nonzero().tolist()
        grown = by_rule([(opened[i][0] + [token], table[i, token].item()) for i, token in places])
        opened = []
        for place, (s, total) in enumerate(grown):
            if s[-1] == stop_id and place < beam_size:
                best += [(s, total)]
            if s[-1] != stop_id and len(opened) < beam_size:
                opened += [(s, total)]
    return by_rule(scored(best + opened))[:beam_size]


def speculative_step(target, draft, drafted, accept_uniforms, resample_uniform):
    target, draft = target.double(), draft.double()
    for i in range(len(drafted)):
        x = int(drafted[i])
        if accept_uniforms[i].double() * draft[i, x] < target[i, x]:
            continue
        rest = torch.relu(target[i] - draft[i])
        if float(rest.sum()) > 0:
            return i, int(sample(F.normalize(rest, p=1, dim=-1), resample_uniform))
        return i, int(sample(target[i], resample_uniform))
    return int(drafted.shape[0]), int(sample(target[drafted.shape[0]], resample_uniform))

"""Heaps for the beam, counted places for top-k and top-p, a result that is filled in."""

import heapq
import math

import torch


def next_token_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature < 0:
        raise ValueError("bad temperature")
    if top_k is not None and not top_k >= 1:
        raise ValueError("bad top_k")
    if top_p is not None and not (top_p > 0 and top_p <= 1):
        raise ValueError("bad top_p")
    wide = logits.double()
    order = torch.sort(-wide.detach(), dim=-1, stable=True).indices
    size = wide.shape[-1]
    count = torch.full((*wide.shape[:-1], 1), 1 if temperature == 0 else min(top_k or size, size))
    rank = torch.empty_like(order).scatter_(-1, order, torch.arange(size).expand(order.shape))
    scaled = wide if temperature == 0 else wide / temperature
    best = wide.detach().amax(-1, keepdim=True) / (temperature or 1)
    law = (scaled - best).exp() * (rank < count)
    law = torch.where(rank < count, law, 0)
    law = law / law.sum(-1, keepdim=True)
    if top_p is not None:
        sums = law.detach().gather(-1, order).cumsum(-1)
        needed = (sums < top_p).sum(-1, keepdim=True) + 1
        law = torch.where(rank < needed, law, 0)
        law = law / law.sum(-1, keepdim=True)
    return law.type_as(logits)


def sample(probabilities, uniform):
    flat = probabilities.reshape(-1, probabilities.shape[-1]).double()
    ends = flat.cumsum(1)
    begins = torch.nn.functional.pad(ends, (1, 0))[:, :-1]
    u = uniform.reshape(-1, 1)
    inside = (begins <= u) & (u < ends)
    numbers = torch.arange(flat.shape[1]).expand(flat.shape)
    last = torch.where(flat > 0, numbers, -1).amax(1)
    found = torch.where(inside, numbers, -1).amax(1)
    return torch.where(found >= 0, found, last).reshape(uniform.shape)


def generate(model, ids, max_new_tokens, uniforms=None, stop_id=None, **filters):
    was = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        length = ids.shape[1]
        result = ids.new_empty(ids.shape[0], length + max_new_tokens)
        result[:, :length] = ids
        caches, asked, done = None, result[:, :length], None
        for new in range(length, length + max_new_tokens):
            logits, caches = model(asked, caches)
            if uniforms is None:
                law = next_token_probabilities(logits[:, -1], temperature=0)
                token = law.argmax(-1)
            else:
                law = next_token_probabilities(logits[:, -1], **filters)
                token = sample(law, uniforms[new - length])
            if stop_id is not None:
                done = torch.zeros_like(token, dtype=torch.bool) if done is None else done
                token = torch.where(done, torch.full_like(token, stop_id), token)
                done |= token.eq(stop_id)
            result[:, new] = token
            asked = result[:, new : new + 1]
            if done is not None and bool(done.all()):
                return result[:, : new + 1].contiguous()
        return result
    finally:
        torch.set_grad_enabled(was)


def beam_search(log_probabilities, start, beam_size, max_new_tokens, stop_id, length_penalty=1.0):
    start = list(start)
    heap, result = [(0.0, start)], []
    for new in range(1, max_new_tokens + 1):
        table = log_probabilities([sequence for _, sequence in heap])
        extended = []
        for (cost, sequence), row in zip(heap, table.tolist()):
            extended.extend((cost - x, sequence + [t]) for t, x in enumerate(row) if x != -math.inf)
        ends = (each for each in heapq.nsmallest(beam_size, extended) if each[1][-1] == stop_id)
        result += [(cost / new**length_penalty, sequence) for cost, sequence in ends]
        heap = heapq.nsmallest(beam_size, (each for each in extended if each[1][-1] != stop_id))
        if len(heap) == 0:
            break
    result += [(cost / (len(s) - len(start)) ** length_penalty, s) for cost, s in heap]
    return [(sequence, -cost) for cost, sequence in heapq.nsmallest(beam_size, result)]


def speculative_step(target, draft, drafted, accept_uniforms, resample_uniform):
    return _step(target.double(), draft.double(), drafted.tolist(), accept_uniforms.tolist(), resample_uniform, 0)


def _step(target, draft, drafted, uniforms, last, accepted):
    """The first draft, and then the rest of them by the same function."""
    if not drafted:
        return accepted, int(sample(target[0], last))
    token = drafted[0]
    if uniforms[0] < min(1.0, (target[0, token] / draft[0, token]).item()):
        return _step(target[1:], draft[1:], drafted[1:], uniforms[1:], last, accepted + 1)
    rest = torch.maximum(target[0] - draft[0], torch.zeros(()).double())
    rest = rest if rest.any() else target[0]
    return accepted, int(sample(rest / rest.sum(), last))

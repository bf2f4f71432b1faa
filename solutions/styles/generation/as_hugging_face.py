"""As the warpers of transformers do: one filter after another, each on scores, in float32."""

import torch


def _warp_top_k(scores, k):
    chosen = scores.argsort(dim=-1, descending=True, stable=True)[..., :k]
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, chosen, True)
    return scores.masked_fill(~kept, float("-inf"))


def _warp_top_p(scores, p):
    # From the smallest up, as there; equals of larger id are the first to go.
    ascending = scores.flip(-1).argsort(dim=-1, stable=True)
    ascending = scores.shape[-1] - 1 - ascending
    descending = ascending.flip(-1)
    shares = scores.gather(-1, descending).softmax(dim=-1)
    reached = shares.cumsum(dim=-1) >= p
    removed = torch.roll(reached, 1, dims=-1)
    removed[..., 0] = False
    return scores.masked_fill(torch.zeros_like(removed).scatter(-1, descending, removed), float("-inf"))


def next_token_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    if temperature < 0:
        raise ValueError(f"`temperature` has to be positive or 0, but is {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"`top_k` has to be a positive integer, but is {top_k}")
    if top_p is not None and not (0 < top_p <= 1.0):
        raise ValueError(f"`top_p` has to be a float > 0 and <= 1, but is {top_p}")
    scores = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if temperature == 0:
        scores = _warp_top_k(scores, 1)
    else:
        scores = scores / temperature
    if top_k is not None:
        scores = _warp_top_k(scores, min(top_k, scores.size(-1)))
    if top_p is not None and top_p < 1:
        scores = _warp_top_p(scores, top_p)
    return scores.softmax(dim=-1).to(logits.dtype)


def sample(probabilities, uniform):
    sums = probabilities.to(torch.promote_types(probabilities.dtype, torch.float32)).cumsum(-1)
    hit = (sums > uniform.unsqueeze(-1)) & (probabilities > 0)
    first = hit.int().argmax(dim=-1)
    order = torch.arange(probabilities.size(-1))
    last = (order * (probabilities > 0)).max(dim=-1).values if probabilities.numel() else first
    return torch.where(hit.any(dim=-1), first, last)


def generate(model, ids, max_new_tokens, uniforms=None, stop_id=None, **filters):
    pieces, unfinished = [ids], torch.ones(ids.size(0), dtype=torch.long)
    cache = None
    for step in range(max_new_tokens):
        with torch.no_grad():
            logits, cache = model(pieces[-1], cache)
        scores = logits[:, -1, :]
        if uniforms is not None:
            tokens = sample(next_token_probabilities(scores, **filters), uniforms[step, :])
        else:
            tokens = torch.argmax(scores, dim=-1)
        if stop_id is not None:
            tokens = tokens * unfinished + stop_id * (1 - unfinished)
            unfinished = unfinished * (tokens != stop_id).long()
        pieces.append(tokens.unsqueeze(-1))
        if stop_id is not None and unfinished.max() == 0:
            break
    return torch.cat(pieces, dim=-1) if len(pieces) > 1 else ids.clone()


class Hypothesis:
    def __init__(self, ids, total):
        self.ids, self.total = ids, total

    def key(self):
        return (-self.total, self.ids)


def beam_search(log_probabilities, start, beam_size, max_new_tokens, stop_id, length_penalty=1.0):
    running, ended = [Hypothesis([*start], 0.0)], []
    step = 0
    while step < max_new_tokens and running:
        table = log_probabilities([each.ids for each in running])
        candidates = []
        for hypothesis, row in zip(running, table):
            for token in (row > float("-inf")).nonzero().flatten().tolist():
                total = hypothesis.total + row[token].item()
                candidates.append(Hypothesis(hypothesis.ids + [token], total))
        candidates = sorted(candidates, key=Hypothesis.key)
        running = []
        for rank, candidate in enumerate(candidates):
            if candidate.ids[-1] == stop_id:
                if rank < beam_size:
                    ended.append(candidate)
            elif len(running) < beam_size:
                running.append(candidate)
        step += 1
    for each in [*running, *ended]:
        each.total = each.total / ((len(each.ids) - len(start)) ** length_penalty)
    best = sorted([*running, *ended], key=Hypothesis.key)[:beam_size]
    return [(each.ids, each.total) for each in best]


def speculative_step(target, draft, drafted, accept_uniforms, resample_uniform):
    p, q = target.float(), draft.float()
    k = drafted.numel()
    ratio = p[:k].gather(1, drafted.view(k, 1))[:, 0] / q.gather(1, drafted.view(k, 1))[:, 0]
    refused = (accept_uniforms >= ratio).nonzero()
    n = refused[0].item() if len(refused) else k
    if n == k:
        return n, sample(p[n], resample_uniform).item()
    rest = torch.clamp(p[n] - q[n], min=0)
    if rest.sum() == 0:
        rest = p[n]
    else:
        rest = rest.div(rest.sum())
    return n, sample(rest, resample_uniform).item()

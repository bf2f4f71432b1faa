"""Python's own loops over rows and tokens."""

import math

import torch


def _row(logits, temperature, top_k, top_p):
    order = sorted(range(len(logits)), key=lambda i: (-float(logits[i]), i))
    if temperature == 0:
        order = order[:1]
    kept = order[:top_k]
    best = logits[kept[0]]
    weights = [torch.exp((logits[i] - best) / (temperature or 1)) for i in kept]
    total = sum(weights)
    shares = [weight / total for weight in weights]
    if top_p is not None:
        chosen, reached = [], 0.0
        for token, share in zip(kept, shares):
            if chosen and reached >= top_p:
                break
            chosen.append((token, share))
            reached += float(share)
        total = sum(share for _, share in chosen)
        kept, shares = [t for t, _ in chosen], [share / total for _, share in chosen]
    found = dict(zip(kept, shares))
    nothing = logits.new_zeros(())
    return torch.stack([found.get(token, nothing) for token in range(len(logits))])


def next_token_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    if not temperature >= 0:
        raise ValueError("temperature has to be at least 0")
    if top_k is not None and top_k <= 0:
        raise ValueError("top_k has to be at least 1")
    if top_p is not None and (top_p <= 0 or top_p > 1):
        raise ValueError("top_p has to be in (0, 1]")
    wide = logits.double()
    rows = [_row(row, temperature, top_k, top_p) for row in wide.reshape(-1, wide.shape[-1])]
    result = torch.stack(rows).reshape(wide.shape) if rows else torch.zeros_like(wide)
    return result.to(logits.dtype)


def sample(probabilities, uniform):
    rows = probabilities.double().reshape(-1, probabilities.shape[-1]).tolist()
    ids = []
    for row, u in zip(rows, uniform.double().flatten().tolist()):
        reached, last = 0.0, None
        for token, probability in enumerate(row):
            if probability == 0:
                continue
            reached, last = reached + probability, token
            if reached > u:
                break
        ids.append(last)
    return torch.tensor(ids, dtype=torch.int64).reshape(uniform.shape)


@torch.no_grad()
def generate(model, ids, max_new_tokens, uniforms=None, stop_id=None, **filters):
    texts = ids.tolist()
    given, caches = ids, None
    ended = set()
    for step in range(max_new_tokens):
        if stop_id is not None and len(ended) == len(texts):
            break
        logits, caches = model(given, caches)
        new = []
        for row, text in enumerate(texts):
            scores = logits[row, -1]
            if row in ended:
                token = stop_id
            elif uniforms is None:
                token = scores.tolist().index(scores.max().item())
            else:
                token = int(sample(next_token_probabilities(scores, **filters), uniforms[step, row]))
            if token == stop_id:
                ended.add(row)
            text.append(token)
            new.append([token])
        given = torch.tensor(new)
    return torch.tensor(texts)


def beam_search(log_probabilities, start, beam_size, max_new_tokens, stop_id, length_penalty=1.0):
    beam, done = {tuple(start): 0.0}, {}
    for _ in range(max_new_tokens):
        grown = {}
        for sequence, total in beam.items():
            (row,) = log_probabilities([list(sequence)]).tolist()
            for token, number in enumerate(row):
                if math.isfinite(number):
                    grown[sequence + (token,)] = total + number
        best_first = sorted(grown, key=lambda s: (-grown[s], s))
        for sequence in best_first[:beam_size]:
            if sequence[-1] == stop_id:
                done[sequence] = grown[sequence]
        beam = {s: grown[s] for s in [s for s in best_first if s[-1] != stop_id][:beam_size]}
        if not beam:
            break
    final = {s: t / (len(s) - len(start)) ** length_penalty for s, t in {**done, **beam}.items()}
    return [(list(s), final[s]) for s in sorted(final, key=lambda s: (-final[s], s))[:beam_size]]


def speculative_step(target, draft, drafted, accept_uniforms, resample_uniform):
    accepted = 0
    while accepted < len(drafted):
        token = drafted[accepted]
        p, q = float(target[accepted, token]), float(draft[accepted, token])
        if float(accept_uniforms[accepted]) * q >= p:
            break
        accepted += 1
    law = target[accepted].double()
    if accepted < len(drafted):
        pairs = zip(law.tolist(), draft[accepted].double().tolist())
        missing = [max(p - q, 0.0) for p, q in pairs]
        if sum(missing) > 0:
            law = torch.tensor([each / sum(missing) for each in missing], dtype=torch.float64)
    return accepted, int(sample(law, resample_uniform))

"""Notebook 09 by torch's own operators: softmax of masked logits, searchsorted."""

import math

import torch
import torch.nn.functional as F


def next_token_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    """Everything in the places of the logits; a rank for each says where it would stand."""
    for name, given, good in (
        ("temperature", temperature, temperature >= 0),
        ("top_k", top_k, top_k is None or top_k >= 1),
        ("top_p", top_p, top_p is None or 0 < top_p <= 1),
    ):
        if not good:
            raise ValueError(f"{name} cannot be {given}")
    wide = logits.to(torch.float64)
    size = wide.shape[-1]
    if temperature == 0:
        return F.one_hot(wide.argmax(dim=-1), size).to(logits.dtype)
    wide = wide / temperature
    one, other = wide[..., :, None], wide[..., None, :]
    earlier = torch.ones(size, size, dtype=torch.bool).tril(-1)
    above = (other > one) | ((other == one) & earlier)  # [..., i, j]: j stands above i
    if top_k is not None:
        wide = torch.where(above.sum(dim=-1) < top_k, wide, -math.inf)
    law = F.softmax(wide, dim=-1)
    if top_p is not None:
        before = torch.einsum("...ij,...j->...i", above.to(law.dtype), law)
        first = above.sum(dim=-1) == 0
        law = F.softmax(torch.where((before < top_p) | first, wide, -math.inf), dim=-1)
    return law.to(logits.dtype)


def sample(probabilities, uniform):
    """A search in sorted numbers, from the right; the last is the number of sums that grow."""
    sums = probabilities.to(torch.float64).cumsum(dim=-1).contiguous()
    found = torch.searchsorted(sums, uniform.to(torch.float64)[..., None].contiguous(), right=True)[..., 0]
    size = probabilities.shape[-1]
    last = size - 1 - probabilities.flip(-1).gt(0).to(torch.int64).argmax(dim=-1)
    return torch.where(found < size, found, last).minimum(last)


def generate(model, ids, max_new_tokens, uniforms=None, stop_id=None, **filters):
    """All places are there from the beginning, filled with the stop token."""
    batch, length = ids.shape
    text = F.pad(ids, (0, max_new_tokens), value=-1 if stop_id is None else stop_id)
    text = torch.clone(text)
    going = torch.full((batch,), True)
    caches, begin = None, 0
    with torch.inference_mode():
        for end in range(length, length + max_new_tokens):
            if stop_id is not None and end > length and not going.any():
                return text[:, :end].clone()
            logits, caches = model(text[:, begin:end], caches)
            if uniforms is None:
                new = logits[:, -1].argmax(dim=-1)
            else:
                new = sample(next_token_probabilities(logits[:, -1], **filters), uniforms[end - length])
            text[:, end] = torch.where(going, new, text[:, end])
            if stop_id is not None:
                going = going & (new != stop_id)
            begin = end
    return text


def beam_search(log_probabilities, start, beam_size, max_new_tokens, stop_id, length_penalty=1.0):
    """Sums in a tensor; a stable sort of sequences that stand in order already breaks ties."""
    begun = len(start)
    beams, sums, laid_aside = [list(start)], torch.zeros(1, dtype=torch.float64), []
    for _ in range(max_new_tokens):
        order = sorted(range(len(beams)), key=beams.__getitem__)
        beams, sums = [beams[i] for i in order], sums[order]
        table = sums[:, None] + log_probabilities(beams).double()
        size = table.shape[1]
        values, places = table.flatten().sort(descending=True, stable=True)
        places = places[values > -math.inf].tolist()
        values = values[values > -math.inf].tolist()
        ways = [(value, beams[place // size] + [place % size]) for value, place in zip(values, places)]
        laid_aside += [way for way in ways[:beam_size] if way[1][-1] == stop_id]
        goes_on = [way for way in ways if way[1][-1] != stop_id][:beam_size]
        beams = [sequence for _, sequence in goes_on]
        sums = torch.tensor([value for value, _ in goes_on], dtype=torch.float64)
        if not beams:
            break
    laid_aside += list(zip(sums.tolist(), beams))
    laid_aside.sort(key=lambda way: way[1])
    scored = [(way[1], way[0] / (len(way[1]) - begun) ** length_penalty) for way in laid_aside]
    scored.sort(key=lambda each: each[1], reverse=True)
    return scored[:beam_size]


def speculative_step(target, draft, drafted, accept_uniforms, resample_uniform):
    """All ratios at once; the accepted ones are a product of those before."""
    target, draft = target.to(torch.float64), draft.to(torch.float64)
    count = draft.shape[0]
    rows = torch.arange(count)
    ratios = target[rows, drafted] / draft[rows, drafted]
    accepted = int((accept_uniforms < ratios).to(torch.int64).cumprod(dim=0).sum())
    law = target[accepted]
    if accepted < count:
        missing = F.relu(law - draft[accepted])
        law = F.normalize(missing, p=1, dim=0) if missing.any() else law
    return accepted, sample(law, resample_uniform).item()

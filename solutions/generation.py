# Made by `workbook release` from source/09-generation, to be changed there.
"""Generation: from scores to text, by drawing, by search and by guessing ahead.

Holtzman et al. (2020), top-p; Leviathan et al. (2023), algorithm 1.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def next_token_probabilities(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """Shape logits into the probabilities that a token is drawn from.

    logits (..., V) -> (..., V), each row with the sum 1, in the dtype of the logits.
    Temperature, then exactly the top_k largest, then, on what these left and renormalised, the
    smallest set of the largest whose probability reaches top_p (at least one). Of equals those of
    smaller id stay. Temperature 0: all on the largest, the first of equals.
    Raises: ValueError naming the argument, for a temperature below 0, top_k below 1, or top_p
    outside of (0, 1].
    Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration" (top-p).
    """
    if temperature < 0:
        raise ValueError(f"temperature={temperature} is below 0")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k={top_k} is below 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is outside of (0, 1]")
    # Stable, so that of equals the smaller id comes first.
    ordered, ids = logits.double().sort(dim=-1, descending=True, stable=True)  # (..., V)
    if temperature == 0:
        top_k = 1
    else:
        ordered = ordered / temperature
    if top_k is not None:
        places = torch.arange(ordered.shape[-1], device=ordered.device)
        ordered = ordered.masked_fill(places >= top_k, -math.inf)
    kept = torch.softmax(ordered, dim=-1)
    if top_p is not None:
        before = F.pad(kept.cumsum(dim=-1)[..., :-1], (1, 0))  # the sum in front of each place
        kept = kept.masked_fill(before >= top_p, 0.0)
        kept = kept / kept.sum(dim=-1, keepdim=True)
    return torch.zeros_like(kept).scatter(-1, ids, kept).to(logits.dtype)


def sample(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """Take from each row the token that a uniform number hits.

    probabilities (..., V), uniform (...) in [0, 1) -> ids (...), int64.
    The first id whose cumulative probability (in at least float32) exceeds uniform; where rounding
    leaves none, the last of positive probability. Never one of probability 0.
    """
    cumulative = probabilities.double().cumsum(dim=-1)  # (..., V)
    passed = (cumulative <= uniform[..., None]).sum(dim=-1)
    ids = torch.arange(probabilities.shape[-1], device=probabilities.device)
    last = torch.where(probabilities > 0, ids, 0).amax(dim=-1)
    return torch.minimum(passed, last)


def generate(
    model: Callable[..., Any],
    ids: Tensor,
    max_new_tokens: int,
    uniforms: Tensor | None = None,
    stop_id: int | None = None,
    **filters: Any,
) -> Tensor:
    """Let a model write on: ids (B, L) -> (B, L + new).

    model(ids, caches) -> logits (B, L, V), caches. The whole prompt is prefilled and gives the
    first new token, then one position a step; there are as many calls as new tokens.
    uniforms (max_new_tokens, B): row t for new token t; None = greedy. `filters` are those of
    next_token_probabilities. After stop_id a row goes on with stop_id; ends when all rows have.
    """
    result, fed, caches = ids.clone(), ids, None
    ended = torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)  # (B,)
    for step in range(max_new_tokens):
        with torch.no_grad():
            logits, caches = model(fed, caches)
        if uniforms is None:
            token = logits[:, -1].argmax(dim=-1)  # (B,)
        else:
            token = sample(next_token_probabilities(logits[:, -1], **filters), uniforms[step])
        if stop_id is not None:
            token = token.masked_fill(ended, stop_id)
            ended = ended | (token == stop_id)
        fed = token[:, None]
        result = torch.cat([result, fed], dim=1)
        if stop_id is not None and ended.all():
            break
    return result


def beam_search(
    log_probabilities: Callable[[list[list[int]]], Tensor],
    start: Sequence[int],
    beam_size: int,
    max_new_tokens: int,
    stop_id: int,
    length_penalty: float = 1.0,
) -> list[tuple[list[int], float]]:
    """Look for the most probable sequences that begin with `start`.

    log_probabilities(list of N sequences) -> (N, V). Each step extends every open hypothesis by
    every token of log probability above -inf. Of the beam_size best extensions those that end in
    stop_id are finished; the beam_size best of those that do not stay open. Ends after
    max_new_tokens or when none is open, never earlier.
    Returns the at most beam_size best of finished and open: (sequence with start, sum of log
    probabilities / new tokens ** length_penalty), best first; of equals the smaller sequence.
    """
    finished: list[tuple[float, list[int]]] = []
    opened = [(0.0, list(start))]
    for _ in range(max_new_tokens):
        rows = log_probabilities([sequence for _, sequence in opened]).tolist()
        extensions = [
            (total + extra, [*sequence, token])
            for (total, sequence), row in zip(opened, rows, strict=True)
            for token, extra in enumerate(row)
            if extra > -math.inf
        ]
        extensions.sort(key=lambda each: (-each[0], each[1]))
        finished += [each for each in extensions[:beam_size] if each[1][-1] == stop_id]
        opened = [each for each in extensions if each[1][-1] != stop_id][:beam_size]
        if not opened:
            break
    results = [
        (sequence, total / (len(sequence) - len(start)) ** length_penalty)
        for total, sequence in finished + opened
    ]
    return sorted(results, key=lambda each: (-each[1], each[0]))[:beam_size]


def speculative_step(
    target: Tensor,
    draft: Tensor,
    drafted: Tensor,
    accept_uniforms: Tensor,
    resample_uniform: Tensor,
) -> tuple[int, int]:
    """Keep the drafted tokens that the target agrees with, and draw the next one.

    target (K+1, V), draft (K, V), drafted (K,), accept_uniforms (K,), resample_uniform () -> how
    many drafts are accepted (as long as uniform < target / draft), and the next token, by
    `sample`: from (target - draft)+ normalised at the first refused (from target where nothing of
    it is positive), else from target[K]. K may be 0.
    Source: Leviathan, Kalman and Matias 2023, "Fast Inference from Transformers via Speculative
    Decoding", algorithm 1.
    """
    target, draft = target.double(), draft.double()
    for place, token in enumerate(drafted.tolist()):
        ratio = target[place, token] / draft[place, token]
        if accept_uniforms[place] < ratio:
            continue
        missing = (target[place] - draft[place]).clamp(min=0)  # (V,)
        law = missing / missing.sum() if missing.sum() > 0 else target[place]
        return place, int(sample(law, resample_uniform))
    return len(drafted), int(sample(target[-1], resample_uniform))

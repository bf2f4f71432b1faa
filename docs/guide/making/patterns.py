"""Who may look at whom, as grids: encoder, decoder, prefix, cross-attention, window."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import torch
from torch import Tensor

from making.figures import Html, Picture, side_by_side

CELL = 26


def encoder(length: int) -> Tensor:
    """Everybody sees everybody."""
    return torch.ones(length, length, dtype=torch.bool)


def decoder(length: int) -> Tensor:
    """Each sees itself and what came before."""
    return encoder(length).tril()


def prefix(length: int, known: int) -> Tensor:
    """The prefix sees itself whole; what follows is causal."""
    mask = decoder(length)
    mask[:, :known] = True
    return mask


def window(length: int, size: int) -> Tensor:
    """Each sees itself and the `size` - 1 before."""
    return decoder(length) & ~encoder(length).tril(-size)


def grid(mask: Tensor, title: str, rows: Sequence[str], columns: Sequence[str]) -> Picture:
    """A mask (L, S): a filled cell where the row's word may look at the column's."""
    queries, keys = mask.shape
    left, top = 58, 72
    listed = "; ".join(
        f"{word} sees " + (", ".join(c for c, ok in zip(columns, row, strict=True) if ok) or "none")
        for word, row in zip(rows, mask.tolist(), strict=True)
    )
    width = max(left + CELL * keys + 6, 7 * len(title) + 10)
    picture = Picture(width, top + CELL * queries + 6, f"{title}. {listed}.")
    picture.text(4, 14, title, 12, "start", bold=True)
    for j, word in enumerate(columns):
        x, y = left + CELL * (j + 0.5) + 4, top - 6
        picture.pieces.append(
            f'<text font-size="11" transform="translate({x:g} {y:g}) rotate(-60)">'
            f"{escape(word)}</text>"
        )
    for i, word in enumerate(rows):
        picture.text(left - 6, top + CELL * i + 17, word, 11, "end")
        for j in range(keys):
            x, y = left + CELL * j, top + CELL * i
            may = bool(mask[i, j])
            picture.box(x, y, CELL, CELL, shade=0.45 if may else 0.0)
            picture.text(x + CELL / 2, y + 17, "✓" if may else "·", 11)
    return picture


def three(source: Sequence[str], target: Sequence[str], known: int = 0) -> Html:
    """The patterns of BERT, GPT and T5; `known` > 0 adds a prefix of that many words."""
    pictures = [
        grid(encoder(len(source)), "Encoder: BERT", source, source),
        grid(decoder(len(source)), "Decoder: GPT", source, source),
    ]
    if known:
        pictures.append(grid(prefix(len(source), known), "Prefix decoder", source, source))
    across = torch.ones(len(target), len(source), dtype=torch.bool)
    pictures += [
        grid(encoder(len(source)), "T5: encoder", source, source),
        grid(decoder(len(target)), "T5: decoder, itself", target, target),
        grid(across, "T5: decoder to encoder", target, source),
    ]
    return side_by_side(
        *pictures,
        caption="A row is a word that looks (a query), a column a word looked at (a key). "
        "A tick in a dark cell: may attend. A dot: may not.",
    )


def share(mask: Tensor) -> float:
    """Of all pairs, how many are allowed."""
    return float(mask.float().mean())

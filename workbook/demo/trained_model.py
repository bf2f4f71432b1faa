"""A small model that was really trained, and its tokens: what challenge-llama ends with.

glassllm 0.1.0 by Oséias Dias de Farias, MIT; the notice is data/glassllm.txt.
"""

from __future__ import annotations

import base64
import json
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

DATA = Path(__file__).parent / "data" / "glassllm.json"
SPECIAL = ["<pad>", "<unk>", "<bos>", "<eos>"]
UNKNOWN = 1  # the token that stands for every character it never read
SPACE = "▁"
_CHUNK = re.compile(rf"\n|{SPACE}*[^{SPACE}\n]+|{SPACE}+")


@dataclass(frozen=True)
class TrainedModel:
    """The numbers of a trained model, its sizes, and its byte pair encoding of characters."""

    config: dict[str, Any]
    weights: dict[str, Tensor]
    pieces: tuple[str, ...]
    ranks: dict[tuple[str, str], int]

    def encode(self, text: str) -> list[int]:
        """Give the ids of a text; a character that the model never read is one unknown token."""
        ids = {piece: number for number, piece in enumerate(self.pieces)}
        marked = unicodedata.normalize("NFC", text).replace(" ", SPACE)
        chunks = _CHUNK.findall(marked)
        return [ids.get(piece, UNKNOWN) for chunk in chunks for piece in self._merged(chunk)]

    def decode(self, ids: Iterable[int]) -> str:
        """Give the text of some ids."""
        return "".join(self.pieces[number] for number in ids).replace(SPACE, " ")

    def tokens_of(self, text: str) -> list[str]:
        """Give the pieces of a text, with a sign that can be seen for a space."""
        return [self.pieces[number].replace(SPACE, "␣") for number in self.encode(text)]

    def _merged(self, chunk: str) -> list[str]:
        parts = list(chunk)
        while True:
            ranks = [self.ranks.get(pair, math.inf) for pair in pairwise(parts)]
            best = min(ranks, default=math.inf)
            if best == math.inf:
                return parts
            joined, place = [], 0
            while place < len(parts):
                both = place < len(ranks) and ranks[place] == best
                joined.append("".join(parts[place : place + 1 + both]))
                place += 1 + both
            parts = joined


def glassllm() -> TrainedModel:
    """Read glassllm: 852,608 numbers in float32, matrices (in, out) as published."""
    read = json.loads(DATA.read_text(encoding="utf-8"))
    stored = np.frombuffer(base64.b64decode(read["numbers"]), dtype="<f2").astype(np.float32)
    weights, at = {}, 0
    for name, height, width in read["shapes"]:
        matrix = torch.from_numpy(stored[at : at + height * width].reshape(height, width))
        weights[name] = matrix[0] if height == 1 else matrix
        at += height * width
    merges = [(first, second) for first, second in read["merges"]]
    pieces = *SPECIAL, *read["alphabet"], *(first + second for first, second in merges)
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    return TrainedModel(read["config"], weights, pieces, ranks)

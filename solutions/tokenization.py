# Made by `workbook release` from source/06-tokenization, to be changed there.
"""Tokenization: byte pair encoding, and a table of vectors for its tokens.

Sennrich, Haddow and Birch (2016), algorithm 1; on bytes, Radford et al. (2019), section 2.2.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def pair_counts(chunks: Iterable[Sequence[int]]) -> dict[tuple[int, int], int]:
    """Count how often each pair of neighbours stands in all chunks together.

    Overlapping pairs count each: in [1, 1, 1] the pair (1, 1) stands twice. No pair reaches from
    one chunk into the next. `chunks` is read once, from its beginning to its end.
    """
    counts: dict[tuple[int, int], int] = {}
    for chunk in chunks:
        for pair in pairwise(chunk):
            counts[pair] = counts.get(pair, 0) + 1
    return counts


def merge(ids: Sequence[int], pair: tuple[int, int], new_id: int) -> list[int]:
    """Write `new_id` in the place of every occurrence of `pair`, into a new list.

    Occurrences are taken from left to right, without overlap: [1, 1, 1], (1, 1), 9 -> [9, 1].
    `ids` may be a list, a tuple or bytes; all else stays in its order.
    """
    merged = []
    place = 0
    while place < len(ids):
        if tuple(ids[place : place + 2]) == pair:
            merged.append(new_id)
            place += 2
        else:
            merged.append(ids[place])
            place += 1
    return merged


# After GPT-2's pattern, without its rule for English endings such as 's. [^\W\d_] is a letter.
PATTERN = r" ?[^\W\d_]+| ?\d+| ?[^\w\s]+| ?_+|\s+(?!\S)|\s+"


def train_bpe(text: str, vocab_size: int) -> list[tuple[int, int]]:
    """Find the merges of byte pair encoding from a text, in the order in which they are made.

    Ids 0 ... 255 are the bytes of the text in UTF-8, and merge number i makes id 256 + i. The text
    is cut into chunks by PATTERN, and no merge crosses a chunk. The most frequent pair is merged;
    of equals, the smallest. Ends early when no pair is left.
    Raises: ValueError naming `vocab_size`, when it is below 256.
    Source: Sennrich et al. 2016, algorithm 1; on bytes, Radford et al. 2019, section 2.2.
    """
    if vocab_size < 256:
        raise ValueError(f"vocab_size must be at least 256, one id a byte: got {vocab_size}")
    chunks = [list(chunk.encode("utf-8")) for chunk in re.findall(PATTERN, text)]
    merges: list[tuple[int, int]] = []
    for new_id in range(256, vocab_size):
        counts = pair_counts(chunks)
        if not counts:
            break
        # The largest count is the smallest negative one; where counts are equal, the pair decides.
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        chunks = [merge(chunk, best, new_id) for chunk in chunks]
        merges.append(best)
    return merges


class BPETokenizer:
    """Turn a text into token ids and ids into text, with merges that `train_bpe` found.

    Ids 0 ... 255 are bytes, merge number i is id 256 + i, and special tokens come after the merges.
    Attribute `vocab_size`: how many ids there are.
    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2.
    """

    def __init__(
        self, merges: Sequence[tuple[int, int]], special_tokens: Sequence[str] = ()
    ) -> None:
        self._numbers = {pair: number for number, pair in enumerate(merges)}
        self._bytes = [bytes([byte]) for byte in range(256)]
        for first, second in merges:
            self._bytes.append(self._bytes[first] + self._bytes[second])
        self._special = {token: len(self._bytes) + i for i, token in enumerate(special_tokens)}
        self._bytes += [token.encode("utf-8") for token in special_tokens]
        self.vocab_size = len(self._bytes)
        # `re` takes the first that fits at a place, so the longest stands first.
        longest_first = sorted(special_tokens, key=len, reverse=True)
        self._cut = "|".join(map(re.escape, longest_first))

    def encode(self, text: str) -> list[int]:
        """Cut out the special tokens, then join the pairs of each chunk, the lowest merge first.

        Special tokens are sought from left to right, at each place the longest that fits. What is
        between them is cut by PATTERN, and no merge crosses a chunk.
        """
        ids: list[int] = []
        # Split at a group in brackets, the parts 1, 3, 5, ... are what was split at.
        parts = re.split(f"({self._cut})", text) if self._cut else [text]
        for place, part in enumerate(parts):
            if place % 2 == 1:
                ids.append(self._special[part])
                continue
            for chunk in re.findall(PATTERN, part):
                pieces = list(chunk.encode("utf-8"))
                while known := self._numbers.keys() & set(pairwise(pieces)):
                    lowest = min(known, key=self._numbers.__getitem__)
                    pieces = merge(pieces, lowest, 256 + self._numbers[lowest])
                ids += pieces
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Put the bytes of all ids together and read them as UTF-8, with � for what is no text.

        `ids` are ints or a tensor of one dimension.
        Raises: ValueError naming `ids`, for an id that does not exist.
        """
        pieces = []
        for each in ids:
            number = int(each)
            if not 0 <= number < self.vocab_size:
                raise ValueError(f"ids holds {number}; there are ids 0 to {self.vocab_size - 1}")
            pieces.append(self._bytes[number])
        # A letter of several bytes may be spread over several tokens.
        return b"".join(pieces).decode("utf-8", errors="replace")


class TokenEmbedding(nn.Module):
    """A row of numbers for each token, and scores for all tokens by the same rows.

    Parameter `weight` (V, D), from torch's generator: normal with mean 0 and standard deviation
    0.02. There is no other parameter.
    Source: Press and Wolf 2017, "Using the Output Embedding to Improve Language Models"; GPT-2.
    """

    def __init__(self, vocab_size: int, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(vocab_size, d_model))  # (V, D)

    def forward(self, ids: Tensor) -> Tensor:
        """Look up the rows of these ids: (...,) -> (..., D)."""
        return F.embedding(ids, self.weight)  # (..., D)

    def logits(self, hidden: Tensor) -> Tensor:
        """Score every token by the dot product with its row: (..., D) -> (..., V)."""
        return hidden @ self.weight.T  # (..., V)

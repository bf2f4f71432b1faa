"""Notebook 06 by Hugging Face's `tokenizers`, Python's own text functions and `nn.Embedding`.

`tokenizers` works on letters, so a byte is written as one: chr(0x4E00 + byte), which keeps the order of
bytes, and with it the rule for ties. Its own alphabet of bytes (`ByteLevel`) would not.
"""

import re
from collections import Counter

import tokenizers
import torch
import torch.nn.functional as F
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor, nn

LETTERS = [chr(0x4E00 + byte) for byte in range(256)]
BORDER = "|"


def _in_letters(text):
    return "".join(LETTERS[byte] for byte in text.encode("utf-8"))


def _in_chunks(text):
    return BORDER.join(_in_letters(chunk) for chunk in re.findall(PATTERN, text))


def pair_counts(chunks):
    """Python's own counter of what zip puts side by side."""
    return dict(Counter(pair for chunk in chunks for pair in zip(chunk, chunk[1:])))


def merge(ids, pair, new_id):
    """Python's str.replace, each id a letter of its own beyond those that are no letters."""
    wide = 0x10000
    text = "".join(chr(wide + each) for each in ids)
    return [ord(letter) - wide for letter in text.replace("".join(chr(wide + each) for each in pair), chr(wide + new_id))]


def train_bpe(text, vocab_size):
    """What BpeTrainer learns, read from the file that it would write."""
    if vocab_size < 256:
        raise ValueError("vocab_size is below 256")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(BORDER, "removed")
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=LETTERS, min_frequency=0, show_progress=False
    )
    tokenizer.train_from_iterator([_in_chunks(text)], trainer)
    model = __import__("json").loads(tokenizer.to_str())["model"]
    return [(model["vocab"][first], model["vocab"][second]) for first, second in model["merges"]]


class BPETokenizer:
    """A Tokenizer with these merges; special tokens are its added ones."""

    def __init__(self, merges, special_tokens=()):
        pieces = list(LETTERS)
        names = []
        for first, second in merges:
            names.append((pieces[first], pieces[second]))
            pieces.append(pieces[first] + pieces[second])
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        self._tokenizer = Tokenizer(models.BPE(vocabulary, names))
        self._tokenizer.pre_tokenizer = pre_tokenizers.Split(BORDER, "removed")
        # Special tokens are sought in the text itself, before a byte becomes a letter.
        self._outer = Tokenizer(models.BPE())
        self._outer.add_special_tokens([AddedToken(each, normalized=False) for each in special_tokens])
        self._special = list(special_tokens)
        self._pieces = pieces
        self.vocab_size = len(pieces) + len(special_tokens)

    def encode(self, text):
        ids, end = [], 0
        found = self._outer.encode(text, add_special_tokens=False)
        for token, (begin, stop) in zip(found.tokens, found.offsets):
            if token in self._special and text[begin:stop] == token:
                ids += self._between(text[end:begin])
                ids.append(len(self._pieces) + self._special.index(token))
                end = stop
        return ids + self._between(text[end:])

    def _between(self, text):
        return self._tokenizer.encode(_in_chunks(text), add_special_tokens=False).ids

    def decode(self, ids):
        found = b""
        for each in map(int, ids):
            if not 0 <= each < self.vocab_size:
                raise ValueError("ids: one that does not exist")
            if each >= len(self._pieces):
                found += self._special[each - len(self._pieces)].encode()
            else:
                letters = self._tokenizer.id_to_token(each)
                found += bytes(ord(letter) - 0x4E00 for letter in letters)
        return found.decode("utf-8", errors="replace")


class TokenEmbedding(nn.Embedding):
    """torch's own table, with another beginning."""

    def reset_parameters(self):
        nn.init.normal_(self.weight, mean=0.0, std=0.02)

    def logits(self, hidden):
        return F.linear(hidden, self.weight)

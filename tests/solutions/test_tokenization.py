"""What the observations of notebook 06 do not show: whole texts, published merges, any input."""

from __future__ import annotations

import json
import re
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from autograder.observe import randn, randomise
from autograder.reading.from_scratch import messages
from autograder.reading.standing import Cell
from solutions.tokenization import (
    PATTERN,
    BPETokenizer,
    TokenEmbedding,
    merge,
    pair_counts,
    train_bpe,
)
from tests import harness
from tests.solutions.oracles import Case, assert_agree

NAME = "06-tokenization"
agree = partial(assert_agree, NAME)
few = settings(deadline=None, max_examples=40)

Pair = tuple[int, int]
# Texts with ties, runs, blanks, letters of several bytes, signs and underscores.
texts = st.text(alphabet="aab \n.é🙂1_", max_size=40)
special = st.lists(st.text("ab<>|.", min_size=1, max_size=3), max_size=3, unique=True)
pieces = st.lists(st.integers(0, 3), max_size=12)


def alice() -> str:
    """The text that comes with the notebook."""
    (cell,) = [each for each in harness.notebook(NAME).cells if each.id == "alice"]
    names: dict[str, str] = {}
    exec(cell.source, names)
    return names["ALICE"]


# A byte as a letter that keeps the order of bytes, and so the rule for ties; the library's own
# alphabet of bytes does not.
LETTERS = [chr(0x4E00 + byte) for byte in range(256)]


def in_letters(text: str) -> str:
    """The text as the library reads it here, with a border between two chunks."""
    chunks = (chunk.encode("utf-8") for chunk in re.findall(PATTERN, text))
    return "|".join("".join(LETTERS[byte] for byte in chunk) for chunk in chunks)


def of_the_library(text: str, vocab_size: int) -> tuple[list[Pair], Tokenizer]:
    """The merges that Hugging Face's trainer finds, and its tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split("|", "removed")
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=LETTERS, min_frequency=0, show_progress=False
    )
    tokenizer.train_from_iterator([in_letters(text)], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    ids = model["vocab"]
    return [(ids[first], ids[second]) for first, second in model["merges"]], tokenizer


def expanded(merges: list[Pair]) -> list[bytes]:
    table = [bytes([byte]) for byte in range(256)]
    for first, second in merges:
        table.append(table[first] + table[second])
    return table


@cache
def two_hundred() -> list[Pair]:
    return train_bpe(alice(), 456)


def test_two_hundred_merges_of_the_text_are_the_librarys() -> None:
    """And so are the ids of the whole text."""
    merges, tokenizer = of_the_library(alice(), 456)

    assert two_hundred() == merges
    assert len(merges) == 200
    found = BPETokenizer(merges).encode(alice())
    assert found == tokenizer.encode(in_letters(alice())).ids
    assert BPETokenizer(merges).decode(found) == alice()


@few
@given(texts, st.integers(256, 275))
def test_any_text_is_learned_as_by_the_library(text: str, vocab_size: int) -> None:
    """Where no two merges make the same bytes: to the library these are one token."""
    merges = train_bpe(text, vocab_size)
    table = expanded(merges)
    assume(len(set(table)) == len(table))

    assert merges == of_the_library(text, vocab_size)[0]


@pytest.mark.parametrize(
    ("text", "published"),
    [
        # Hugging Face's course, chapter 6, "Byte-Pair Encoding tokenization".
        (
            "\n".join(["hug"] * 10 + ["pug"] * 5 + ["pun"] * 12 + ["bun"] * 4 + ["hugs"] * 5),
            [b"ug", b"un", b"hug"],
        ),
        # Wikipedia, "Byte-pair encoding", after Gage.
        ("aaabdaaabac", [b"aa", b"ab", b"aaab"]),
        # The table of section 2 of the notebook, and the round that it asks for.
        ("low lower lowest", [b"lo", b"low", b" low", b" lowe", b"st"]),
    ],
)
def test_published_merges(text: str, published: list[bytes]) -> None:
    """What others print, with the words apart."""
    merges = train_bpe(text, 256 + len(published))

    assert expanded(merges)[256:] == published


@few
@given(st.text(max_size=60))
def test_the_chunks_are_the_text(text: str) -> None:
    """Nothing is lost by PATTERN, in any script, and it has no groups."""
    assert "".join(re.findall(PATTERN, text)) == text
    assert re.compile(PATTERN).groups == 0


@pytest.mark.parametrize("text", ["low  lower\n\n lowest, 12 cats!  ", "\n\nx  \n y", " a1b ..é"])
def test_pattern_is_gpt2s(text: str) -> None:
    """Without English endings and underscores, the chunks are those of GPT-2's own pattern."""
    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
    borders = [text[begin:end] for _, (begin, end) in gpt2.pre_tokenize_str(text)]

    assert re.findall(PATTERN, text) == borders


@few
@given(st.text(max_size=40), special)
def test_any_text_comes_back(text: str, tokens: list[str]) -> None:
    """Whatever the merges and the special tokens."""
    tokenizer = BPETokenizer(two_hundred(), tokens)

    ids = tokenizer.encode(text)

    assert tokenizer.decode(ids) == text
    assert all(0 <= each < tokenizer.vocab_size for each in ids)


@few
@given(texts, special, texts)
def test_encoding_is_the_librarys(text: str, tokens: list[str], learned: str) -> None:
    """Its added tokens are the leftmost and longest too."""
    merges = train_bpe(learned, 266)
    assume(len({*expanded(merges)}) == 256 + len(merges))

    agree(lambda my: my.BPETokenizer(merges, tokens).encode("<a>".join([text, *tokens, text])))


@few
@given(st.lists(pieces, max_size=5))
def test_counts_are_those_of_every_place(chunks: list[list[int]]) -> None:
    """As many pairs as places at which one begins."""
    agree(lambda my: dict(my.pair_counts(chunks)))
    assert sum(pair_counts(chunks).values()) == sum(max(len(each) - 1, 0) for each in chunks)


@few
@given(pieces, st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_merging_is_replacing_text(ids: list[int], pair: Pair) -> None:
    """And what is put back gives what was there."""
    agree(lambda my: my.merge(ids, pair, 256))
    merged = merge(ids, pair, 256)
    assert [each for new in merged for each in (pair if new == 256 else (new,))] == ids


def of_table(my: SimpleNamespace) -> list[Any]:
    module = randomise(my.TokenEmbedding(11, 6))
    return [module(torch.tensor([[3, 0], [10, 3]])), module.logits(randn(2, 5, 6).transpose(0, 1))]


CASES: dict[str, Case] = {
    "rows and scores": of_table,
    "ids of an expanded tensor": lambda my: randomise(my.TokenEmbedding(5, 3))(
        torch.tensor([1, 4]).expand(3, 2)
    ),
    "half a letter, and a special token in it": lambda my: my.BPETokenizer([], ["<x>"]).decode(
        [195, 256, 169]
    ),
    "a special token of several bytes": lambda my: my.BPETokenizer([], ["é"]).encode("éà"),
}


@pytest.mark.parametrize("case", CASES)
def test_more_inputs(case: str) -> None:
    agree(CASES[case])


@pytest.mark.parametrize("bad", [-1, -300, 259, 10**6])
def test_ids_that_do_not_exist_are_refused(bad: int) -> None:
    agree(lambda my: my.BPETokenizer([(97, 98), (256, 99)], ["<x>"]).decode([97, bad]), "ids")
    assert BPETokenizer([(97, 98), (256, 99)], ["<x>"]).decode([258]) == "<x>"


@pytest.mark.parametrize("size", [255, 0, -1])
def test_vocabularies_without_room_are_refused(size: int) -> None:
    agree(lambda my: my.train_bpe("low", size), "vocab_size")


def test_gradients_agree_with_differences() -> None:
    module = TokenEmbedding(5, 3).double()
    hidden = randn(2, 3, dtype=torch.float64, requires_grad=True)
    ids = torch.tensor([4, 0, 4])
    assert torch.autograd.gradcheck(lambda h, _: module.logits(h), (hidden, module.weight))
    assert torch.autograd.gradcheck(lambda _: module(ids), (module.weight,))


def test_numbers_in_the_text_of_the_notebook() -> None:
    """What it says of the text, and of the two orders of section 4."""
    merges = two_hundred()
    assert expanded(merges)[256:258] == [b"he", b" t"]
    starts = [
        chunk[1].lower() for chunk in re.findall(PATTERN, alice()) if re.match(" [A-z]", chunk)
    ]
    assert max(set(starts), key=starts.count) == "t"
    assert expanded([(98, 99), (97, 98), (257, 99)])[258] == b"abc"


@pytest.mark.parametrize(
    "line",
    [
        "import tiktoken\nENCODING = tiktoken.get_encoding('gpt2')",
        "from tokenizers import Tokenizer as ENCODING",
        "import transformers\nENCODING = transformers.AutoTokenizer",
    ],
)
def test_a_library_that_tokenizes_is_refused(line: str) -> None:
    """The definition that uses it earns nothing, whether it is installed or not."""
    cell = harness.test_cells(NAME)["test-BPETokenizer"]
    uses = "class BPETokenizer:\n    def encode(self, text):\n        return ENCODING(text)\n"

    said = messages([Cell(line), Cell(uses)], {"BPETokenizer": harness.forbidden(NAME, cell)})

    assert "which is to be built here, not called" in said["BPETokenizer"]

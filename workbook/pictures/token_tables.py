"""What a byte-pair tokenizer makes of a text, as tables: pieces joined step by step, and tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from workbook.result_table import Marked, Piece, Table, Words

BYTES = 256
MOST_TOKENS = 40

Pair = tuple[int, int]


def show_merges(word: str, merges: Sequence[Pair]) -> Table:
    """Show how the pieces of a word are joined, a row for each merge that changes it.

    `merges` are pairs of ids, and pair number i makes id 256 + i. The lowest merge goes first.
    """
    pieces = list(word.encode("utf-8"))
    known, ranks = _bytes_of(merges), {tuple(pair): i for i, pair in reversed([*enumerate(merges)])}
    rows: list[list[Words]] = [["the bytes", "", _in_a_row(pieces, known), len(pieces)]]
    while joined := {pair: ranks[pair] for pair in pairwise(pieces) if pair in ranks}:
        pair = min(joined, key=joined.__getitem__)
        made = BYTES + joined[pair]
        pieces = _joined(pieces, pair, made)
        rows.append(
            [
                f"merge {joined[pair]}",
                f"({pair[0]}, {pair[1]}) is {made}",
                _in_a_row(pieces, known),
                len(pieces),
            ]
        )
    below = [] if len(rows) > 1 else ["No merge joins any two of its bytes."]
    return Table(
        ["The merges of ", Marked(repr(word), "code"), ", one after another"],
        ["step", "what it joins", "pieces", "how many"],
        rows,
        below,
    )


def show_tokens(
    ids: Iterable[int], merges: Sequence[Pair], special_tokens: Sequence[str] = ()
) -> Table:
    """Show the tokens of a text beside their bytes, a row for each id.

    `merges` are pairs of ids, and pair number i makes id 256 + i; special tokens come after them.
    """
    numbers = [int(each) for each in ids]
    known = _bytes_of(merges)
    known |= {BYTES + len(merges) + i: each.encode() for i, each in enumerate(special_tokens)}
    rows: list[list[Words]] = [
        [Marked(_text(each, known), "code"), each, _numbers(each, known)]
        for each in numbers[:MOST_TOKENS]
    ]
    size = sum(len(known.get(each, b"")) for each in numbers)
    below = [f"{_many(size, 'byte')} in {_many(len(numbers), 'token')}."]
    if len(numbers) > MOST_TOKENS:
        below.insert(0, f"Only the first {MOST_TOKENS} of {len(numbers)} tokens are shown.")
    if not set(numbers) <= known.keys():
        below.append("A question mark stands for an id that these merges do not make.")
    return Table("Tokens and their bytes", ["token", "id", "bytes"], rows, below)


def _bytes_of(merges: Sequence[Pair]) -> dict[int, bytes]:
    """The bytes of each id; a merge of what there is not yet has none."""
    known = {number: bytes([number]) for number in range(BYTES)}
    for new, (first, second) in enumerate(merges, BYTES):
        if first in known and second in known:
            known[new] = known[first] + known[second]
    return known


def _joined(pieces: list[int], pair: Pair, made: int) -> list[int]:
    found: list[int] = []
    waiting = iter([*pairwise([*pieces, -1])])
    for each in waiting:
        found.append(made if each == pair else each[0])
        if each == pair:
            next(waiting, None)
    return found


def _text(number: int, known: Mapping[int, bytes]) -> str:
    """A token as Python writes it, in quotes, so that a space can be seen; else its bytes."""
    if number not in known:
        return "?"
    try:
        return repr(known[number].decode("utf-8"))
    except UnicodeDecodeError:
        return repr(known[number])


def _numbers(number: int, known: Mapping[int, bytes]) -> str:
    return " ".join(map(str, known.get(number, b"")))


def _in_a_row(pieces: Sequence[int], known: Mapping[int, bytes]) -> list[Piece]:
    row: list[Piece] = []
    for each in pieces:
        row += [*([" "] if row else []), Marked(_text(each, known), "code")]
    return row


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"

"""The pictures of the first pages."""

from __future__ import annotations

from collections.abc import Sequence

from making.figures import Picture


def pipeline(
    words: Sequence[str], ids: Sequence[int], likely: Sequence[tuple[str, float]]
) -> Picture:
    """From words to the probabilities of the next one, from the top to the bottom."""
    said = ", ".join(f"{word} {share:.0%}" for word, share in likely)
    picture = Picture(
        340,
        376,
        f"From top to bottom: the words {' '.join(words)}; their ids; a vector for each; several "
        f"blocks, in which the vectors look at each other; and for the next word the shares "
        f"{said}.",
    )
    step = 340 / len(words)
    for place, (word, number) in enumerate(zip(words, ids, strict=True)):
        x = place * step + step / 2
        picture.text(x, 16, word, 14, bold=True)
        picture.arrow((x, 22), (x, 44))
        picture.text(x, 58, f"id {number}", 12)
        picture.arrow((x, 64), (x, 86))
        picture.box(x - 42, 88, 84, 26, "vector")
        picture.arrow((x, 114), (x, 138))
        picture.arrow((x, 236), (x, 260))
        picture.box(x - 42, 262, 84, 26, "vector")
    picture.box(8, 140, 324, 96)
    picture.text(170, 162, "block, several times over", 13, bold=True)
    picture.text(170, 186, "attention: look at the other words", 12)
    picture.text(170, 206, "feed-forward: think about what was seen", 12)
    picture.text(170, 226, "each adds to the vector", 11)
    x = 340 - step / 2
    picture.arrow((x, 288), (x, 312))
    picture.text(340, 328, "the next word:", 12, "end", bold=True)
    picture.text(340, 346, said.split(", ", 1)[0], 12, "end")
    picture.text(340, 364, said.split(", ", 1)[1], 12, "end")
    return picture


def recurrent_and_attention(length: int) -> tuple[Picture, Picture]:
    """How the first word reaches the last: step by step, and at once."""
    pictures = []
    for chained, title in ((True, "one after another"), (False, "attention")):
        steps = length - 1 if chained else 1
        height = 40 if chained else 110
        picture = Picture(
            300,
            height,
            f"{title}: from the first of {length} words to the last in {steps} "
            f"{'steps' if steps > 1 else 'step'}",
            f"{title}: {steps} {'steps' if steps > 1 else 'step'} from first to last",
        )
        gap = 300 / length
        for place in range(length):
            x = place * gap + gap / 2
            picture.box(x - 13, height - 34, 26, 26, str(place + 1))
            if chained and place:
                picture.arrow((x - gap + 13, height - 21), (x - 13, height - 21))
            if not chained and place < length - 1:
                end = 300 - gap / 2
                lift = 60 - 9 * (length - 1 - place)
                picture.arrow((x, 76), (x, lift), (end, lift), (end, 76))
        pictures.append(picture)
    return pictures[0], pictures[1]

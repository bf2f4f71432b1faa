"""Which architecture for which task: one tree, as a picture and as a nested list."""

from __future__ import annotations

from dataclasses import dataclass

from making.figures import Html, Picture


@dataclass(frozen=True)
class Question:
    """A question with what follows from yes; from no the next question follows."""

    asks: str
    answer: str
    because: str


QUESTIONS = (
    Question(
        "Is a vector or a label wanted, no text?",
        "encoder",
        "every word sees both sides, and one pass is enough: search, classification, tagging",
    ),
    Question(
        "Is the output a rewriting of a given text, and can you train for it?",
        "encoder-decoder",
        "the source is read once with both sides in view: translation, transcription, summaries",
    ),
    Question(
        "Is it to follow instructions, go on with a text, or do tasks that nobody trained it for?",
        "decoder",
        "one model writes everything, and the task is part of the text",
    ),
)
OTHERWISE = "start with the smallest model that has been trained for something like it, and measure"


def _lines(words: str, width: int = 34) -> list[str]:
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def tree() -> Picture:
    """The questions under each other, each with its way out to the right."""
    says = "Decision tree. " + " ".join(
        f"{question.asks} Yes: {question.answer}. No: next." for question in QUESTIONS
    )
    picture = Picture(344, 10, says + f" Otherwise: {OTHERWISE}.")
    y = 6.0
    for question in QUESTIONS:
        lines = _lines(question.asks, 26)
        height = 16 * len(lines) + 14
        picture.box(4, y, 180, height)
        for i, line in enumerate(lines):
            picture.text(14, y + 20 + 16 * i, line, 12, "start")
        middle = y + height / 2
        picture.arrow((184, middle), (216, middle))
        picture.text(198, middle - 5, "yes", 11)
        picture.box(216, middle - 14, 124, 28, question.answer, shade=0.16)
        picture.arrow((94, y + height), (94, y + height + 30), label="no")
        y += height + 30
    lines = _lines(OTHERWISE, 44)
    picture.box(4, y, 290, 16 * len(lines) + 14, dashed=True, shade=0.0)
    for i, line in enumerate(lines):
        picture.text(14, y + 20 + 16 * i, line, 12, "start")
    picture.height = int(y + 16 * len(lines) + 22)
    return picture


def nested() -> Html:
    """The same tree as a list in a list."""
    inside = f"<ul><li>{OTHERWISE}</li></ul>"
    for question in reversed(QUESTIONS):
        inside = (
            f"<ul><li>{question.asks}<ul><li>yes: <b>{question.answer}</b>. "
            f"{question.because[0].upper()}{question.because[1:]}.</li>"
            f"<li>no: {inside}</li></ul></li></ul>"
        )
    return Html(inside)

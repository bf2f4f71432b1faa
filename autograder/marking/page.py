"""One question's page: all answers with the question, the rubric and the model answer."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from autograder.feedback.markdown import rendered
from autograder.feedback.templates import templates
from autograder.marking.answers import AnswerToMark
from autograder.marking.questions import WrittenQuestion
from autograder.verdict.standing import cents

HERE = Path(__file__).parent


def page(
    title: str,
    questions: Sequence[WrittenQuestion],
    question: WrittenQuestion,
    answers: Sequence[AnswerToMark],
    xsrf: str,
    anonymous_by: bytes | None = None,
) -> str:
    """The page of one of the `questions`; `answers` are those to all of them.

    With `anonymous_by`, a secret, no name is on it, and the order is by that instead of the names.
    """
    own = [each for each in answers if each.question == question.name]
    if anonymous_by is not None:
        own.sort(key=lambda each: _place(anonymous_by, each))
    shown: str = _template().render(
        title=title,
        question=question,
        xsrf=xsrf,
        points=own[0].points if own else 0,
        left={each.name: count_left(answers, each.name) for each in questions},
        asked=Markup(rendered(question.asked, question.asked_pictures)),
        rubric=Markup(rendered(question.rubric)),
        model=Markup(rendered(question.model, question.model_pictures)),
        answers=[
            _shown(each, f"Answer {number}" if anonymous_by is not None else _whose(each))
            for number, each in enumerate(own, 1)
        ],
    )
    return shown


def count_left(answers: Sequence[AnswerToMark], question: str) -> int:
    """How many answers to a question wait for a person."""
    return sum(each.marks.waits for each in answers if each.question == question)


def state(answer: AnswerToMark) -> str:
    """How an answer stands, in words."""
    marks, of = answer.marks, f"of {cents(answer.points):g} points"
    extra = f", and {cents(marks.extra):g} extra" if marks.extra else ""
    if marks.is_stale:
        return f"It changed after it was marked: {cents(marks.manual or 0):g} {of}{extra}"
    if marks.waits:
        return "Not marked yet"
    if marks.manual is None:
        return f"Left as it was released: {cents(marks.auto or 0):g} {of}{extra}"
    return f"Marked: {cents(marks.manual):g} {of}{extra}"


def points_typed(answer: AnswerToMark) -> str:
    """What stands in the field for points."""
    return "" if answer.marks.manual is None else f"{cents(answer.marks.manual):g}"


def _place(secret: bytes, answer: AnswerToMark) -> bytes:
    return hmac.new(secret, answer.student.encode(), hashlib.sha256).digest()


def _whose(answer: AnswerToMark) -> str:
    return f"{answer.name} ({answer.student})" if answer.name else answer.student


def _shown(answer: AnswerToMark, called: str) -> dict[str, Any]:
    written = answer.written()
    return {
        "id": answer.id,
        "called": called,
        "state": state(answer),
        "waits": answer.marks.waits,
        "points": points_typed(answer),
        "comment": answer.marks.comment or "",
        "marks": answer.marks.digest,
        "text": written.digest,
        "html": None
        if written.text is None
        else Markup(rendered(written.text, written.pictures, links=False)),
    }


@cache
def _template() -> Any:
    return templates(HERE).get_template("mark.html.j2")

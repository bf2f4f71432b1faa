"""The command line with short limits, for submissions that do not end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autograder.cli import main
from autograder.grading import run
from autograder.reference.answer_key import AnswerKey, answer_key
from autograder.sandbox import Limits

SHORT = Limits(cell_seconds=2, notebook_seconds=7)


def short(*arguments: Any) -> AnswerKey:
    """The answer key, by which a submission is stopped early; the reference has all its time."""
    return replace(answer_key(*arguments), limits=SHORT)


if __name__ == "__main__":
    run.answer_key = short
    main()

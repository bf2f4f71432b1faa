"""The command line with short limits, for submissions that do not end."""

from __future__ import annotations

from dataclasses import replace

from autograder.cli import main
from autograder.grading import workers
from autograder.grading.grade import grade
from autograder.reference.answer_key import AnswerKey
from autograder.sandbox import Limits, client
from autograder.submission.handed_in import HandedIn
from autograder.verdict.result import Graded
from tests.hostile import every

SHORT = Limits(cell_seconds=1, notebook_seconds=3)
STOP_SECONDS = 2.0
# Of one that comes to its end by itself or by the limit of a cell, on a machine that is busy.
ENDING = replace(SHORT, notebook_seconds=90)
ENDLESS = {one.who for one in every() if one.racing or one.reason == "it ran out of time"}


def shortly(key: AnswerKey, handed_in: HandedIn) -> Graded:
    """Grade a submission by limits as short as it needs them."""
    limits = SHORT if handed_in.student in ENDLESS else ENDING
    return grade(replace(key, limits=limits), handed_in)


def shortened() -> None:
    """Entry point of the command line, in a process of its own."""
    client.STOP_SECONDS = STOP_SECONDS  # type: ignore[assignment]
    workers.grade = shortly  # type: ignore[assignment]
    main()


if __name__ == "__main__":
    shortened()

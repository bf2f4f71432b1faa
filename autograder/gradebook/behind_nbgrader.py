"""What nbgrader's own autograde would write otherwise: times that it misreads, marks that it drops.

Its steps open a gradebook each, so these do, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder.gradebook.entry import answers_of
from autograder.gradebook.gradings import (
    Grading,
    create_gradings,
    read_grading,
    write_grading,
)
from autograder.gradebook.penalties import clock_of
from autograder.gradebook.scores import settle_marks
from autograder.submission.handed_in import read_timestamp
from autograder.submission.submitted_at import submitted_at


def correct_time(config: Any, about: Mapping[str, Any], folder: Path) -> str | None:
    """Write when the work in a folder was handed in, or say why nobody knows.

    nbgrader takes a zone that it does not know for UTC, and a time that is not there any more for
    the one before.
    """
    at = submitted_at(read_timestamp(folder), clock_of(config))
    with Gradebook(about["db_url"]) as gradebook:
        gradebook.update_or_create_submission(
            about["assignment"], about["student"], timestamp=at.time
        )
    return at.problem


@contextmanager
def marks_kept(about: Mapping[str, Any], cells: Sequence[NotebookNode]) -> Iterator[None]:
    """While nbgrader writes its scores: afterwards only what changed is to be marked again."""
    name, student = about["assignment"], about["student"]
    with Gradebook(about["db_url"]) as gradebook:
        create_gradings(gradebook.engine)
        before = read_grading(gradebook.db, student, name)
        notebook = gradebook.find_submission_notebook(about["notebook"], name, student)
        waiting = {grade.name for grade in notebook.grades if grade.needs_manual_grade}
    yield
    answers = answers_of(cells)
    with Gradebook(about["db_url"]) as gradebook:
        notebook = gradebook.find_submission_notebook(about["notebook"], name, student)
        known = before or Grading()
        again = settle_marks(gradebook, notebook, answers, known, waiting)
        write_grading(gradebook.db, student, name, Grading(known.parts, answers, again))
        gradebook.db.commit()

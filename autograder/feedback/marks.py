"""The points that count today: who marks an answer has to grade nothing again for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from autograder.gradebook.penalties import penalty_today
from autograder.gradebook.scores import standing_of
from autograder.verdict.standing import GradebookStanding


def todays_standing(about: Mapping[str, Any], config: Any) -> GradebookStanding | None:
    """How the submission stands that nbgrader makes a page of; None where it is in no gradebook.

    What being late costs is worked out anew, by the course's `config`.
    """
    if not about.get("db_url"):
        return None
    whose = [str(about.get(name)) for name in ("notebook", "assignment", "student")]
    with Gradebook(str(about["db_url"])) as gradebook:
        try:
            notebook = gradebook.find_submission_notebook(*whose)
            penalty = penalty_today(config, notebook)
            return replace(standing_of(gradebook, notebook), penalty=penalty)
        except MissingEntry:
            return None

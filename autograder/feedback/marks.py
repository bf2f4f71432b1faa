"""The points that count today: who marks an answer has to grade nothing again for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from autograder.gradebook.scores import standing_of
from autograder.verdict.standing import GradebookStanding


def todays_standing(about: Mapping[str, Any]) -> GradebookStanding | None:
    """How the submission stands that nbgrader makes a page of; None where it is in no gradebook."""
    if not about.get("db_url"):
        return None
    whose = [str(about.get(name)) for name in ("notebook", "assignment", "student")]
    with Gradebook(str(about["db_url"])) as gradebook:
        try:
            return standing_of(gradebook, gradebook.find_submission_notebook(*whose))
        except MissingEntry:
            return None

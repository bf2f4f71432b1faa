"""The points that count today: who marks an answer has to grade nothing again for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from autograder.gradebook.penalties import PenaltiesToday
from autograder.gradebook.scores import standing_of
from autograder.verdict.standing import GradebookStanding, duration


@dataclass(frozen=True)
class Today:
    """How a submission stands today, and until when it had to be handed in.

    `more` is the time that this student was given beyond the others; both are None without one.
    """

    standing: GradebookStanding
    due: datetime | None = None
    more: timedelta | None = None

    @property
    def deadline(self) -> str:
        """Until when it had to be handed in, and when it was, in a sentence; empty without both."""
        said = ""
        if self.due is not None:
            until = self.due + (self.more or timedelta())
            said = f"It was due {until:%Y-%m-%d %H:%M} UTC"
            if self.more:
                said += f", with {duration(self.more.total_seconds())} more for you"
        at = self.standing.submitted
        if at is not None:
            said += f"{'; h' if said else 'H'}anded in {at:%Y-%m-%d %H:%M} UTC"
            said += f", {late} late" if (late := self.standing.lateness) else ""
        return f"{said}." if said else ""


def today(about: Mapping[str, Any], config: Any) -> Today | None:
    """How the submission stands that nbgrader makes a page of; None where it is in no gradebook.

    What being late costs is worked out anew, by the course's `config`.
    """
    if not about.get("db_url"):
        return None
    whose = [str(about.get(name)) for name in ("notebook", "assignment", "student")]
    with Gradebook(str(about["db_url"])) as gradebook:
        try:
            notebook = gradebook.find_submission_notebook(*whose)
        except MissingEntry:
            return None
        penalty = PenaltiesToday(config).of(notebook)
        standing = replace(standing_of(gradebook, notebook), penalty=penalty)
        submission = notebook.assignment
        return Today(standing, submission.assignment.duedate, submission.extension)

"""What being late costs, by the plugin that the course's configuration names."""

from __future__ import annotations

from typing import Any

from nbgrader.api import Gradebook, SubmittedNotebook
from nbgrader.preprocessors import AssignLatePenalties

from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.submission.submitted_at import NBGRADERS, Clock


def clock_of(config: Any) -> Clock:
    """How the course writes the times of its submissions."""
    settings = config.Exchange
    return Clock(settings.get("timezone", "UTC"), settings.get("timestamp_format", NBGRADERS))


class Penalties:
    """nbgrader's late plugin.

    Raises: CourseError, when it cannot be used.
    """

    def __init__(self, course: Course) -> None:
        try:
            self._nbgraders = AssignLatePenalties(config=course.config)
            self._nbgraders.init_plugin()
        except Exception as error:
            named = course.config.AssignLatePenalties.get("plugin_class")
            raise CourseError(
                f"{course.root / CONFIG} names the late plugin {named!r}, which cannot be used "
                f"({type(error).__name__}: {error}); it is expected in a module beside that file, "
                "or installed"
            ) from error

    def write(self, gradebook: Gradebook, notebook: SubmittedNotebook, is_graded: bool) -> None:
        """Write the penalty of a submission whose scores are written; none where it has none."""
        notebook.late_submission_penalty = None
        gradebook.db.flush()
        late = notebook.assignment.total_seconds_late
        if late > 0 and is_graded:
            gradebook.db.refresh(notebook)
            plugin = self._nbgraders.plugin_inst
            penalty = plugin.late_submission_penalty(notebook.student.id, notebook.score, late)
            if penalty is not None:
                penalty = self._nbgraders._check_late_penalty(notebook, penalty)
                notebook.late_submission_penalty = penalty

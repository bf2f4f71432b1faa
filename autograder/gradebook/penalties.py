"""What being late costs, by the plugin that the course's configuration names."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.preprocessors import AssignLatePenalties

from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.gradebook.gradings import gradebook_errors, is_unmade
from autograder.gradebook.one_writer import OneWriter
from autograder.submission.submitted_at import NBGRADERS, Clock
from autograder.verdict.standing import cents

_log = logging.getLogger(__name__)


def clock_of(config: Any) -> Clock:
    """How the course writes the times of its submissions."""
    settings = config.Exchange
    return Clock(settings.get("timezone", "UTC"), settings.get("timestamp_format", NBGRADERS))


class Penalties:
    """nbgrader's late plugin.

    Raises: CourseError, when it cannot be used.
    """

    def __init__(self, config: Any) -> None:
        try:
            self._nbgraders = AssignLatePenalties(config=config)
            self._nbgraders.init_plugin()
        except Exception as error:
            named = config.AssignLatePenalties.get("plugin_class")
            file = Path(str(config.CourseDirectory.get("root") or ""), CONFIG)
            raise CourseError(
                f"{file} names the late plugin {named!r}, which cannot be used "
                f"({type(error).__name__}: {error}); it is expected in a module beside that file, "
                "or installed"
            ) from error

    def of(self, notebook: SubmittedNotebook) -> float | None:
        """The penalty of a submission by its marks; None where it has none or no marks."""
        late = notebook.assignment.total_seconds_late
        given = [g for g in notebook.grades if (g.auto_score, g.manual_score) != (None, None)]
        if late <= 0 or not given:
            return None
        plugin = self._nbgraders.plugin_inst
        penalty = plugin.late_submission_penalty(notebook.student.id, notebook.score, late)
        return None if penalty is None else self._nbgraders._check_late_penalty(notebook, penalty)

    def write(self, gradebook: Gradebook, notebook: SubmittedNotebook) -> None:
        """Write the penalty of a submission whose scores are written; none where it has none."""
        notebook.late_submission_penalty = None
        gradebook.db.flush()
        if notebook.assignment.total_seconds_late > 0:
            gradebook.db.refresh(notebook)
            notebook.late_submission_penalty = self.of(notebook)


class PenaltiesToday:
    """What being late costs by today's marks; as recorded, where the plugin cannot be used."""

    def __init__(self, config: Any) -> None:
        self._config = config

    @cached_property
    def _penalties(self) -> Penalties | None:
        try:
            return Penalties(self._config)
        except CourseError as error:
            _log.warning("%s", error)
            return None

    def of(self, notebook: SubmittedNotebook) -> float:
        """The points that one notebook loses, 0 where it loses none."""
        if self._penalties is None:
            return float(notebook.late_submission_penalty or 0.0)
        return float(self._penalties.of(notebook) or 0.0)

    def points_of(self, submission: SubmittedAssignment) -> tuple[float, float]:
        """What a submission is worth after its penalty, and the penalty, both to the cent."""
        penalty = sum(self.of(notebook) for notebook in submission.notebooks)
        return cents(max(0.0, float(submission.score or 0.0) - penalty)), cents(penalty)


def settle_penalties(course: Course) -> list[str]:
    """Write the penalties by today's marks, and return of which students one changed.

    Raises: CourseError, when the gradebook or the plugin cannot be used.
    """
    if is_unmade(course.db_url):
        return []
    penalties = Penalties(course.config)
    changed = []
    with (
        gradebook_errors(course.db_url),
        OneWriter(course.db_url) as one_writer,
        one_writer.writing(),
        Gradebook(course.db_url, course.course_id) as gradebook,
    ):
        for assignment in gradebook.assignments:
            for submission in assignment.submissions if assignment.duedate else ():
                for notebook in submission.notebooks:
                    penalty = penalties.of(notebook)
                    if penalty != notebook.late_submission_penalty:
                        notebook.late_submission_penalty = penalty
                        changed.append(str(submission.student.id))
        gradebook.db.commit()
    return changed

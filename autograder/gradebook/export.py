"""The class's scores as a table for other programs: `nbgrader export`."""

from __future__ import annotations

import csv
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin

from autograder.gradebook.harmless import harmless
from autograder.gradebook.penalties import PenaltiesToday
from autograder.verdict.standing import cents

COLUMNS = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)


class CsvExport(ExportPlugin):  # type: ignore[misc]
    """nbgrader's own table, with points to the cent, and names quoted that hold a comma.

    A name that a spreadsheet would take for a formula has a `'` in front. What being
    late costs is by the marks of today.
    """

    def export(self, gradebook: Gradebook) -> None:
        """Write a line for each student and assignment; who handed in nothing has no points."""
        wanted = {str(name) for name in self.assignment}, {str(name) for name in self.student}
        today = PenaltiesToday(self.config)
        with open(self.to or "grades.csv", "w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            for assignment in gradebook.assignments:
                for student in gradebook.students:
                    row = (assignment.name, student.id)
                    if all(not names or row[n] in names for n, names in enumerate(wanted)):
                        table.writerow(_line(today, gradebook, assignment, student))


def _line(
    today: PenaltiesToday, gradebook: Gradebook, assignment: Any, student: Any
) -> dict[str, Any]:
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        timestamp, raw, points, penalty = None, 0.0, 0.0, 0.0
    else:
        timestamp, raw = submission.timestamp, submission.score
        points, penalty = today.points_of(submission)
    return {
        "assignment": harmless(assignment.name),
        "duedate": assignment.duedate,
        "timestamp": timestamp,
        "student_id": harmless(student.id),
        "last_name": harmless(student.last_name),
        "first_name": harmless(student.first_name),
        "email": harmless(student.email),
        "raw_score": cents(raw),
        "late_submission_penalty": penalty,
        "score": points,
        "max_score": cents(assignment.max_score),
    }

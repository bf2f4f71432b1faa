"""All that a gradebook holds, as plain data, to compare two of them."""

from __future__ import annotations

from typing import Any

from nbgrader.api import Gradebook
from sqlalchemy import inspect

COURSE = "transformer-workbook"
# What every gradebook makes up anew, and the references to it.
RANDOM = {"id", "assignment_id", "notebook_id", "cell_id"}


def columns(row: Any) -> dict[str, Any]:
    """A row's columns and computed scores; a value's type counts as well."""
    keys = {attribute.key for attribute in inspect(row).mapper.column_attrs} - RANDOM
    return {key: (type(getattr(row, key)), getattr(row, key)) for key in keys}


def contents(url: str) -> dict[str, Any]:
    """Students, assignments with their cells, submissions with their scores and comments."""
    with Gradebook(url, COURSE) as gradebook:
        return {
            "students": {row.id: columns(row) for row in gradebook.students},
            "assignments": {row.name: _assignment(row) for row in gradebook.assignments},
            "submissions": {
                (row.assignment.name, row.student.id): _submission(row)
                for assignment in gradebook.assignments
                for row in assignment.submissions
            },
        }


def _assignment(assignment: Any) -> dict[str, Any]:
    return {
        **columns(assignment),
        "notebooks": {
            notebook.name: {
                **columns(notebook),
                **{
                    kind: {cell.name: columns(cell) for cell in getattr(notebook, kind)}
                    for kind in ("grade_cells", "solution_cells", "task_cells", "source_cells")
                },
            }
            for notebook in assignment.notebooks
        },
    }


def _submission(submission: Any) -> dict[str, Any]:
    return {
        **columns(submission),
        "seconds late": submission.total_seconds_late,
        "notebooks": {
            notebook.name: {
                **columns(notebook),
                "grades": {grade.name: columns(grade) for grade in notebook.grades},
                "comments": {comment.name: columns(comment) for comment in notebook.comments},
            }
            for notebook in submission.notebooks
        },
    }

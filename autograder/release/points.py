"""What a notebook is worth: points by its tests, and points that people give."""

from __future__ import annotations

from pathlib import Path

from autograder.course.assignment import Assignment, grade_id_of, is_solution, nbgrader_of
from autograder.course.course import Course
from autograder.verdict.standing import cents


def answers(assignment: Assignment) -> dict[str, float]:
    """The points of each answer that people mark, by its grade_id."""
    return {
        grade_id_of(cell) or "": float(nbgrader_of(cell)["points"])
        for cell in assignment.notebook.cells
        if nbgrader_of(cell).get("task") or (is_solution(cell) and nbgrader_of(cell).get("grade"))
    }


def told_of(course: Course, written: Path) -> str:
    """A line on a students' notebook: where it lies, all points, and how many are given by hand."""
    assignment = course.assignments[written.stem]
    by_hand = sum(answers(assignment).values())
    points = f"{cents(assignment.max_score + by_hand):g} points"
    if by_hand:
        points += f", {cents(by_hand):g} of them by hand"
    return f"{written.relative_to(course.root)}  ({points})"

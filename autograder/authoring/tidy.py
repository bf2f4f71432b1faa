"""What an author need not think of: ids of cells, and the module that the solution cells make."""

from __future__ import annotations

from autograder.authoring.authored import module_path
from autograder.course.assignment import Assignment, grade_id_of
from autograder.course.course import Course
from autograder.course.notebook_file import written
from autograder.course.replace import replace_file
from autograder.ordinary.rule import refuse_ordinary
from autograder.release.mistakes import prove_cells
from autograder.release.solution_module import write_solution_module


def tidy(course: Course, assignment: Assignment) -> None:
    """Give graded cells their grade_id as id, as Jupyter draws one by lot, and write the module.

    Raises: CourseError, when the notebook cannot be used, or is an ordinary one.
    """
    if not module_path(course, assignment).is_file():
        refuse_ordinary(
            course,
            assignment,
            "there are no wrong versions to try it on; `workbook release` proves that its own "
            "solution earns all points",
        )
    prove_cells(assignment)
    cells = assignment.notebook.cells
    known = {cell.id for cell in cells}
    strange = [c for c in cells if (name := grade_id_of(c)) and name != c.id and name not in known]
    for cell in strange:
        cell.id = str(grade_id_of(cell))
    if strange:
        replace_file(assignment.path, written(assignment.notebook))
    write_solution_module(course, assignment)

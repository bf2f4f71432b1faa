"""The instructor's notebooks are what the grader and the students rely on."""

from __future__ import annotations

import ast
import re

import nbformat
import pytest

from tests import harness

EACH = pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)


def solution_cells(assignment: str) -> dict[str, nbformat.NotebookNode]:
    return {
        harness.grade_id(cell): cell
        for cell in harness.notebook(assignment).cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }


@EACH
def test_a_solution_cell_is_its_namesake_in_the_reference_package(assignment: str) -> None:
    """The notebook and `solutions/` hold the same definition (their syntax trees are equal)."""
    for name, cell in solution_cells(assignment).items():
        (node,) = ast.parse(cell.source).body
        (namesake,) = ast.parse(harness.definition_source(assignment, name)).body

        assert ast.dump(node) == ast.dump(namesake), name


@EACH
def test_every_definition_has_its_test_cell_right_after(assignment: str) -> None:
    """A solution cell `f` is followed by `test-f` before the next solution cell."""
    order = [
        harness.grade_id(cell)
        for cell in harness.notebook(assignment).cells
        if cell.cell_type == "code"
        and (
            cell.metadata.get("nbgrader", {}).get("solution")
            or harness.grade_id(cell)[:5] == "test-"
        )
    ]

    assert order[1::2] == [f"test-{name}" for name in order[::2]]


@EACH
def test_the_reference_passes_its_own_checks(assignment: str) -> None:
    """Two runs of the reference on one seed agree, so every check can be passed."""
    definitions = harness.solutions(assignment)

    for seed in (1, 2, 3):
        for result in harness.verdicts(assignment, definitions, seed).values():
            assert result.score == result.max_score, result


@EACH
def test_an_unsolved_definition_earns_nothing(assignment: str) -> None:
    """A stub that raises NotImplementedError passes no check of its own test cell."""

    def stub(*arguments: object, **options: object) -> None:
        raise NotImplementedError

    definitions = dict.fromkeys(solution_cells(assignment), stub)

    for result in harness.verdicts(assignment, definitions).values():
        assert result.score == 0.0, result


@EACH
def test_cells_have_names_of_their_own(assignment: str) -> None:
    """Ids are words, unique, and equal to the grade_id where there is one."""
    cells = harness.notebook(assignment).cells
    ids = [cell.id for cell in cells]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in ids)
    assert all(harness.grade_id(cell) in ("", cell.id) for cell in cells)


@EACH
def test_the_visible_tests_pass_on_the_reference(assignment: str) -> None:
    """Restart and Run All is clean on the reference, pictures aside."""
    definitions = harness.solutions(assignment)
    namespace = {"__name__": "__main__"}
    for cell in harness.notebook(assignment).cells:
        if cell.cell_type != "code" or "demo" in cell.metadata.get("tags", []):
            continue
        if cell.metadata.get("nbgrader", {}).get("solution"):
            namespace[harness.grade_id(cell)] = definitions[harness.grade_id(cell)]
        else:
            visible = re.sub(
                r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", "", cell.source, flags=re.S
            )
            exec(compile(visible, cell.id, "exec"), namespace)

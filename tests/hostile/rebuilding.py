"""Submissions whose notebook is edited: tags, points, flags, outputs, cells."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from tests.hostile import Hostile

POURED = "the student's text is poured into a fresh copy of the instructor's notebook"


def _tests(notebook: NotebookNode) -> Iterator[NotebookNode]:
    for cell in notebook.cells:
        if cell.id.startswith("test-"):
            yield cell


def skipped(notebook: NotebookNode) -> NotebookNode:
    for cell in _tests(notebook):
        cell.metadata["tags"] = ["skip-execution", "raises-exception", "demo", "nbval-skip"]
    return notebook


def many_points(notebook: NotebookNode) -> NotebookNode:
    for cell in _tests(notebook):
        cell.metadata["nbgrader"]["points"] = 1000
    return notebook


def other_flags(notebook: NotebookNode) -> NotebookNode:
    for cell in _tests(notebook):
        cell.metadata["nbgrader"] |= {"grade": False, "solution": True, "locked": False}
    return notebook


def newest_schema(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata["nbgrader"]["schema_version"] = 99
    return notebook


def trivial_tests(notebook: NotebookNode) -> NotebookNode:
    for cell in _tests(notebook):
        cell.source = "assert True\n4.0"
    return notebook


def forged_outputs(notebook: NotebookNode) -> NotebookNode:
    for cell in _tests(notebook):
        data = {"text/plain": "4.0", "application/vnd.transformer-workbook.evidence": "AAAA"}
        cell.outputs = [new_output("execute_result", data, execution_count=1)]
    return notebook


def deleted_tests(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if cell not in list(_tests(notebook))]
    return notebook


def doubled_tests(notebook: NotebookNode) -> NotebookNode:
    notebook.cells += [copy.deepcopy(cell) for cell in _tests(notebook)] * 3
    return notebook


def retyped_tests(notebook: NotebookNode) -> NotebookNode:
    for cell in _tests(notebook):
        cell.cell_type = "raw"
    return notebook


def foreign_kernel(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata["kernelspec"] = {"name": "bash", "argv": ["/bin/sh"], "display_name": "sh"}
    return notebook


def claimed_grade_ids(notebook: NotebookNode) -> NotebookNode:
    forged = "from autograder.observe import observe\nwith observe('any shape') as seen:\n    pass"
    for flags in ({"grade": True, "locked": True}, {"solution": True}):
        cell = new_code_cell(forged, id=f"own-{len(notebook.cells)}")
        cell.metadata["nbgrader"] = {"grade_id": "test-double", "points": 4, **flags}
        notebook.cells.insert(1, cell)
    return notebook


def nonsense_metadata(notebook: NotebookNode) -> NotebookNode:
    for cell, odd in zip(_tests(notebook), ([], "text"), strict=True):
        cell.metadata["nbgrader"] = odd
    notebook.metadata = NotebookNode({"workbook": {"forbidden": 7}, "language_info": []})
    return notebook


SUBMISSIONS = [
    Hostile("edit-skip-tags", "tags the tests to be skipped", POURED, change=skipped),
    Hostile("edit-points", "gives its tests 1000 points each", POURED, change=many_points),
    Hostile("edit-flags", "makes solution cells of the tests", POURED, change=other_flags),
    Hostile("edit-schema", "writes nbgrader metadata of version 99", POURED, change=newest_schema),
    Hostile("edit-tests", "replaces the tests by an assert True", POURED, change=trivial_tests),
    Hostile("edit-outputs", "hands in tests with results", POURED, change=forged_outputs),
    Hostile("edit-deleted", "deletes the tests", POURED, change=deleted_tests),
    Hostile("edit-doubled", "hands in each test four times", POURED, change=doubled_tests),
    Hostile("edit-retyped", "turns the tests into raw text", POURED, change=retyped_tests),
    Hostile("edit-kernel", "asks for a kernel that is a shell", POURED, change=foreign_kernel),
    Hostile(
        "edit-grade-ids",
        "puts cells of its own under the grade_id of a test",
        POURED,
        change=claimed_grade_ids,
    ),
    Hostile(
        "edit-metadata", "puts nonsense in place of metadata", POURED, change=nonsense_metadata
    ),
]

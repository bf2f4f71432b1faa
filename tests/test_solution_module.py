"""The modules of `solutions/` are made of the notebooks' solution cells, and are of today."""

from __future__ import annotations

import ast
import os
import types
from pathlib import Path

import nbformat
import pytest

from autograder.course import replace
from autograder.course.assignment import Assignment
from autograder.course.course import Course
from autograder.course.replace import replace_file, replace_folder
from autograder.errors import CourseError
from autograder.release.solution_module import MADE, solution_module, write_solution_module
from tests import mini
from tests.harness import ASSIGNMENTS, ROOT, SOURCE, authored, module_name, notebook, stale


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_each_module_is_made_of_its_notebook(name: str) -> None:
    """Run `workbook release` after every change of a source notebook."""
    made = solution_module(Assignment(name, SOURCE / name / f"{name}.ipynb"))

    kept = ROOT / "solutions" / f"{module_name(name)}.py"
    assert kept.read_text(encoding="utf-8") == made, stale(kept, name)
    compile(kept.read_bytes(), str(kept), "exec")  # as bytes: a first line may name a codec


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_a_definition_is_that_of_the_notebook(name: str) -> None:
    """Read by another way: the syntax trees of the cells and of the module are equal.

    What it stands on and no other module has is there as the notebook provides it.
    """
    module = ast.parse((ROOT / "solutions" / f"{module_name(name)}.py").read_text())
    made = {node.name: ast.dump(node) for node in module.body if hasattr(node, "name")}
    cells = {
        cell.id: cell.source
        for cell in notebook(name).cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }

    assert [each for each in made if each in cells] == list(cells)
    for each, source in cells.items():
        (node,) = ast.parse(source).body
        assert ast.dump(node) == made[each]
    provided = {
        node.name: ast.dump(node)
        for source in authored(name).provided
        for node in ast.parse(source).body
        if hasattr(node, "name")
    }
    for each in made.keys() - cells.keys():
        assert made[each] == provided[each]


def small(tmp_path: Path, *sources: str, **workbook: object) -> Assignment:
    """A notebook of these cells; those that define with marks are solutions."""
    made = nbformat.v4.new_notebook(metadata={"workbook": workbook})
    for number, source in enumerate(sources):
        cell = nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        if "BEGIN SOLUTION" in source:
            cell.metadata["nbgrader"] = {"grade_id": cell.id, "solution": True, "grade": False}
        made.cells.append(cell)
    path = tmp_path / "small.ipynb"
    nbformat.write(made, path)
    return Assignment("07-small-one", path)


SOLVED = '''def area(radius):
    """Of a circle."""
    ### BEGIN SOLUTION
    return PI * square(radius)
    ### END SOLUTION'''


def test_what_is_provided_is_there_as_far_as_it_is_used(tmp_path: Path) -> None:
    assignment = small(
        tmp_path,
        "%matplotlib inline\nfrom __future__ import annotations\n\nimport math, os\nimport sys",
        "PI = math.pi\nUNUSED = sys\n\n\n# Twice the same.\n@staticmethod\ndef square(x):\n"
        "    return x * x",
        SOLVED,
        summary="Circles.",
    )

    made = solution_module(assignment)

    assert made == (
        f"{MADE} source/07-small-one, to be changed there.\n"
        '"""Circles."""\n\n'
        "from __future__ import annotations\n\nimport math\n\n\nPI = math.pi\n\n\n"
        "# Twice the same.\n@staticmethod\ndef square(x):\n    return x * x\n\n\n"
        'def area(radius):\n    """Of a circle."""\n    return PI * square(radius)\n'
    )
    module = types.ModuleType("made")
    exec(made, module.__dict__)
    assert module.area(2) == pytest.approx(12.566370614)


def test_a_name_may_come_from_another_module(tmp_path: Path) -> None:
    lines = ["from solutions.circles import PI, square"]
    provided = "def square(x):\n    return x ** 2\nPI = 3"

    made = solution_module(small(tmp_path, provided, SOLVED, imports=lines, title="Circles"))

    assert f'"""Circles."""\n\n{lines[0]}\n\n\ndef area(radius):' in made
    assert "square(x)" not in made


def test_a_solution_that_is_not_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"the cell 'cell-0' is not Python"):
        solution_module(small(tmp_path, SOLVED.replace("radius):", "radius:")))


def test_a_module_written_by_hand_is_left_alone(course: Path) -> None:
    opened = Course(course)
    (assignment,) = opened.chosen([mini.NAME])
    module = course / "solutions" / "mini.py"

    assert write_solution_module(opened, assignment) is None
    assert module.read_text() == mini.SOLUTIONS

    module.unlink()
    assert write_solution_module(opened, assignment) == module
    module.write_text(module.read_text() + "# an edit in the wrong place\n")
    assert write_solution_module(opened, assignment) == module
    assert "doubled = 2 * x\n    return doubled\n" in module.read_text()
    assert "wrong place" not in module.read_text()


def test_what_cannot_be_replaced_is_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the middle, a file and a folder hold what they held."""
    file, folder, content = tmp_path / "file", tmp_path / "folder", tmp_path / "content"
    file.write_text("old")
    for each in (folder, content):
        each.mkdir()
        (each / each.name).write_text(each.name)
    whole = os.replace

    def fails(source: Path, target: Path) -> None:
        if target in (file, folder) and not source.parent.name.startswith(replace.OLD):
            raise OSError("the disk is full")
        whole(source, target)

    def cannot(one: str, other: str) -> None:
        raise OSError("this file system exchanges nothing")

    monkeypatch.setattr(replace, "exchange", cannot)
    monkeypatch.setattr(replace.os, "replace", fails)
    with pytest.raises(OSError, match="full"):
        replace_file(file, "new")
    with pytest.raises(OSError, match="full"):
        replace_folder(folder, content)
    monkeypatch.undo()

    assert file.read_text() == "old"
    assert [each.name for each in folder.iterdir()] == ["folder"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["content", "file", "folder"]
    replace_folder(folder, content)
    assert [each.name for each in folder.iterdir()] == ["content"]

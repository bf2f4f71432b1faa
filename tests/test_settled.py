"""A long test is left out only while each file that decides about it is as when it passed."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests import settled
from tests.harness import ROOT

MODULE = """
from tests import helper
LOOKS_AT = ("part", "page.md")

def test_long():
    assert True
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    files = {
        "tests/test_long.py": MODULE,
        "tests/helper.py": "from tests.deeper import one\n",
        "tests/deeper.py": "one = 1\n",
        "tests/test_other.py": "",
        "part/code.py": "two = 2\n",
        "part/style.css": "p {}\n",
        "page.md": "A page.\n",
        "elsewhere.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "tests" / "test_long.py"


def recorded(module: Path) -> Path:
    record = module.parent / "settled.json"
    record.write_text(json.dumps({module.stem: settled.digest(module)}))
    return record


@pytest.mark.parametrize(
    "name",
    [
        *("tests/test_long.py", "tests/helper.py", "tests/deeper.py"),
        *("part/code.py", "part/style.css", "page.md", "part/new.py"),
    ],
)
def test_a_change_of_what_decides_makes_it_run(module: Path, name: str) -> None:
    """The module itself, what it is written with, and all in the folders that it names."""
    record = recorded(module)
    assert settled.is_settled(module, record)

    with (module.parent.parent / name).open("a") as file:
        file.write("# changed\n")

    assert not settled.is_settled(module, record)


@pytest.mark.parametrize("name", ["elsewhere.py", "tests/test_other.py", "part/__pycache__/c.pyc"])
def test_what_does_not_decide_changes_nothing(module: Path, name: str) -> None:
    record = recorded(module)
    path = module.parent.parent / name
    path.parent.mkdir(exist_ok=True)

    path.write_text("changed")

    assert settled.is_settled(module, record)


def test_what_never_passed_runs(module: Path) -> None:
    assert not settled.is_settled(module, module.parent / "settled.json")


def test_a_path_that_is_gone_is_said(module: Path) -> None:
    (module.parent.parent / "page.md").unlink()

    with pytest.raises(FileNotFoundError, match=r"LOOKS_AT names page\.md, which is not there"):
        settled.digest(module)


def test_marks_and_what_they_look_at_go_together() -> None:
    """And each path that a module names is there."""
    marked = set()
    for path in (ROOT / "tests").glob("test_*.py"):
        tree = ast.parse(path.read_text())
        marks = (
            mark for f in tree.body if isinstance(f, ast.FunctionDef) for mark in f.decorator_list
        )
        if any(ast.unparse(mark) == "pytest.mark.settled" for mark in marks):
            marked.add(path)

    assert marked == set(settled.modules())
    for path in marked:
        assert settled.digest(path)

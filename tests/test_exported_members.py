"""The names that notebooks, courses and programs may import, and no others."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

PUBLIC = ("autograder.nbgrader_plugin", "autograder.observe", "workbook")


@pytest.fixture(params=PUBLIC)
def module(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(request.param)


def public(module: ModuleType) -> set[str]:
    """The names without an underscore that a module defines or, as a package, takes from inside."""
    names = set()
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        package = module.__name__ if hasattr(module, "__path__") else None
        if isinstance(node, ast.ImportFrom) and package:
            inside = node.level or str(node.module).startswith(f"{package}.")
            names |= {each.asname or each.name for each in node.names if inside}
    for node in ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
    return {name for name in names if not name.startswith("_")}


def test_all_is_sorted_and_names_each_once(module: ModuleType) -> None:
    assert list(module.__all__) == sorted(set(module.__all__))


def test_each_name_can_be_imported(module: ModuleType) -> None:
    for name in module.__all__:
        assert getattr(module, name) is not None, name


def test_nothing_public_is_left_out(module: ModuleType) -> None:
    assert public(module) - set(module.__all__) == set()


def test_each_name_says_what_it_is_for(module: ModuleType) -> None:
    for name in module.__all__:
        assert getattr(module, name).__doc__, name

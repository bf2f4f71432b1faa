"""Fixtures: a small course, and whether this machine can isolate a kernel."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import workbook.checking.quick_start  # noqa: F401  # before the next two import nbformat
from autograder.authoring.authored import make_importable
from tests import mini
from tests.harness import QUICK, ROOT

before = os.environ.get("PYTHONPATH", "")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [before, QUICK]))
# As in the sandbox; and tests that run side by side do not fight for the cores.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_solutions() -> Iterator[None]:
    """After a test with a course of its own, `solutions` is this clone's for the next again."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    make_importable(ROOT)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course folder of one small assignment."""
    return mini.make_course(tmp_path)


# What takes longest, first, so that no worker is left alone with it at the end.
LONGEST = ("test_self_check", "test_nbgrader", "test_postgres", "test_progress", "test_patient")


@functools.cache
def shares(module: Path) -> bool:
    """Whether something is made once for a module, and so should be made by one worker."""
    return 'scope="module"' in module.read_text(encoding="utf-8")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests, and say which go to the same worker of `-n ... --dist loadgroup`."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if shares(item.path):
                item.add_marker(pytest.mark.xdist_group(item.path.stem))

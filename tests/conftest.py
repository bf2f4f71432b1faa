"""Fixtures: a small course, and whether this machine can isolate a kernel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests import mini

# As in the sandbox; and tests that run side by side do not fight for the cores.
torch.set_num_threads(1)


SOLUTIONS = Path(__file__).parents[1] / "solutions"


@pytest.fixture(autouse=True)
def _own_solutions() -> Iterator[None]:
    """After a test with a course of its own, `solutions` is this clone's for the next again."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    loaded = sys.modules.get("solutions")
    if loaded is not None and str(SOLUTIONS) not in list(loaded.__path__):
        for name in [each for each in sys.modules if each.split(".")[0] == "solutions"]:
            del sys.modules[name]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course folder of one small assignment."""
    return mini.make_course(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest tests first, so that no worker is left alone with them at the end."""
    longest = ("test_course_elsewhere", "test_nbgrader", "test_cluster", "test_examples")
    items.sort(key=lambda item: not any(name in item.nodeid for name in longest))

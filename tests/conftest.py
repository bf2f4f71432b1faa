"""Fixtures: a small course, and whether this machine can isolate a kernel."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from autograder.authoring.authored import make_importable
from tests import mini
from tests.harness import ROOT

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest tests first, so that no worker is left alone with them at the end."""
    longest = ("test_course_elsewhere", "test_nbgrader", "test_cluster", "test_examples")
    items.sort(key=lambda item: not any(name in item.nodeid for name in longest))

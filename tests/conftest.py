"""Fixtures: a small course, and whether this machine can isolate a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests import mini

# As in the sandbox; and tests that run side by side do not fight for the cores.
torch.set_num_threads(1)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course folder of one small assignment."""
    return mini.make_course(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest tests first, so that no worker is left alone with them at the end."""
    longest = ("test_course_elsewhere", "test_nbgrader", "test_cluster", "test_examples")
    items.sort(key=lambda item: not any(name in item.nodeid for name in longest))

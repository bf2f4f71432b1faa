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

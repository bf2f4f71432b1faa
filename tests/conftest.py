"""Fixtures: a small course, and whether this machine can isolate a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import mini


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course folder of one small assignment."""
    return mini.make_course(tmp_path)

"""Fixtures: a small course, and whether this machine can isolate a kernel."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from xdist.scheduler import LoadScopeScheduling

from autograder.authoring.authored import make_importable
from tests import mini, settled
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


is_settled = functools.cache(settled.is_settled)

# What takes longest, first, so that no worker is left alone with it at the end.
LONGEST = (
    *("test_hostile", "test_guide", "test_writing", "test_postgres", "test_demo", "test_heavy"),
    *("test_self_check", "test_hostile_pages", "test_resume", "test_mark", "test_gradescope"),
    *("test_explain", "test_nbgrader", "test_patient", "test_progress", "test_feedback"),
    *("test_ordinary", "test_report", "test_course_elsewhere", "test_cluster", "test_proofs"),
)


@functools.cache
def shares(module: Path) -> bool:
    """Whether something is made once for a module, and so should be made by one worker."""
    return 'scope="module"' in module.read_text(encoding="utf-8")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests, and leave long ones about which nothing changed to `make prove-all`."""
    for item in items:
        if item.get_closest_marker("settled") and is_settled(item.path):
            item.add_marker(pytest.mark.release)
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


class _BySharing(LoadScopeScheduling):
    """Hands a worker a whole module where its tests share something, else one test.

    xdist's own `loadgroup` writes the group into the node id, which pytest 9.2 no longer reads: it
    groups nothing, and says nothing of it.
    """

    def _split_scope(self, nodeid: str) -> str:
        module, _, _ = nodeid.partition("::")
        return module if shares(ROOT / module) else nodeid


@pytest.hookimpl(optionalhook=True)  # without xdist, by `-p no:xdist`, there is no such hook
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """The scheduler of `-n ... --dist loadgroup`."""
    if config.getvalue("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False  # the order is by time, not by the number of tests
    return _BySharing(config, log)

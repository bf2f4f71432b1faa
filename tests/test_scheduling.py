"""What a module makes once is made by one worker, however many there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import ROOT

LOOKS_AT = ("tests/conftest.py",)

SHARING = """
import os
from pathlib import Path
import pytest

@pytest.fixture(scope="module")
def made():
    Path({log!r}).open("a").write(f"{{os.getpid()}}\\n")

@pytest.mark.parametrize("n", range(8))
def test_one(made, n):
    assert n >= 0
"""


@pytest.mark.settled
def test_a_module_that_shares_goes_to_one_worker(tmp_path: Path) -> None:
    """With two workers a fixture of a module is made once."""
    log = tmp_path / "made.log"
    (tmp_path / "tests").mkdir()
    conftest = (ROOT / "tests" / "conftest.py").read_text()
    begin = conftest.index("# What takes longest")
    head = (
        "import functools\nfrom pathlib import Path\nfrom typing import Any\nimport pytest\n"
        "from xdist.scheduler import LoadScopeScheduling\n"
        f"ROOT = Path({str(tmp_path)!r})\n"
    )
    (tmp_path / "conftest.py").write_text(head + conftest[begin:])
    (tmp_path / "tests" / "test_sharing.py").write_text(SHARING.format(log=str(log)))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "tests"]

    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(log.read_text().splitlines()) == 1

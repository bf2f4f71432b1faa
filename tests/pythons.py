"""Run a fast part of the tests under every Python of this machine: `make pythons`.

Each gets an environment of its own in `.pythons/`, made by the Makefile as `.venv` is, and kept.
Imports nothing but the standard library, as it runs before there is any environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
# What could differ from Python to Python: syntax trees, pickles and forks, the kernel and its seal,
# tracebacks in messages, the desk.
FAST = (
    "test_architecture",
    "test_exported_members",
    "test_observe",
    "test_judge",
    "test_describe",
    "test_rebuild",
    "test_from_scratch",
    "test_sandbox",
    "test_check",
    "test_trace",
    "test_reset",
    "test_wheel",
)
# Ends with status 0 where this is Python VERSION and can make an environment.
SUITS = "import sys, venv, ensurepip; sys.exit('{}.{}'.format(*sys.version_info) != sys.argv[1])"


def candidates(version: str) -> Iterator[str]:
    """Where a Python of this version may lie: on PATH, and where pyenv and uv keep theirs."""
    yield from filter(None, [shutil.which(f"python{version}")])
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    for folder in [*pyenv.glob(f"{version}.*"), *uv.glob(f"cpython-{version}.*")]:
        yield str(folder / "bin" / f"python{version}")


def found(version: str) -> str | None:
    """A Python of this version that works: pyenv puts names on PATH that lead nowhere."""
    for python in candidates(version):
        try:
            done = subprocess.run([python, "-c", SUITS, version], capture_output=True)
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return None


def passes(version: str, python: str) -> bool:
    """Whether the fast tests pass under this Python."""
    folder = f".pythons/{version}"
    make = ["make", f"PYTHON={python}", f"VENV={folder}", f"{folder}/ready"]
    if subprocess.run(make, cwd=ROOT).returncode:
        return False
    tests = [f"tests/{name}.py" for name in FAST]
    run = [f"{folder}/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(run, cwd=ROOT).returncode == 0


def main() -> int:
    """Status 0 when all that were tried pass, and one was; which were not tried is said."""
    pythons = {version: found(version) for version in VERSIONS}
    outcomes = {}
    for version, python in pythons.items():
        if python:
            print(f"Python {version}: {python}", flush=True)
            outcomes[version] = passes(version, python)
    for words, wanted in (("passed", True), ("FAILED", False)):
        names = [version for version, passed in outcomes.items() if passed is wanted]
        if names:
            print(f"Python {', '.join(names)}: {words}.")
    missing = [version for version, python in pythons.items() if not python]
    if missing:
        print(f"Python {', '.join(missing)}: not tried, this machine has none.")
    return 0 if outcomes and all(outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

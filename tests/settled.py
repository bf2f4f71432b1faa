"""Long tests that look at one part of the house, left out while nothing in it has changed.

Such a test is marked `settled`, and its module says in `LOOKS_AT` which files and folders decide
about it. When all of them passed, `python -m tests.settled` writes down a digest of these files, of
the module and of what it takes from `tests/`; while the digest holds they are left to `make
prove-all`. What else they meet on their way is looked at in each run by shorter tests.

    python -m tests.settled            runs those whose files changed, and writes down what passed
    python -m tests.settled test_x     runs these modules in any case
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from autograder.submission.handed_in import digest as digest_of

TESTS = Path(__file__).parent
RECORD = TESTS / "settled.json"
NAME = "LOOKS_AT"
# Made from the others, by Python or by Sphinx.
MADE = {"__pycache__", "_build", "jupyter_execute"}


def modules(folder: Path = TESTS) -> list[Path]:
    """The test modules that say what decides about them."""
    return [path for path in sorted(folder.glob("test_*.py")) if looks_at(path)]


def is_settled(module: Path, record: Path = RECORD) -> bool:
    """Whether the files that decide about a module's marked tests are those that passed."""
    return _read(record).get(module.stem) == digest(module)


def digest(module: Path) -> str:
    """A digest of the names and bytes of the files that decide about a module.

    Raises: FileNotFoundError, where a path that the module names is not there.
    """
    root = module.parent.parent
    files = {*_helpers(module), *_files(root, looks_at(module))}
    return digest_of({path.relative_to(root).as_posix(): path.read_bytes() for path in files})


def looks_at(module: Path) -> tuple[str, ...]:
    """What a module names in `LOOKS_AT`, read without importing it."""
    for line in _tree(module).body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == NAME:
            return tuple(ast.literal_eval(line.value))
    return ()


def _files(root: Path, names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        path = root / name
        if not path.exists():
            raise FileNotFoundError(f"{NAME} names {name}, which is not there")
        within = path.rglob("*") if path.is_dir() else [path]
        yield from (p for p in within if p.is_file() and not MADE & {*p.relative_to(root).parts})


def _helpers(module: Path) -> set[Path]:
    """A module and, of those in its folder that are no tests, all that it is written with."""
    found, left = set(), [module]
    while left:
        path = left.pop()
        found.add(path)
        for name in _imported(path):
            one = module.parent / f"{name}.py"
            if one.is_file() and not name.startswith("test_") and one not in found:
                left.append(one)
    return found


def _imported(path: Path) -> Iterator[str]:
    for line in ast.walk(_tree(path)):
        if isinstance(line, ast.ImportFrom) and (line.module or "").startswith("tests"):
            yield from ([each.name for each in line.names] if line.module == "tests" else [])
            yield (line.module or "").removeprefix("tests.").replace(".", "/")


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _read(record: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(record.read_text()) if record.is_file() else {}
    return found


def _write(digests: dict[str, str]) -> None:
    RECORD.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n")


def settle(names: list[str]) -> int:
    """Run the tests of these modules, or of all that changed; write down those that passed."""
    known = {path.stem: path for path in modules()}
    if unknown := sorted({*names} - {*known}):
        print(f"No module with {NAME}: {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    chosen = names or [name for name, path in known.items() if not is_settled(path)]
    # Those that are gone, and those that run now: a module that is not named is run.
    _write({n: d for n, d in _read(RECORD).items() if n in known and n not in chosen})
    failed = []
    for name in chosen:
        if not _all_pass(known[name]):
            failed.append(name)
        else:
            _write({**_read(RECORD), name: digest(known[name])})
    print(f"{len(chosen) - len(failed)} written down; not all passed: {', '.join(failed) or '-'}")
    return 1 if failed else 0


def _all_pass(module: Path) -> bool:
    """Run a module's marked tests; one that is skipped did not pass."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.xml"
        marked = ["-m", "settled and not release", f"--junitxml={told}"]
        command = [sys.executable, "-m", "pytest", "-q", "-n0", *marked, str(module)]
        done = subprocess.run(command, cwd=TESTS.parent)
        (suite,) = ElementTree.parse(told).getroot().iter("testsuite")
        return done.returncode == 0 and suite.get("skipped") == "0"


if __name__ == "__main__":
    sys.exit(settle(sys.argv[1:]))

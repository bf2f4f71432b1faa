"""What students install: a wheel in an environment of its own, where no course is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.harness import ASSIGNMENTS, PYTHON_PATH, ROOT, definition_source
from tests.student_work import solved
from workbook import material

LOOKS_AT = ("pyproject.toml", "workbook")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and the libraries that are installed here anyway."""
    root = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip"]
    # With the builder that is here: pip would fetch one.
    build = ["--quiet", "--no-deps", "--no-build-isolation"]
    wheel = [*pip, "wheel", *build, "--wheel-dir", str(root), str(ROOT)]
    subprocess.run(wheel, check=True, capture_output=True)
    venv.create(root / "venv", symlinks=True)
    (packages,) = (root / "venv" / "lib").glob("python*/site-packages")
    # As plain folders: this course, which is installed as a link, is not found through them.
    libraries = {sysconfig.get_paths()[name] for name in ("purelib", "platlib")}
    (packages / "libraries.pth").write_text("\n".join(sorted(libraries)))
    (file,) = root.glob("*.whl")
    install = [*pip, "--python", str(root / "venv"), "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--ignore-installed", str(file)], check=True, capture_output=True)
    return root


def ran(desk: Path, command: Sequence[str], status: int = 0, cwd: str = "") -> str:
    """What a command of the new environment prints."""
    binaries = desk / "venv" / "bin"
    kept = ("PATH", "LANG", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"HOME": str(desk), "PATH": f"{binaries}{os.pathsep}{environment['PATH']}"}
    done = subprocess.run(
        [str(binaries / command[0]), *command[1:]],
        cwd=desk / cwd,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.mark.settled
def test_neither_the_course_nor_a_solution_is_there(desk: Path) -> None:
    where = ran(desk, ["python", "-c", "import autograder; print(autograder.__file__)"])
    find = "import importlib.util as u; print([u.find_spec(n) for n in ('solutions', 'tests')])"

    assert Path(where.strip()).is_relative_to(desk)
    assert ran(desk, ["python", "-c", find]).strip() == "[None, None]"
    assert not list((desk / "venv").rglob("workbook/**/proofs"))
    secret = {
        definition_source(assignment, name)
        for assignment in ASSIGNMENTS
        for name in material.answers(assignment)["definitions"]
    }
    assert len(secret) > 20
    for file in (desk / "venv").rglob("autograder/**/*"):
        if file.suffix in (".py", ".ipynb", ".json", ".toml"):
            text = file.read_text(encoding="utf-8")
            cells = json.loads(text).get("cells", []) if file.suffix == ".ipynb" else []
            text += "\n".join(map(material.text, cells))
            assert not [source for source in secret if source in text], file


@pytest.mark.settled
def test_a_student_starts_is_answered_and_checks(desk: Path) -> None:
    ran(desk, ["workbook", "start", "work", "--no-lab"])
    for name in ASSIGNMENTS:
        assert (desk / "work" / name / f"{name}.ipynb").is_file()

    answer = (
        "from workbook import check, hint\n"
        "import numpy as np\n"
        "def softmax(x, axis=-1):\n"
        "    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)\n"
        "print(check('softmax'))"
    )
    assert "Likely cause" in ran(desk, ["python", "-W", "ignore", "-c", answer])

    first = f"{ASSIGNMENTS[0]}.ipynb"
    checked = ran(desk, ["workbook", "check", first], 1, f"work/{ASSIGNMENTS[0]}")
    assert "still to do" in checked
    assert ASSIGNMENTS[0] in ran(desk, ["workbook", "progress"], cwd="work")


@pytest.mark.settled
def test_the_same_tables_as_here(desk: Path) -> None:
    """`check`, `hint` and `trace`, called in a notebook's cells, of right and of wrong code."""
    name = ASSIGNMENTS[0]
    cells = [
        text
        for cell in solved(name)["cells"]
        if cell["cell_type"] == "code" and "demo" not in (cell["metadata"].get("tags") or [])
        for text in [material.text(cell)]
    ]
    shown = """
from workbook import check, hint, trace
print(trace("the cat sat on the mat"), check("softmax"), hint("softmax"), sep="\\n")
def softmax(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
print(check("softmax"), check("attention_scores"), hint("softmax"), sep="\\n")
"""
    (desk / "shown.py").write_text("\n\n".join([*cells, shown]), encoding="utf-8")

    there = ran(desk, ["python", "-W", "ignore", "shown.py"])

    here = subprocess.run(
        [sys.executable, "-W", "ignore", str(desk / "shown.py")],
        env={**os.environ, "PYTHONPATH": PYTHON_PATH, "HOME": str(desk)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there == here.stdout
    assert "Likely cause" in there

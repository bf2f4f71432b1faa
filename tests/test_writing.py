"""docs/assignments.md, word for word: from an empty folder to a released notebook."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import ROOT

LOOKS_AT = (
    "autograder/authoring",
    "autograder/course",
    "autograder/observe",
    "autograder/reference",
    "autograder/release",
    "autograder/verdict",
    "docs/assignments.md",
)

PAGE = (ROOT / "docs" / "assignments.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
# The last path before a block of a file's content.
FILE = re.compile(r"`((?:source|solutions)/[^`\s]+\.(?:py|toml))`[^`]*:\s*$")
BIN = Path(sys.executable).parent


def steps() -> list[tuple[str, str]]:
    """What the first part of the page says to do: ("run", commands) or (a path, its content)."""
    found, end = [], PAGE.index("## Cells")
    for fence in FENCE.finditer(PAGE[:end]):
        language, text = fence.groups()
        named = FILE.search(PAGE[: fence.start()])
        assert language == "sh" or named, f"no path stands before {text[:60]!r}"
        found.append(("run" if language == "sh" else named[1] if named else "", text))
    return found


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The course that the page leads to, and what each command printed."""
    folder, printed = tmp_path_factory.mktemp("elsewhere"), {}
    for what, text in steps():
        if what != "run":
            (folder / what).write_text(text, encoding="utf-8")
            continue
        for command in text.splitlines():
            if command.startswith("cd "):
                folder /= command.removeprefix("cd ")
                continue
            done = run(command, folder)
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
            printed[command] = done.stdout
    return folder, printed


@pytest.mark.settled
def test_it_leads_to_a_released_notebook(written: tuple[Path, dict[str, str]]) -> None:
    folder, printed = written
    path = folder / "release" / "01-rms-norm" / "01-rms-norm.ipynb"
    released = json.loads(path.read_text(encoding="utf-8"))
    text = "".join(line for cell in released["cells"] for line in cell["source"])

    assert "(5 points)" in printed["workbook release 01-rms-norm"]
    assert text.count("this step is still to do") == 2
    assert "HIDDEN" not in text


@pytest.mark.settled
def test_each_wrong_version_is_shown_with_its_name(written: tuple[Path, dict[str, str]]) -> None:
    _, printed = written
    table = printed["workbook try 01-rms-norm rms_norm"]

    assert "eps-outside" in table
    assert "NOT" not in table


@pytest.mark.settled
def test_the_proof_is_written(written: tuple[Path, dict[str, str]]) -> None:
    folder, _ = written
    proof = json.loads((folder / "release" / "proofs" / "01-rms-norm.json").read_text())

    assert proof["counts"]["caught"] == 13
    assert proof["counts"]["shown"] == 10


def test_a_notebook_takes_few_lines() -> None:
    """A notebook that can be proved is begun with no more than this book's ones may hold."""
    lines = sum(text.count("\n") for what, text in steps() if what != "run")

    assert lines <= 900


@pytest.mark.settled
def test_what_does_not_hold_is_said_and_writes_nothing(
    written: tuple[Path, dict[str, str]],
) -> None:
    folder, _ = written
    table = folder / "solutions" / "rms_norm.toml"
    proof = folder / "release" / "proofs" / "01-rms-norm.json"
    before = table.read_text(), proof.read_bytes()
    try:
        table.write_text(before[0] + "unseen = { old = 'x / (', new = '(x * 1.0) / (' }\n")
        tried = run("workbook try 01-rms-norm rms_norm", folder)
        proved = run("workbook prove 01-rms-norm", folder)
    finally:
        table.write_text(before[0])

    assert (tried.returncode, proved.returncode) == (1, 1)
    assert "Caught by nothing: unseen." in " ".join(tried.stdout.split())
    assert (
        "rms_norm: the wrong version 'unseen' passes every check of test-rms_norm" in proved.stderr
    )
    assert proof.read_bytes() == before[1]


@pytest.mark.settled
def test_what_is_there_is_not_begun_again(written: tuple[Path, dict[str, str]]) -> None:
    folder, _ = written

    done = run("workbook new 01-rms-norm", folder)

    assert done.returncode == 2
    assert "is there already" in done.stderr


@pytest.mark.parametrize("name", ["../out", "07 spaces", "7", "a/b"])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    done = run(f"workbook new {name!r}", tmp_path)

    assert done.returncode == 2
    assert "is no name for a notebook" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_that_is_begun_with_is_this_books_own() -> None:
    """But for the course's name."""
    skeleton = ROOT / "autograder" / "authoring" / "skeleton" / "nbgrader_config.txt"
    own = (ROOT / "nbgrader_config.py").read_text()

    assert own.replace("transformer-workbook", "my-course") == skeleton.read_text()

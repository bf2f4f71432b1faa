"""docs/assignments.md, word for word: from an empty folder to a released notebook."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from autograder.authoring.begin import SKELETON, begin
from autograder.authoring.promised import plain
from autograder.course.telling import house_rules
from autograder.errors import CourseError
from tests import elsewhere
from tests.harness import ASSIGNMENTS, ROOT

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
GET_IT = "run %pip install transformer_workbook-*.whl"


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


def cells_elsewhere(notebook: Path, folder: Path) -> list[list[str]]:
    """Id, what it printed and its exception of each code cell, where the package is not."""
    command = [sys.executable, elsewhere.__file__, str(notebook)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)[str(notebook)]
    return found


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

    assert "(7 points, 2 of them by hand)" in printed["workbook release 01-rms-norm"]
    title = released["metadata"]["workbook"]["title"]
    assert f"# {title}\n" in released["cells"][0]["source"]
    assert text.count("this step is still to do") == 2
    assert "HIDDEN" not in text


@pytest.mark.settled
def test_it_runs_where_the_package_is_not(written: tuple[Path, dict[str, str]]) -> None:
    """As the book's notebooks do: it says how to get what is missing, and stops at no check."""
    folder, _ = written
    path = folder / "release" / "01-rms-norm" / "01-rms-norm.ipynb"

    ran = cells_elsewhere(path, folder)

    asking = [each for each in ran if GET_IT in each[1]]
    assert len(asking) == 3
    assert {printed for _, printed, _ in asking} == {asking[0][1]}
    stopped = [error for _, _, error in ran if error]
    assert len(stopped) == 2
    assert all("this step is still to do" in error for error in stopped)


def test_what_is_begun_with_runs_where_the_package_is_not(tmp_path: Path) -> None:
    """All but its hidden test, which stays with the author."""
    source = begin(tmp_path, "01-my-topic")[0]

    ran = cells_elsewhere(source, tmp_path)

    assert [id for id, printed, _ in ran if GET_IT in printed] == ["desk", "check-centred"]
    assert [id for id, _, error in ran if error] == ["test-centred"]


def test_the_page_keeps_the_cells_that_it_says_it_keeps() -> None:
    """The import of the desk, and the house rules, each of them."""
    (text,) = [text for what, text in steps() if what.endswith("01-rms-norm.py")]
    kept = {plain(cell.source) for cell in jupytext.reads(text, fmt="py:percent").cells}
    skeleton = nbformat.reads((SKELETON / "notebook.ipynb").read_text("utf-8"), as_version=4)
    begun = {cell.id: plain(cell.source) for cell in skeleton.cells}

    assert begun["desk"] in kept
    assert begun["promises"] in kept
    assert [words for words in house_rules().values() if words not in begun["promises"]] == []


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


def test_a_title_may_hold_any_character(tmp_path: Path) -> None:
    title = 'Rows "as they are" \\ é'

    path = begin(tmp_path, "01-rows", title)[0]

    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["metadata"]["workbook"]["title"] == title
    assert notebook["cells"][0]["source"][0] == f"# {title}\n"


@pytest.mark.parametrize("name", ["06-my-topic", "6-my-topic", "006-my-topic"])
def test_a_number_that_another_notebook_has_is_refused(name: str, tmp_path: Path) -> None:
    """With the next one that is free; what has no number stands in nobody's way."""
    for other in ("06-tokenization", "11-last", "challenge-one"):
        (tmp_path / "source" / other).mkdir(parents=True)
    (tmp_path / "source" / "00-start-here.ipynb").touch()

    with pytest.raises(CourseError) as refused:
        begin(tmp_path, name)

    assert f"{name} has the number of 06-tokenization" in str(refused.value)
    assert "choose one that is free, as in 12-my-topic" in str(refused.value)
    assert not (tmp_path / "solutions").exists()
    assert begin(tmp_path, "12-my-topic")
    assert begin(tmp_path, "another-challenge")
    assert begin(tmp_path, "00-before-all")


def test_the_name_that_is_proposed_is_free() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (name,) = re.findall(r"^workbook new (\S+)", text, re.M)

    assert name.partition("-")[0] not in {each.partition("-")[0] for each in ASSIGNMENTS}


@pytest.mark.parametrize("name", ["../out", "07 spaces", "7", "a/b"])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    done = run(f"workbook new {name!r}", tmp_path)

    assert done.returncode == 2
    assert "is no name for a notebook" in done.stderr
    assert "01-my-topic" in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_that_is_begun_with_is_this_books_own() -> None:
    """But for the course's name."""
    skeleton = SKELETON / "nbgrader_config.txt"
    own = (ROOT / "nbgrader_config.py").read_text()

    assert own.replace("transformer-workbook", "my-course") == skeleton.read_text()

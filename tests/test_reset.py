"""`workbook reset`: a fresh notebook or cell, and nothing lost."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner, Result

from autograder.cli import app
from tests.finished import ANSWER, NAME, cell, copied, finished, place, released
from tests.harness import definition_source


def reset(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["reset", *map(str, words)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A finished notebook in a folder that is called like the assignment."""
    path = tmp_path / NAME / f"{NAME}.ipynb"
    path.parent.mkdir()
    nbformat.write(finished(), path)
    return path


def backups(file: Path) -> list[Path]:
    return sorted((file.parents[1] / "backups").iterdir())


def test_a_notebook_is_fresh_and_the_work_is_kept(file: Path) -> None:
    """What was there lies byte for byte in a file that the output names."""
    before = file.read_bytes()

    result = reset(file)
    (kept,) = backups(file)

    assert result.exit_code == 0
    assert nbformat.read(file, as_version=4) == released()
    assert kept.read_bytes() == before
    assert str(kept) in result.output
    assert "Reload Notebook from Disk" in result.output


def test_nothing_but_the_notebook_lies_in_what_is_handed_in(file: Path) -> None:
    """nbgrader copies all of the assignment's folder, so no backup may be in it."""
    reset(file)

    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_backup_beside_notebooks_that_share_a_folder(tmp_path: Path) -> None:
    """Where the folder is not the assignment's, the backups are in it."""
    file = tmp_path / f"{NAME}.ipynb"
    nbformat.write(finished(), file)

    reset(file)

    (kept,) = (tmp_path / "backups").iterdir()
    assert nbformat.read(kept, as_version=4) == finished()


def test_no_older_backup_is_overwritten(file: Path) -> None:
    """Also when two are made in the same second."""
    contents = []
    for number in range(3):
        contents.append(f"work {number}".encode())
        file.write_bytes(contents[-1])
        assert reset(file).exit_code == 0

    assert sorted(kept.read_bytes() for kept in backups(file)) == contents


@pytest.mark.parametrize("name", ["softmax", "why-scale", "imports", "test-softmax"])
def test_one_cell_is_fresh_and_the_others_stay(file: Path, name: str) -> None:
    """Solutions, answers, locked cells and test cells."""
    changed = finished()
    cell(changed, name).source = "x = 1"
    nbformat.write(changed, file)

    result = reset(file, "--cell", name)
    after = nbformat.read(file, as_version=4)

    assert result.exit_code == 0
    assert cell(after, name) == cell(released(), name)
    assert [c for c in after.cells if c.id != name] == [c for c in changed.cells if c.id != name]
    assert len(backups(file)) == 1


def test_a_deleted_cell_comes_back_at_its_place(file: Path) -> None:
    """Below the cell above it in the book."""
    notebook = finished()
    whole = [each.id for each in notebook.cells]
    del notebook.cells[place(notebook, "softmax")]
    nbformat.write(notebook, file)

    assert reset(file, "--cell", "softmax").exit_code == 0
    assert [each.id for each in nbformat.read(file, as_version=4).cells] == whole


def test_of_a_doubled_cell_one_is_left(file: Path) -> None:
    """Both are in the backup."""
    notebook = finished()
    notebook.cells.append(copied(cell(notebook, "softmax"), "copy"))
    nbformat.write(notebook, file)

    result = reset(file, "--cell", "softmax")
    after = nbformat.read(file, as_version=4)

    assert "1 more" in result.output
    assert [c.id for c in after.cells] == [c.id for c in finished().cells]
    assert nbformat.read(backups(file)[0], as_version=4) == notebook


def test_an_unknown_cell_names_those_that_there_are(file: Path) -> None:
    """With the nearest; nothing is written."""
    before = file.read_bytes()

    result = reset(file, "--cell", "sofmax")

    assert result.exit_code == 2
    assert "did you mean softmax?" in result.output
    assert "attention_scores" in result.output
    assert file.read_bytes() == before
    assert not (file.parents[1] / "backups").exists()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"cells": 5}', "\x00", '{"cells": [{"id": []}']
)
def test_a_damaged_notebook_is_known_by_its_name(file: Path, content: str) -> None:
    """A fresh one helps; a fresh cell has no place to go."""
    file.write_text(content)

    alone = reset(file, "--cell", "softmax")
    whole = reset(file)

    assert (alone.exit_code, whole.exit_code) == (2, 0)
    assert "leave out --cell" in alone.output
    assert nbformat.read(file, as_version=4) == released()
    assert [kept.read_text() for kept in backups(file)] == [content]


def test_a_renamed_notebook_is_known_by_its_cells(tmp_path: Path) -> None:
    """The file keeps its name; that is the doctor's to mend."""
    file = tmp_path / "attention for monday.ipynb"
    nbformat.write(finished(), file)

    assert reset(file, "--cell", "why-scale").exit_code == 0
    after = nbformat.read(file, as_version=4)
    assert cell(after, "why-scale").source != ANSWER
    assert cell(after, "softmax").source == definition_source(NAME, "softmax")


def foreign() -> nbformat.NotebookNode:
    """A notebook of another course, which has a locked cell of the same name as ours."""
    notebook = released()
    notebook.cells = [each for each in notebook.cells if each.id == "imports"]
    return notebook


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.ipynb", None, "is not there"),
        ("notes.txt", "a text", "none of the workbook's notebooks"),
        ("empty.ipynb", "", "none of the workbook's notebooks"),
        ("other.ipynb", nbformat.writes(foreign()), "none of the workbook's notebooks"),
        ("", None, "is a folder"),
        ("no/such/folder.ipynb", None, "there is no folder"),
    ],
)
@pytest.mark.parametrize("command", ["reset", "doctor"])
def test_what_is_no_notebook_of_ours_gets_one_sentence(
    tmp_path: Path, command: str, name: str, content: str | None, says: str
) -> None:
    """Exit status 2, no traceback, and nothing is written."""
    if content is not None:
        (tmp_path / name).write_text(content)
    before = sorted(tmp_path.iterdir())

    result = CliRunner().invoke(app, [command, str(tmp_path / name)])

    assert result.exit_code == 2
    assert says in result.output
    assert result.output.startswith("workbook: ")
    assert len(result.output.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_cannot_be_written_changes_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, so the refusal is the system's by way of a stand-in."""
    before = file.read_bytes()

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "x")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    result = reset(file)

    assert result.exit_code == 2
    assert "nothing was changed" in result.output
    assert file.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into every folder")
def test_a_read_only_folder(file: Path) -> None:
    """One sentence that says what to do."""
    file.parents[1].chmod(0o555)
    try:
        result = reset(file)
    finally:
        file.parents[1].chmod(0o755)

    assert result.exit_code == 2
    assert "make that folder writable" in result.output


def test_who_may_read_the_file_stays(file: Path) -> None:
    """A class folder may be shared."""
    file.chmod(0o664)

    reset(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o664
    assert [each.name for each in file.parent.iterdir()] == [file.name]

"""Notebooks are kept in one form, and Jupyter's tools change only what was edited."""

from __future__ import annotations

import json
import platform
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupytext.cli import jupytext

from autograder.course.notebook_file import read, written
from autograder.errors import CourseError
from tests import lab
from tests.browser import chromium, needs_chromium
from tests.harness import ROOT
from tests.jupyter_server import jupyter_server

BROKEN_ON_PURPOSE = ROOT / "examples" / "submitted" / "ivan"
SOURCES = sorted((ROOT / "source").rglob("*.ipynb"))
KEPT = sorted(
    path
    for folder in ("source", "release", "examples/submitted")
    for path in (ROOT / folder).rglob("*.ipynb")
    if BROKEN_ON_PURPOSE not in path.parents
)
# What a kernel says of itself, which JupyterLab writes into each notebook that it opens.
KERNEL = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": platform.python_version(),
}


def called(path: Path) -> str:
    return str(path.relative_to(ROOT).with_suffix(""))


def in_json(line: str) -> str:
    return json.dumps(line, ensure_ascii=False)


def edited_line(text: str) -> tuple[str, str]:
    """A line of a code cell that stands once in the file, and what it is edited to."""
    for cell in json.loads(text)["cells"]:
        for line in cell["source"] if cell["cell_type"] == "code" else []:
            if len(line) > 30 and line.endswith("\n") and text.count(in_json(line)) == 1:
                return line, f"{line[:-1]}  # é\n"
    raise AssertionError("no line to edit")


def edited_text(text: str) -> str:
    """The file with that line edited and every other as it was."""
    old, new = map(in_json, edited_line(text))
    return text.replace(old, new)


def of_this_python(text: str) -> str:
    """The file as a kernel of this Python leaves it: one line names its version."""
    line = r'"version": "3\.\d+\.\d+"'
    assert len(re.findall(line, text)) == 1
    return re.sub(line, f'"version": "{platform.python_version()}"', text)


def edited_notebook(text: str) -> nbformat.NotebookNode:
    old, new = edited_line(text)
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new) if cell.cell_type == "code" else cell.source
    return notebook


@pytest.mark.parametrize("path", KEPT, ids=called)
def test_a_notebook_is_kept_in_its_form(path: Path) -> None:
    """Saving it in JupyterLab gives it that form."""
    assert written(read(path)) == path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> LargeFileManager:
    """What JupyterLab saves through."""
    return LargeFileManager(root_dir=str(tmp_path_factory.mktemp("server")))


@pytest.mark.parametrize("path", KEPT, ids=called)
def test_jupyter_server_saves_only_what_was_edited(path: Path, contents: LargeFileManager) -> None:
    text = path.read_text(encoding="utf-8")
    (Path(contents.root_dir) / path.name).write_text(text, encoding="utf-8")
    opened = contents.get(path.name)
    assert isinstance(opened["content"], dict)

    content: dict[str, Any] = json.loads(json.dumps(edited_notebook(text)))  # as over the wire
    content["metadata"]["language_info"] = KERNEL
    for cell in content["cells"]:
        cell["metadata"]["trusted"] = True
    contents.save({"type": "notebook", "format": "json", "content": content}, path.name)

    saved = (Path(contents.root_dir) / path.name).read_text(encoding="utf-8")
    assert saved == of_this_python(edited_text(text))


@pytest.mark.parametrize("path", SOURCES, ids=called)
def test_jupytext_writes_only_what_was_edited(path: Path, tmp_path: Path) -> None:
    """`jupytext --to py:percent`, an editor, `jupytext --update --to ipynb`."""
    copy, script = tmp_path / path.name, tmp_path / f"{path.stem}.py"
    shutil.copy(path, copy)
    text = path.read_text(encoding="utf-8")
    old, new = edited_line(text)

    jupytext(["--quiet", "--to", "py:percent", str(copy)])
    assert script.read_text(encoding="utf-8").count(old) == 1
    script.write_text(script.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    jupytext(["--quiet", "--update", "--to", "ipynb", str(script)])

    assert copy.read_text(encoding="utf-8") == edited_text(text)


@needs_chromium
@pytest.mark.release  # jupytext shows the same in each run, in a tenth of the time
def test_jupyterlab_saves_only_what_was_edited(tmp_path: Path) -> None:
    """A source notebook in a real JupyterLab with a real kernel: a cell is edited, and saved."""
    path = SOURCES[1]
    root = tmp_path / "course"
    root.mkdir()
    shutil.copy(path, root)
    text = path.read_text(encoding="utf-8")
    old, _ = edited_line(text)
    source = next(c.source for c in edited_notebook(text).cells if old[:-1] in c.source)

    with (
        jupyter_server(root, tmp_path / "home") as server,
        chromium() as started,
        lab.tab(started) as (page, _),
    ):
        lab.open_notebook(page, server, path.name)
        cell = lab.code(page, old[:-1])
        cell.scroll_into_view_if_needed()
        lab.write(page, cell, source)
        lab.command(page, "docmanager:save")

    assert (root / path.name).read_text(encoding="utf-8") == of_this_python(edited_text(text))


@pytest.mark.parametrize("minor", [0, 4])
def test_cells_that_have_no_ids_get_the_same_ones_each_time(minor: int, tmp_path: Path) -> None:
    old = nbformat.v4.new_notebook(nbformat_minor=minor)
    old.cells = [{"cell_type": "markdown", "metadata": {}, "source": text} for text in "ab"]
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old), encoding="utf-8")

    notebook = read(path)

    assert [cell.id for cell in notebook.cells] == ["cell-1", "cell-2"]
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    path.write_text(written(notebook), encoding="utf-8")
    assert written(read(path)) == written(notebook)


def test_what_is_no_notebook_is_refused_in_a_sentence() -> None:
    (path,) = BROKEN_ON_PURPOSE.rglob("*.ipynb")

    with pytest.raises(CourseError, match="is not a notebook"):
        read(path)

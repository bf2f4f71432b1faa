"""What a notebook at the student's desk says of its pictures to those who do not see them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.released import INLINE
from tests import browser, lab, student_folder
from tests.jupyter_server import jupyter_server
from workbook.material import released, text
from workbook.start import environment

NAME = "01-scaled-dot-product-attention"
OURS = ".jp-OutputArea-output, .jp-MarkdownOutput"  # of the rest JupyterLab is the author
PLOT = "import matplotlib.pyplot as plt\nplt.figure()\nplt.plot([1, 2])\n"


def words(name: str = NAME) -> list[str]:
    """What the released notebook says of its pictures."""
    cells = [cell["metadata"].get("alt") for cell in released(name)["cells"]]
    return [each for each in cells if each]


# --- in a kernel ------------------------------------------------------------------------------


def shown(*sources: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The outputs of the last of these cells, run after the desk was imported."""
    monkeypatch.setenv("MPLBACKEND", INLINE)
    cells = [new_code_cell(each) for each in ("import workbook", *sources)]
    notebook = new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, allow_errors=True).execute()
    return list(notebook.cells[-1].outputs)


def said(output: Any) -> str | None:
    """The alternative text of an output, or None where it is a plain picture."""
    found = re.fullmatch(
        r'<img alt="([^"]*)" src="data:image/png;base64,([^"]+)"( width="\d+" height="\d+")?>',
        output.data.get("text/html", ""),
    )
    assert ("text/html" in output.data) == bool(found)
    return html.unescape(found[1]) if found else None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plt.show()", None),
        ("plt.title('Weights < 1 & \"more\"'); plt.show()", 'Weights < 1 & "more"'),
        ("plt.suptitle('All'); plt.title('Left', loc='left'); plt.show()", "All. Left"),
        ("plt.title('Shown when the cell has ended')", "Shown when the cell has ended"),
        (
            "%config InlineBackend.figure_formats = ['retina']\nplt.title('Fine'); plt.show()",
            "Fine",
        ),
    ],
)
def test_ones_own_picture_says_its_titles(
    source: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any it stays a plain picture."""
    outputs = shown(PLOT + source, monkeypatch=monkeypatch)
    pictures = [each for each in outputs if "image/png" in each.get("data", {})]

    assert [said(each) for each in pictures] == [expected]
    assert len(pictures[0].data["image/png"]) > 1000


def test_the_books_words_are_for_the_books_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo that was changed shows something else: its titles are all that is known of it."""
    (cell,) = [each for each in released(NAME)["cells"] if each["id"] == "softmax-demo"]
    before = "import numpy as np\nimport matplotlib.pyplot as plt\nwords = ['a', 'b', 'c']\n"
    before += "def softmax(x):\n    return np.exp(x) / np.exp(x).sum()"
    changed = text(cell).replace("(0.25, 1, 4)", "(-1, 1, 8)")

    (as_released,) = shown(before, text(cell), monkeypatch=monkeypatch)
    (own,) = shown(before, changed, monkeypatch=monkeypatch)

    assert said(as_released) == cell["metadata"]["alt"]
    assert said(own) == "scores times -1. scores times 1. scores times 8"


def test_what_cannot_be_drawn_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without words: one traceback, and it is the picture's own."""
    outputs = shown(PLOT + "plt.title(r'$\\frac$'); plt.show()", monkeypatch=monkeypatch)

    assert [each.ename for each in outputs if each.output_type == "error"] == ["ValueError"]
    assert not any("text/html" in each.get("data", {}) for each in outputs)


# --- in JupyterLab ----------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Path, str, Any]]:
    """A student's folder with a finished notebook, the address of its server and a page."""
    folder, home = tmp_path / "desk", tmp_path / "student"
    student_folder.released(folder, NAME)
    student_folder.solve(folder, NAME)
    settings = home / "settings/@jupyterlab/notebook-extension"
    settings.mkdir(parents=True)  # so that also what is out of sight is on the page
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    with (
        jupyter_server(folder, home, environment) as server,
        browser.chromium() as started,
        lab.tab(started) as (page, _),
    ):
        yield folder, server, page


def pictures(page: Any) -> list[str | None]:
    """The alternative texts of what is drawn, once each picture is there."""
    images = page.locator(".jp-OutputArea-output img")
    images.nth(len(words()) - 1).wait_for()
    # A browser that shows an image knows its size.
    page.wait_for_function(
        "[...document.querySelectorAll('.jp-OutputArea-output img')]"
        ".every(image => image.complete && image.naturalWidth > 100)"
    )
    return [image.get_attribute("alt") for image in images.all()]


@browser.needs_chromium
@pytest.mark.release  # a notebook twice in JupyterLab: as much as fifty other tests
def test_the_pictures_of_a_notebook_are_told_in_words(desk: tuple[Path, str, Any]) -> None:
    """Run from the top, and opened again by one who does not trust the file."""
    folder, server, page = desk
    path = f"{NAME}/{NAME}.ipynb"
    lab.open_notebook(page, server, path)
    lab.command(page, "notebook:run-all-cells")

    assert pictures(page) == words()
    assert browser.serious(page, OURS) == []

    lab.command(page, "docmanager:save")
    saved = nbformat.read(folder / path, as_version=4)
    saved.metadata["from"] = "another"  # what was not saved here is not trusted
    (folder / "sent.ipynb").write_text(json.dumps(saved))
    lab.open_notebook(page, server, "sent.ipynb")

    trusted = "[...window.jupyterapp.shell.currentWidget.model.cells].filter(cell => cell.trusted)"
    assert page.evaluate(f"{trusted}.length") == 0
    assert pictures(page) == words()
    assert browser.serious(page, OURS) == []

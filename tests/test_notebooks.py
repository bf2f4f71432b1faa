"""Pages of the released notebooks; what else a notebook has to be is part of its proof."""

from __future__ import annotations

import functools
import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter

from tests import anew, harness

EACH = pytest.mark.parametrize("assignment", harness.ASSIGNMENTS)


@functools.cache
def exporter() -> HTMLExporter:
    return HTMLExporter(template_name="classic")


def drawing(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [c for c in notebook.cells if c.cell_type == "code" and re.search(r"\bplt\.", c.source)]


@pytest.mark.parametrize("assignment", anew.a_few_now())
def test_a_page_of_the_notebook_says_what_its_pictures_show(assignment: str) -> None:
    """No image without its words, in the template under nbgrader's page for grading by hand.

    In nbconvert's other template, `lab`, and in JupyterLab nothing can be said of a plain picture:
    there the desk shows it as HTML.
    """
    path = harness.ROOT / "release" / assignment / f"{assignment}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    instructors = drawing(harness.notebook(assignment))
    for cell in drawing(notebook):
        cell.outputs = [nbformat.v4.new_output("display_data", data={"image/png": "AAAA"})]

    page, _ = exporter().from_notebook_node(notebook)

    images = BeautifulSoup(page, "html.parser").find_all("img")
    assert [image.get("alt") for image in images] == [cell.metadata.alt for cell in instructors]

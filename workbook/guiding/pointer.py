"""The guide as a notebook points to it: by a link where Jupyter serves it, else by the command."""

from __future__ import annotations

import os
from collections.abc import Sequence

from workbook.guiding.passages import contents, folder, of, tells_of, wanted
from workbook.result_table import Link, Marked, Piece, Table, Words

ADDRESS = "WORKBOOK_GUIDE"  # where the Jupyter server that started this kernel shows the guide


def pointer(text: str, notebook: str = "", definition: str = "") -> Piece:
    """A link in these words to what the guide says of something; elsewhere, the command."""
    if address := os.environ.get(ADDRESS):
        return Link(text, address + of(notebook, definition).address)
    name = f"{notebook}.{definition}" if definition else notebook
    return Marked(f"workbook guide {name}".rstrip(), "code")


def in_the_guide(notebook: str, definition: str = "") -> list[Words]:
    """A paragraph that points there; none where no guide tells of it."""
    if not tells_of(notebook):
        return []
    return [["In the guide: ", pointer(definition or notebook, notebook, definition)]]


def guide(name: str = "") -> Table:
    """The guide's pages, or where it tells of a notebook (`"02"`) or a definition (by its name).

    Raises: DeskError, when there is no such notebook or definition.
    """
    if folder() is None:
        return Table("The guide is not installed here: `make guide` in a clone builds it.", (), ())
    address = os.environ.get(ADDRESS, "")
    notebook, definition = wanted(name) if name else ("", "")
    below: list[Words] = [
        [pointer("Open it", notebook, definition), " in another tab."]
        if address
        else [pointer("", notebook, definition), ", in a terminal, opens it in your browser."]
    ]
    if name:
        return Table(f"The guide tells of {definition or notebook}.", (), (), below)
    rows = [(part, _listed(pages, address)) for part, pages in contents().items()]
    return Table("The guide", ("part", "pages"), rows, below)


def _listed(pages: Sequence[tuple[str, str]], address: str) -> list[Piece]:
    words: list[Piece] = []
    for title, page in pages:
        words += ["; "] * bool(words) + [Link(title, address + page) if address else title]
    return words

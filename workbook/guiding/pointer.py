"""The guide as a notebook points to it: by a link where Jupyter serves it, else by the command."""

from __future__ import annotations

import os

from workbook.guiding.passages import folder, of, tells_of, wanted
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
    """Where the guide is, or what it says of a notebook (`"02"`) or a definition (by its name).

    Raises: DeskError, when there is no such notebook or definition.
    """
    notebook, definition = wanted(name) if name else ("", "")
    if folder() is None:
        return Table("The guide is not installed here: `make guide` in a clone builds it.", (), ())
    found = pointer(definition or notebook or "open it", notebook, definition)
    how = "" if isinstance(found, Link) else ", in a terminal: it opens in your browser"
    return Table(["In the guide: " if name else "The guide: ", found, how, "."], (), ())

"""Pages that lie on this machine, opened in a browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from autograder.errors import DeskError
from workbook.guiding.passages import folder, of, tells_of, wanted


def opened(page: Path, what: str, browser: bool = True, passage: str = "") -> str:
    """Open a page, at a passage of it if one is named, and say at which address it is."""
    address = page.resolve().as_uri() + (f"#{passage}" if passage else "")
    if browser and webbrowser.open(address):
        return f"{what} opens in your browser: {address}"
    return f"Open this address in a browser: {address}"


def open_guide(browser: bool = True, name: str | None = None) -> str:
    """Open the guide that came with this installation, or that this clone has built.

    With the `name` of a notebook, or its beginning, or of what one writes in a notebook, it opens
    at what it says of that.

    Raises: DeskError, when there is no guide or no such notebook or definition.
    """
    place = folder()
    if place is None:
        raise DeskError("the guide is not built here: `make guide` in a clone builds it")
    notebook, definition = ("", "") if name is None else wanted(name)
    if notebook and not tells_of(notebook):
        raise DeskError(f"the guide tells nothing of {notebook}: `workbook guide` opens all of it")
    passage = of(notebook, definition)
    return opened(place / passage.page, "The guide", browser, passage.anchor)

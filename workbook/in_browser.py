"""Pages that lie on this machine, opened in a browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from autograder.errors import DeskError
from workbook import material


def opened(page: Path, what: str, browser: bool = True, passage: str = "") -> str:
    """Open a page, at a passage of it if one is named, and say at which address it is."""
    address = page.resolve().as_uri() + (f"#{passage}" if passage else "")
    if browser and webbrowser.open(address):
        return f"{what} opens in your browser: {address}"
    return f"Open this address in a browser: {address}"


def open_guide(browser: bool = True, notebook: str | None = None) -> str:
    """Open the guide that came with this installation, or that this clone has built.

    With the name of a `notebook`, or its beginning, it opens at what it says of that one.

    Raises: DeskError, when there is no guide or no such notebook.
    """
    passage = "" if notebook is None else _named(notebook)
    for place in (material.IN_WHEEL, material.IN_CHECKOUT):
        page = place / "guide" / ("exercises.html" if passage else "index.html")
        if page.is_file():
            return opened(page, "The guide", browser, passage)
    raise DeskError("the guide is not built here: `make guide` in a clone builds it")


def _named(beginning: str) -> str:
    names = material.names()
    found = [name for name in names if name.startswith(beginning)]
    if len(found) != 1:
        raise DeskError(
            f"{beginning!r} is not the name of one notebook; there are {', '.join(names)}"
        )
    return found[0]

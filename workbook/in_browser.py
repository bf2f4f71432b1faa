"""Pages that lie on this machine, opened in a browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from autograder.errors import DeskError
from workbook import material


def opened(page: Path, what: str, browser: bool = True) -> str:
    """Open a page, and say at which address it is."""
    address = page.resolve().as_uri()
    if browser and webbrowser.open(address):
        return f"{what} opens in your browser: {address}"
    return f"Open this address in a browser: {address}"


def open_guide(browser: bool = True) -> str:
    """Open the guide that came with this installation, or that this clone has built.

    Raises: DeskError, when there is none.
    """
    for place in (material.IN_WHEEL, material.IN_CHECKOUT):
        page = place / "guide" / "index.html"
        if page.is_file():
            return opened(page, "The guide", browser)
    raise DeskError("the guide is not built here: `make guide` in a clone builds it")

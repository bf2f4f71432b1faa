"""`workbook demo`: the page as a file, in a browser."""

from __future__ import annotations

import tempfile
from pathlib import Path

from autograder.errors import DeskError
from workbook.demo.page import NAME, page
from workbook.guiding.in_browser import opened


def open_page(to: Path | None = None, browser: bool = True) -> str:
    """Write the page and open it, unless a file `to` is named; say where it is.

    Raises: DeskError, when the file cannot be written.
    """
    target = to or Path(tempfile.mkdtemp(prefix="workbook-demo-")) / NAME
    try:
        target.write_text(page(), encoding="utf-8")
    except OSError as error:
        why = f"{target} cannot be written ({error.strerror})"
        raise DeskError(f"{why}: name another file") from None
    if to is not None:
        return f"Wrote {target}: one page that needs no other file and no network."
    return opened(target, "The demo", browser)

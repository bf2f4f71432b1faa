"""A real Chromium for the tests of pages: what it runs, fetches and shows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="needs the system package chromium")
QUIET = [
    "--no-sandbox",  # it cannot make one as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[object]:
    """A started browser; its contexts and pages are as in playwright's `sync_api`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


def serious(body: str, colours: str = "") -> list[str]:
    """What axe finds serious or critical in the body of a page, with the elements."""
    from axe_playwright_python.sync_playwright import Axe

    with chromium() as started:
        page = started.new_page()  # type: ignore[attr-defined]
        page.set_content(
            '<!doctype html><html lang="en"><head><title>test</title></head>'
            f'<body style="{colours}"><main><h1>test</h1>{body}</main></body></html>'
        )
        found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]

"""A real Chromium for the tests of pages: what it runs, fetches and shows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
def chromium() -> Iterator[Any]:
    """A started browser; its contexts and pages are as in playwright's `sync_api`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


def serious(page: Any, selector: str | None = None) -> list[str]:
    """What axe-core calls serious or critical in a page or frame, or in one part of it.

    A line for each rule that is broken: its name, what it asks for, where.
    """
    from axe_playwright_python.sync_playwright import Axe

    assert selector is None or page.locator(selector).count(), f"{selector} is not on the page"
    found = Axe().run(page, context=selector).response
    assert found["passes"], "axe-core looked at nothing"
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes']]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def serious_in(body: str, colours: str = "") -> list[str]:
    """The same of a piece of HTML, such as a cell's output, in a page of these colours."""
    with chromium() as started:
        page = started.new_page()
        page.set_content(
            '<!doctype html><html lang="en"><head><title>test</title></head>'
            f'<body style="{colours}"><main><h1>test</h1>{body}</main></body></html>'
        )
        return serious(page)

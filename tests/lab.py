"""JupyterLab driven as a person does: menus, cells, dialogs, nbgrader's pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

LONGEST_WAIT = 60_000  # milliseconds; a machine that does much else is slow


@contextmanager
def tab(browser: Any, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    """A page, and what it asked of other machines; none of that is let through."""
    context = browser.new_context(**options)
    context.set_default_timeout(LONGEST_WAIT)
    outside: list[str] = []

    def only_here(route: Any) -> None:
        if re.match(r"https?://127\.0\.0\.1[:/]|data:|blob:|file:", route.request.url):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    context.route("**/*", only_here)
    try:
        yield context.new_page(), outside
    finally:
        context.close()


def open_notebook(page: Any, server: str, path: str) -> None:
    """Open a notebook in a workspace of its own, without what was open before."""
    page.goto(f"{server}/lab/workspaces/{PurePosixPath(path).stem}/tree/{path}")
    ready(page, path)


def ready(page: Any, path: str) -> None:
    """Wait until the notebook that was opened is there, and its kernel."""
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    # Asked to run something before that, JupyterLab would ask which kernel to take.
    page.wait_for_function(
        "path => { const shown = window.jupyterapp.shell.currentWidget;"
        " return shown?.context?.path === path"
        " && shown.sessionContext?.session?.kernel?.status === 'idle' }",
        arg=path,
    )


def command(page: Any, name: str) -> None:
    """Run one of JupyterLab's commands to its end, as its menu entry or button does."""
    # Not awaited in one call: that would have no limit of time.
    page.evaluate(
        "name => { window.ended = false;"
        " window.jupyterapp.commands.execute(name).then(() => { window.ended = true; }) }",
        name,
    )
    page.wait_for_function("window.ended")


def cell(page: Any, text: str) -> Any:
    """The first cell that shows `text`."""
    return page.locator(".jp-Notebook .jp-Cell").filter(has_text=text).first


def code(page: Any, text: str) -> Any:
    """The first code cell that shows `text`."""
    return page.locator(".jp-Notebook .jp-CodeCell").filter(has_text=text).first


def write(page: Any, into: Any, text: str) -> None:
    """Type `text` in place of all that a cell holds.

    JupyterLab indents and closes brackets of itself, so what is typed at once is inserted whole.
    """
    into.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def menu(page: Any, name: str, entry: str) -> list[str]:
    """Choose an entry of a menu of the menu bar, and return all that are in it."""
    page.get_by_role("menuitem", name=name, exact=True).click()
    wanted = page.locator(".lm-Menu .lm-Menu-itemLabel").get_by_text(entry, exact=True)
    wanted.wait_for()
    found = page.locator(".lm-Menu .lm-Menu-itemLabel").all_inner_texts()
    wanted.click()
    return [text for text in found if text]

"""Nothing that a hostile submission shows runs in the browser of a student or an instructor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from tests import browser, mini
from tests.hostile import MARK, Target, showing
from tests.jupyter_server import jupyter_server
from tests.test_grade import workbook

LOOKS_AT = (
    "autograder/feedback",
    "autograder/formgrader",
    "autograder/verdict",
    "tests/hostile/showing.py",
)

pytestmark = browser.needs_chromium
# nbgrader's own pages fetch MathJax from there, whatever a submission holds.
MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/"


@dataclass
class Shown:
    """A graded course of submissions that show what should not run, and a browser."""

    course: Path
    server: str
    context: Any

    def visit(self, address: str) -> tuple[str, list[str]]:
        """The text of a page after everything on it was opened, and what else it asked for."""
        view = self.context.new_page()
        asked: list[str] = []
        view.on("request", lambda request: asked.append(request.url))
        view.on("dialog", lambda dialog: asked.append(f"dialog: {dialog.message}"))
        gone: list[str] = []
        view.on("framenavigated", lambda frame: gone.append(frame.url))
        view.goto(address, wait_until="load")
        view.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        links = view.evaluate("[...document.links].map(each => each.protocol)")
        assert set(links) <= {"http:", "https:", "file:"}, links
        assert {url.split("#")[0] for url in gone} <= {address, "about:blank"}, gone
        assert MARK not in view.title()
        assert view.evaluate("window.pwned") is None
        assert view.evaluate("document.querySelectorAll('[onerror], [onload], iframe').length") == 0
        text = view.inner_text("body")
        view.close()
        allowed = (address.split("#")[0], f"{self.server}/", MATHJAX, "data:")
        return text, [url for url in asked if not url.startswith(allowed)]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    root = tmp_path_factory.mktemp("shown")
    course = mini.make_course(root)
    target = Target(course, root, 9, "nobody")
    for submission in showing.SUBMISSIONS:
        submission.hand_in(target)
    assert workbook(course, "release").returncode == 0
    assert workbook(course, "grade").returncode in (0, 1)
    assert workbook(course, "feedback").returncode in (0, 1)
    with jupyter_server(course, root / "home") as server, browser.chromium() as started:
        yield Shown(course, server, started.new_context())


@pytest.mark.settled
def test_no_script_runs_on_a_feedback_page(shown: Shown) -> None:
    """Every page opens, says what failed, runs nothing and asks nobody for anything."""
    pages = sorted((shown.course / "feedback").rglob("*.html"))
    assert len(pages) >= len(showing.SUBMISSIONS) - 2

    for page in pages:
        text, asked = shown.visit(page.as_uri())
        assert asked == [], page
        assert "What was checked" in text


@pytest.mark.settled
def test_no_script_runs_in_the_formgrader(shown: Shown) -> None:
    """Where an instructor reads the submission itself, and on the lists with students' names."""
    with Gradebook(f"sqlite:///{shown.course}/gradebook.db") as gradebook:
        ids = [each.id for each in gradebook.notebook_submissions(mini.NAME, mini.NAME)]
    pages = [f"/formgrader/submissions/{id}/?index=0" for id in ids]
    lists = ["gradebook", f"gradebook/{mini.NAME}/{mini.NAME}", "manage_students"]
    lists.append(f"manage_submissions/{mini.NAME}")
    assert len(pages) >= len(showing.SUBMISSIONS) - 2

    for path in pages + [f"/formgrader/{name}" for name in lists]:
        text, asked = shown.visit(f"{shown.server}{path}")
        assert asked == [], path
        assert text

"""The formgrader's pages have a link to the report, which is made when it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import browser, mini
from tests.jupyter_server import jupyter_server
from tests.test_grade import results

pytestmark = browser.needs_chromium
PAGES = (
    "manage_assignments",
    "gradebook",
    "manage_students",
    f"gradebook/{mini.NAME}",
    f"manage_submissions/{mini.NAME}",
    "manage_students/tripled",
)


@pytest.fixture(scope="module")
def formgrader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, Any]]:
    root = tmp_path_factory.mktemp("formgrader")
    course = mini.make_course(root)
    mini.hand_in(course, "right", mini.submission())
    mini.hand_in(course, "tripled", mini.submission(double="def double(x):\n    return 3 * x"))
    results(course)
    with jupyter_server(course, root / "home") as server, browser.chromium() as started:
        yield course, server, started.new_page()


@pytest.mark.parametrize("name", PAGES)
def test_each_page_has_the_link_once(formgrader: tuple[Path, str, Any], name: str) -> None:
    _, server, page = formgrader
    page.goto(f"{server}/formgrader/{name}")

    links = page.get_by_role("link", name="Report", exact=True)
    assert [link.get_attribute("href") for link in links.all()] == ["/workbook/report"]


def test_the_link_leads_to_the_report_as_it_is_now(formgrader: tuple[Path, str, Any]) -> None:
    course, server, page = formgrader
    page.goto(f"{server}/formgrader/gradebook")
    page.get_by_role("link", name="Report", exact=True).click()

    assert page.get_by_text("2 graded, 0 of them need attention").is_visible()
    assert page.get_by_text("The number is tripled.").is_visible()
    assert page.locator("script").count() == 0
    assert not (course / "report.html").exists()
    assert not (course / ".workbook" / "report.json").exists()

    mini.hand_in(course, "third", mini.submission())
    results(course)
    page.reload()
    assert page.get_by_text("3 graded, 0 of them need attention").is_visible()

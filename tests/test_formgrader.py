"""The formgrader's pages have a link to the report, which is made when it is opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import browser, mini
from tests.jupyter_server import jupyter_server
from tests.test_course_folder import ODD
from tests.test_grade import results
from tests.test_nbgrader import nbgrader, scores

LOOKS_AT = ("autograder/formgrader", "autograder/report")

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
    root = tmp_path_factory.mktemp("formgrader") / ODD
    root.mkdir()
    course = mini.make_course(root)
    mini.hand_in(course, "right", mini.submission())
    mini.hand_in(course, "tripled", mini.submission(double="def double(x):\n    return 3 * x"))
    results(course)
    with jupyter_server(course, root / "home") as server, browser.chromium() as started:
        yield course, server, started.new_page()


@pytest.mark.settled
@pytest.mark.parametrize("name", PAGES)
def test_each_page_has_the_link_once(formgrader: tuple[Path, str, Any], name: str) -> None:
    _, server, page = formgrader
    page.goto(f"{server}/formgrader/{name}")

    links = page.get_by_role("link", name="Report", exact=True)
    assert [link.get_attribute("href") for link in links.all()] == ["/workbook/report"]


@pytest.mark.settled
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


@pytest.mark.release
def test_the_button_takes_no_link_and_waits_for_no_pipe(
    formgrader: tuple[Path, str, Any], tmp_path: Path
) -> None:
    """Whoever presses it is told why; a server that waited for a pipe would answer nobody."""
    course = mini.make_course(tmp_path)
    honest = mini.hand_in(course, "honest", mini.submission())
    odd = {student: mini.hand_in(course, student, "{}") for student in ("link", "pipe")}
    for path in odd.values():
        path.unlink()
    odd["link"].symlink_to(course / "source" / mini.NAME / honest.name)
    os.mkfifo(odd["pipe"])
    assert nbgrader(course, "generate_assignment", mini.NAME).returncode == 0
    said = {}

    page = formgrader[2].context.browser.new_page()
    with jupyter_server(course, tmp_path / "home") as server:
        for student in ("pipe", "link", "honest"):
            page.goto(f"{server}/formgrader/manage_submissions/{mini.NAME}")
            row = page.get_by_role("row").filter(has=page.get_by_text(student, exact=True))
            row.locator(".autograde a").click()
            answer = page.locator(".modal-dialog").filter(has_text="Log Output")
            answer.wait_for(timeout=120_000)
            said[student] = answer.inner_text()

    assert "Successfully autograded" in said["honest"]
    for student in odd:
        assert f"There was an error autograding '{mini.NAME}'" in said[student]
        assert f"{mini.NAME}.ipynb is not a file" in said[student]
    assert scores(course) == {"honest": 6.0, "link": 0, "pipe": 0}

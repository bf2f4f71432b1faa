"""The feedback page for those who see little, hear the page read, or use no mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.course.course import Course
from autograder.feedback.exporter import page
from autograder.grading.grade import grade
from autograder.grading.keys import Seeds, answer_keys
from autograder.grading.workers import ThisProcess
from autograder.submission.handed_in import HandedIn
from tests import browser, harness
from tests.test_feedback import wrong_in_every_way

LOOKS_AT = ("autograder/feedback", "autograder/verdict", "workbook")

pytestmark = browser.needs_chromium

ASSIGNMENT = harness.ASSIGNMENTS[0]
KINDS = ("misconceptions", "untouched")
SIZES = {"desk": (1200, 900), "phone": (360, 740)}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of submissions with causes, pictures, hints and formulas, and with nothing done."""
    course = Course(harness.ROOT)
    assignment = course.assignments[ASSIGNMENT]
    key = answer_keys(course, [assignment], ThisProcess(), Seeds(given=5))[ASSIGNMENT]
    folder, made = tmp_path_factory.mktemp("pages"), {}
    submissions = wrong_in_every_way(ASSIGNMENT)
    for kind in KINDS:
        handed_in = HandedIn(kind, "s", nbformat.writes(submissions[kind]).encode())
        graded = grade(key, handed_in).notebook
        assert graded is not None
        made[kind] = folder / f"{kind}.html"
        made[kind].write_text(page(graded, {}))
    return made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser.chromium() as started:
        yield started


@pytest.mark.settled
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_serious(
    pages: dict[str, Path], chromium: Any, kind: str, size: str
) -> None:
    """With everything opened, wide and on a phone."""
    width, height = SIZES[size]
    view = chromium.new_page(viewport={"width": width, "height": height})
    view.goto(pages[kind].as_uri())
    view.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

    assert browser.serious(view) == []
    view.close()


def test_the_helper_finds_what_is_serious(chromium: Any) -> None:
    """A picture without words and grey letters on grey are named, where one looks."""
    view = chromium.new_page()
    view.set_content(
        "<html lang=en><title>t</title><main><p id=fine>Words</p>"
        "<p id=pale style='color:#aaa;background:#bbb'>Words</p><img src='data:,'></main>"
    )

    found = browser.serious(view)

    assert [each.split(":")[0] for each in found] == ["color-contrast", "image-alt"]
    assert browser.serious(view, "#fine") == []
    with pytest.raises(AssertionError, match="not on the page"):
        browser.serious(view, "#missing")
    view.close()


def test_hints_open_by_keyboard(pages: dict[str, Path], chromium: Any) -> None:
    """Tab reaches every hint in the order of the page, Enter opens and closes it, focus is seen."""
    view = chromium.new_page()
    view.goto(pages["misconceptions"].as_uri())
    hints = view.locator("summary")
    assert hints.count() > 4
    focused = "document.activeElement"
    for index in range(hints.count()):
        hint = hints.nth(index)
        for _ in range(view.locator("a, summary, pre").count()):
            view.keyboard.press("Tab")
            if hint.evaluate(f"hint => hint === {focused}"):
                break
        assert hint.evaluate(f"hint => hint === {focused}"), hint.inner_text()
        assert view.evaluate(f"getComputedStyle({focused}).outlineStyle") != "none"
        inside = hint.locator("xpath=following-sibling::*").first
        assert not inside.is_visible()
        view.keyboard.press("Enter")
        assert inside.is_visible()
        view.keyboard.press("Enter")
        assert not inside.is_visible()
    view.close()

"""The map with how far one is: in words, in how it is drawn, and in a course of any shape."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autograder.errors import DeskError
from tests import browser
from workbook.studying import concept_map as module
from workbook.studying.concept_map import DONE, OPEN, STARTED, ConceptMap, concept_map
from workbook.studying.lesson import Lesson, Step
from workbook.studying.progress_report import LessonProgress, Progress

STEPS = (Step("f", "", False, 1), Step("g", "", False, 1))
SVG = "{http://www.w3.org/2000/svg}"


def lesson(name: str, *needs: str) -> Lesson:
    return Lesson(name, f"{name} \u00b7 The <{name}> & more", 1, 0.0, needs, {}, STEPS, ())


BOOKS = [lesson("01"), lesson("02", "01"), lesson("03", "01", "02", "elsewhere"), lesson("04")]


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch) -> list[Lesson]:
    books = list(BOOKS)
    monkeypatch.setattr(module, "lessons", lambda: books)
    return books


def progress(**done: str) -> Progress:
    return Progress(
        tuple(
            LessonProgress(
                each,
                Path(each.name),
                frozenset(done.get(f"n{each.name}", "")),
                is_touched=f"n{each.name}" in done,
            )
            for each in BOOKS
        )
    )


def boxes(drawn: ConceptMap) -> dict[str, list[str]]:
    """The rectangles before each box's words, by its number, as they are written."""
    found: dict[str, list[str]] = {}
    for rects, number in re.findall(r"((?:<rect[^>]*>)+)<text[^>]*>(\d\d)<", drawn.svg()):
        found[number] = re.findall("<rect[^>]*>", rects)
    return found


def test_how_far_one_is_stands_in_words_and_in_the_picture(course: list[Lesson]) -> None:
    """Filled as far as it is done; an edge for done, one for begun, a broken one for neither."""
    drawn = concept_map(progress(n01="fg", n02="f", n03=""))

    said = repr(drawn).splitlines()[1:]
    assert [re.search(r"\((.*?)\)", line)[1] for line in said] == [  # type: ignore[index]
        "done",
        "1 of 2 done",
        "started",
        "not started",
    ]
    widths = {n: re.search(r"width=\"(\d+)", rects[0])[1] for n, rects in boxes(drawn).items()}  # type: ignore[index]
    assert widths == {"01": "140", "02": "70", "03": "0", "04": "0"}
    edges = {n: rects[-1] for n, rects in boxes(drawn).items()}
    for number, edge in {"01": DONE, "02": STARTED, "03": STARTED, "04": OPEN}.items():
        assert edge in edges[number]
    assert drawn.svg().count(">1 of 2 done<") == 1


def test_without_progress_it_says_only_what_builds_on_what(course: list[Lesson]) -> None:
    """What a notebook needs of another course is left out, and what follows from others."""
    assert "after 02" in repr(concept_map()).splitlines()[3]
    assert "started" not in concept_map().svg()
    assert all(len(rects) == 1 for rects in boxes(concept_map()).values())
    root = ElementTree.fromstring(concept_map().svg())  # a title with < and & is text
    assert root.get("role") == "img"


def test_notebooks_that_need_each_other_have_no_map(course: list[Lesson]) -> None:
    course[:] = [lesson("01", "02"), lesson("02", "01")]
    with pytest.raises(DeskError, match="in a circle"):
        concept_map()


@browser.needs_chromium
@pytest.mark.parametrize("colours", ["", "background: #111; color: #eee"])
def test_axe_finds_nothing_serious(course: list[Lesson], colours: str) -> None:
    assert browser.serious_in(concept_map(progress(n01="fg"))._repr_html_(), colours) == []

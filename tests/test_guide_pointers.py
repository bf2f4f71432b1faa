"""Where a guide is, the desk and the feedback lead to its passages; where none is, to nothing."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import workbook
from autograder.feedback.guide import GUIDE, guide_of
from tests import harness
from workbook import material
from workbook.answering.check_table import check
from workbook.guiding import passages, served
from workbook.guiding.pointer import ADDRESS, in_the_guide
from workbook.start import SETTINGS

NAME = "01-scaled-dot-product-attention"
INDEX = (
    '<span class="caption-text">Sums &amp; parts</span>'
    '<li class="toctree-l1"><a class="reference internal" href="a/b.html">One, two</a></li>'
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A guide of two pages, which tells of the first notebook."""
    monkeypatch.delenv(ADDRESS, raising=False)
    monkeypatch.setattr(material, "IN_WHEEL", tmp_path)
    monkeypatch.setenv(passages.MATERIAL, str(harness.ROOT / "release"))
    monkeypatch.setattr(passages, "folder", lambda: tmp_path / "guide")
    monkeypatch.setattr("workbook.guiding.pointer.folder", lambda: tmp_path / "guide")
    monkeypatch.setattr(served, "folder", lambda: tmp_path / "guide")
    passages._text.cache_clear()
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "index.html").write_text(INDEX)
    (tmp_path / "guide" / "exercises.html").write_text(f'<section id="{NAME}">')
    return tmp_path / "guide"


def softmax(x: Any, axis: int = -1) -> Any:
    """A wrong one."""
    return x


def test_a_failed_check_leads_there(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a link where Jupyter shows the guide, else by the command that opens it."""
    assert f"In the guide: workbook guide {NAME}.softmax" in repr(check("softmax"))
    monkeypatch.setenv(ADDRESS, "/user/ada/workbook/guide/")
    link = f'<a href="/user/ada/workbook/guide/exercises.html#{NAME}.softmax">softmax</a>'
    assert f"In the guide: {link}" in check("softmax")._repr_html_()


def test_what_no_guide_tells_of_has_no_link(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A course's own notebook, or a desk without a guide."""
    assert in_the_guide(NAME)
    assert in_the_guide("algebra") == []
    monkeypatch.setattr(passages, "folder", lambda: None)
    assert in_the_guide(NAME) == []
    monkeypatch.setattr("workbook.guiding.pointer.folder", lambda: None)
    assert "not installed here" in repr(workbook.guide())


def test_the_pages_are_listed_as_the_guide_lists_them(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = workbook.guide()
    assert "Sums & parts  One, two" in repr(shown)
    assert "workbook guide, in a terminal" in repr(shown)
    assert "<a " not in shown._repr_html_()
    monkeypatch.setenv(ADDRESS, "/workbook/guide/")
    assert '<a href="/workbook/guide/a/b.html">One, two</a>' in workbook.guide()._repr_html_()


def _server(settings: dict[str, Any]) -> Any:
    added: list[Any] = []
    app = SimpleNamespace(settings=settings, add_handlers=lambda _, each: added.extend(each))
    return SimpleNamespace(web_app=app, added=added)


def test_a_server_tells_where_it_shows_the_guide(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterLab by its page's configuration; of notebooks those that the guide tells of."""
    monkeypatch.setenv(ADDRESS, "elsewhere")  # put back afterwards
    server = _server({"base_url": "/user/ada/"})
    served._load_jupyter_server_extension(server)

    told = server.web_app.settings["page_config_data"]["workbookGuide"]
    assert told["address"] == "/user/ada/workbook/guide/"
    assert told["notebooks"] == {"Scaled dot-product attention": NAME, "Start here": ""}
    assert server.added[0][0] == "/user/ada/workbook/guide/(.*)"


def test_without_a_guide_a_server_shows_none(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "folder", lambda: None)
    server = _server({"base_url": "/"})
    served._load_jupyter_server_extension(server)
    assert server.added == []
    assert server.web_app.settings == {"base_url": "/"}


def test_the_extension_is_switched_on_where_students_are() -> None:
    (settings,) = SETTINGS.glob("jupyter_server_config.d/*.json")
    switched = json.loads(settings.read_text())["ServerApp"]["jpserver_extensions"]
    assert switched[served.__name__]
    assert served._jupyter_server_extension_points() == [{"module": served.__name__}]


def test_feedback_leads_to_the_guide_that_a_course_gives_out(tmp_path: Path) -> None:
    assert guide_of(tmp_path, NAME) is None
    (tmp_path / GUIDE).parent.mkdir()
    (tmp_path / GUIDE).write_text(f'<section id="{NAME}">')

    assert guide_of(tmp_path, "algebra") is None
    at_hand, on_the_web = guide_of(tmp_path, NAME), guide_of(tmp_path, NAME, "https://a.b/guide/")
    assert at_hand
    assert on_the_web
    assert (at_hand.link("f"), at_hand.command("f")) == ("", f"workbook guide {NAME}.f")
    assert on_the_web.link("f") == f"https://a.b/guide/exercises.html#{NAME}.f"
    assert passages.wanted(at_hand.command("softmax").split()[-1]) == (NAME, "softmax")

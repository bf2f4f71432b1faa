"""The guide and the demo are opened where a browser is, and found where none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.errors import DeskError
from workbook import material
from workbook.demo.opening import open_page
from workbook.guiding import in_browser, passages


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser is asked for; it opens them."""
    addresses: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: addresses.append(url) or True)
    return addresses


def test_the_demo_is_written_and_opened(asked: list[str]) -> None:
    said = open_page()

    assert said == f"The demo opens in your browser: {asked[0]}"
    path = Path(asked[0].removeprefix("file://"))
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_where_no_browser_opens_the_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda url: False)

    assert open_page().startswith("Open this address in a browser: file:///")


def test_a_file_that_is_named_is_only_written(asked: list[str], tmp_path: Path) -> None:
    said = open_page(tmp_path / "demo.html")

    assert (tmp_path / "demo.html").stat().st_size > 1_000_000
    assert said.startswith(f"Wrote {tmp_path / 'demo.html'}")
    assert asked == []
    with pytest.raises(DeskError, match=r"No such file or directory.*name another file"):
        open_page(tmp_path / "nowhere" / "demo.html")


def test_the_guide_of_this_installation_is_opened(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(material, "IN_WHEEL", tmp_path / "wheel")
    monkeypatch.setattr(material, "IN_CHECKOUT", tmp_path / "clone")
    with pytest.raises(DeskError, match="make guide"):
        in_browser.open_guide()
    for place in ("clone", "wheel"):
        (tmp_path / place / "guide").mkdir(parents=True)
        (tmp_path / place / "guide" / "index.html").write_text("")
        assert in_browser.open_guide().startswith("The guide opens in your browser: file://")
        assert place in asked[-1]
    in_browser.open_guide(browser=False)
    assert len(asked) == 2


def test_the_guide_opens_at_a_notebook(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "index.html").write_text("")
    (tmp_path / "guide" / "exercises.html").write_text('<section id="02-causal-masking">')
    for module in (in_browser, passages):
        monkeypatch.setattr(module, "folder", lambda: tmp_path / "guide")

    in_browser.open_guide(name="02")
    assert asked[-1].endswith("/guide/exercises.html#02-causal-masking")
    for name in ("causal_mask", "02.causal_mask"):
        in_browser.open_guide(name=name)
        assert asked[-1].endswith("/guide/exercises.html#02-causal-masking.causal_mask")
    with pytest.raises(DeskError, match="tells nothing of 03-multi-head-attention"):
        in_browser.open_guide(name="03")
    with pytest.raises(DeskError, match=r"'0' may be several: choose 01-.* or 02-"):
        in_browser.open_guide(name="0")
    with pytest.raises(DeskError, match=r"'nothing' is not the name of a notebook.*are 01-"):
        in_browser.open_guide(name="nothing")
